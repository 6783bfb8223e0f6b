import { type RedriveDependencies, type RedriveResult, redriveEvent } from "../shared/app/quarantine/redrive-event.ts";
import { redriveQuarantine } from "../shared/app/quarantine/redrive-quarantine.ts";
import { TenantId } from "../shared/contract/identifiers.ts";
import type { QuarantinePosition } from "../shared/domain/quarantine.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandIo } from "./command-group.ts";
import { optionalOption, parseCommand, TARGET_OPTIONS } from "./command-line.ts";
import { noSuchMessage, openQuarantine, placeOf } from "./open-quarantine.ts";
import { openTarget } from "./open-target.ts";

const NOBODYS =
  "--tenant is needed: what names no tenant is nobody's event; correct it, send it to the queue again, and remove it here";

const redriveOne = async (dependencies: RedriveDependencies, tenantId: TenantId, id: string): Promise<string> => {
  const result = await redriveEvent(dependencies, tenantId, placeOf(id));
  if (result === undefined) throw noSuchMessage(id, tenantId);
  if (result.status === "unavailable") throw result.fault;
  if (result.status === "redriven") return `Recorded, as an event of the run ${result.runId}.`;
  const reasons = result.errors.map(({ path, message }) => `${path === "" ? "the event" : path}: ${message}`);
  throw new CommandFailure(`still refused, ${result.code}: ${reasons.join("; ")}`);
};

const redriveAll = async (dependencies: RedriveDependencies, tenantId: TenantId): Promise<string> => {
  const results: RedriveResult[] = [];
  let next: QuarantinePosition | undefined;
  do {
    const pass = await redriveQuarantine(dependencies, tenantId, next);
    results.push(...pass.results);
    if (pass.results.length > 0 && pass.results.every(({ status }) => status === "unavailable")) break;
    next = pass.next;
  } while (next !== undefined);
  const count = (status: RedriveResult["status"]): number => results.filter((it) => it.status === status).length;
  const told = `${count("redriven")} recorded, ${count("still_refused")} still refused`;
  const failed = results.find(({ status }) => status === "unavailable");
  if (failed?.status !== "unavailable") return `${told}.`;
  throw new CommandFailure(
    `${told}, ${count("unavailable")} not taken by the store: try again (${failed.fault.message})`,
  );
};

/** `quarantine redrive <id>|--all --tenant T`. Fails where the one event is still refused, or the store failed. */
export const redriveCommand = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const options = { ...TARGET_OPTIONS, tenant: { type: "string" }, all: { type: "boolean" } } as const;
  const { values, positionals } = parseCommand(args, options, args.includes("--all") ? [] : ["id"]);
  const tenantId = optionalOption("tenant", TenantId, values.tenant);
  if (tenantId === undefined) throw new CommandFailure(NOBODYS);

  using target = await openTarget(values, io.environment);
  const dependencies = await openQuarantine(target, io);
  const [id] = positionals;
  io.print(id === undefined ? await redriveAll(dependencies, tenantId) : await redriveOne(dependencies, tenantId, id));
};
