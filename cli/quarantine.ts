import * as v from "valibot";
import { TenantId } from "../shared/contract/identifiers.ts";
import { quarantineBegin, quarantineIdOf } from "../shared/domain/quarantine.ts";
import type { QuarantinedMessage } from "../shared/ports/quarantine-store.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandGroup, CommandIo } from "./command-group.ts";
import { chooseCommand, optionalOption, parseCommand, TARGET_OPTIONS } from "./command-line.ts";
import { findMessage, nameOf, openQuarantine, placeOf } from "./open-quarantine.ts";
import { openTarget } from "./open-target.ts";
import { quarantinedJson, quarantineTable } from "./quarantine-listing.ts";
import { redriveCommand } from "./redrive-command.ts";

const HELP = `What came by queue and was refused, for 14 days from its sending. With --tenant that tenant's events; without it the
operator's own: bodies that are no events, or name no tenant.

  npm run cli -- quarantine list [--tenant T] [--limit 20] [--after ID] [--json]
      Newest first, each with the reason.
  npm run cli -- quarantine show <id> [--tenant T] [--json]
      The body as it was sent, and nothing else; with --json as text, beside all that is known of it.
  npm run cli -- quarantine redrive <id> --tenant T
  npm run cli -- quarantine redrive --all --tenant T
      Records a tenant's refused events again. What is still refused stays, with the new reasons.
  npm run cli -- quarantine remove <id> [--tenant T]
      Throws a body away.

Without more it works on the embedded stack (npm start). For a deployed one: --stage NAME [--region R].`;

const OPTIONS = { ...TARGET_OPTIONS, tenant: { type: "string" } } as const;
const LIMIT = "expected a whole number from 1 to 1000";
const Limit = v.pipe(v.string(), v.regex(/^[1-9]\d{0,3}$/, LIMIT), v.transform(Number), v.maxValue(1000, LIMIT));

const list = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const options = {
    ...OPTIONS,
    limit: { type: "string" },
    after: { type: "string" },
    json: { type: "boolean" },
  } as const;
  const { values } = parseCommand(args, options);
  const tenantId = optionalOption("tenant", TenantId, values.tenant);
  const limit = optionalOption("limit", Limit, values.limit) ?? 20;
  const after = values.after === undefined ? undefined : placeOf(values.after);

  using target = await openTarget(values, io.environment);
  const { quarantine } = await openQuarantine(target, io);
  const query = { sentSince: quarantineBegin(io.now()), after, limit: limit + 1 };
  const messages: QuarantinedMessage[] = [];
  for await (const message of quarantine.list(tenantId, query)) messages.push(message);
  const shown = messages.slice(0, limit);
  const last = shown.at(-1);
  const next = last !== undefined && messages.length > limit ? quarantineIdOf(last) : null;

  if (values.json) return io.print(JSON.stringify({ data: shown.map(quarantinedJson), next }, null, 2));
  if (shown.length === 0) return io.print(`There is nothing${after ? " more" : ""} in ${nameOf(tenantId)}.`);
  io.print(quarantineTable(shown));
  if (next !== null) io.print(`\nThere is more: --after ${next}`);
};

const show = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values, positionals } = parseCommand(args, { ...OPTIONS, json: { type: "boolean" } }, ["id"]);
  const tenantId = optionalOption("tenant", TenantId, values.tenant);
  const [id = ""] = positionals;

  using target = await openTarget(values, io.environment);
  const { quarantine } = await openQuarantine(target, io);
  const message = await findMessage(quarantine, { id, tenantId }, io.now());
  const body = await message.readBody();
  if (body === undefined) throw new CommandFailure(`the body of ${id} is gone: somebody has removed it just now`);
  io.print(values.json ? JSON.stringify({ ...quarantinedJson(message), body }, null, 2) : body);
};

const remove = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values, positionals } = parseCommand(args, OPTIONS, ["id"]);
  const tenantId = optionalOption("tenant", TenantId, values.tenant);
  const [id = ""] = positionals;

  using target = await openTarget(values, io.environment);
  const { quarantine } = await openQuarantine(target, io);
  const message = await findMessage(quarantine, { id, tenantId }, io.now());
  await quarantine.remove(tenantId, message);
  io.print(`Removed from ${nameOf(tenantId)}.`);
};

/** `quarantine list`, `show`, `redrive`, `remove`. */
export const quarantineGroup: CommandGroup = {
  name: "quarantine",
  summary: "see, redrive and remove what was refused off the queue",
  help: HELP,
  run: (args, io) => {
    const { command, rest } = chooseCommand("quarantine", { list, show, redrive: redriveCommand, remove }, args);
    return command(rest, io);
  },
};
