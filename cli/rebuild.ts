import { rebuildRun as rebuild, writeRebuilt } from "../shared/app/record/rebuild-run.ts";
import { RunId, TenantId } from "../shared/contract/identifiers.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandGroup, CommandIo } from "./command-group.ts";
import { parseCommand, requiredOption, TARGET_OPTIONS } from "./command-line.ts";
import { openStores } from "./open-stores.ts";
import { openTarget } from "./open-target.ts";
import { rebuildStatistics } from "./rebuild-statistics.ts";
import { textTable } from "./text-table.ts";

const HELP = `Folds ledgers again, and compares what is derived from them. Exits 1 where something differs.

  npm run cli -- rebuild <run_id> --tenant T [--write]
  npm run cli -- rebuild run <run_id> --tenant T [--write]
      One run: its header, which lists and queries read, with what its ledger folds to.
  npm run cli -- rebuild statistics --tenant T --app A [--from 2026-11-01] [--to 2026-12-01] [--write]
      An app's statistics, of the last 30 days where it says nothing else: what each run adds, recounted from its
      ledger, and each sum of a quarter of an hour, an hour or a day (UTC), from what it is made of. Reads every run.
  With --write what differs is put right.

Without more it works on the embedded stack (npm start). For a deployed one: --stage NAME [--region R].`;

const OPTIONS = { ...TARGET_OPTIONS, tenant: { type: "string" }, write: { type: "boolean" } } as const;

const shown = (value: unknown): string => (value === undefined ? "-" : JSON.stringify(value));

const rebuildRun = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values, positionals } = parseCommand(args, OPTIONS, ["run_id"]);
  const tenantId = requiredOption("tenant", TenantId, values.tenant);
  const run = { tenantId, runId: requiredOption("run_id", RunId, positionals[0]) };

  using target = await openTarget(values, io.environment);
  const stores = await openStores(target, io);
  const found = await rebuild(stores, run);
  if (found === undefined) throw new CommandFailure(`tenant ${tenantId} has no run ${run.runId}`);
  const { differences, events, entries } = found;
  const size = `${events} events in ${entries} entries`;
  if (differences.length === 0) return io.print(`The header of ${run.runId} is what its ledger folds to (${size}).`);

  const rows = differences.map(({ name, header, ledger }) => [name, shown(header), shown(ledger)]);
  io.print(textTable(["FIELD", "HEADER", "LEDGER"], rows));
  if (!values.write) throw new CommandFailure(`the header differs from the ledger (${size}): --write puts it right`);
  if (!(await writeRebuilt(stores, run, found))) {
    throw new CommandFailure("the run has changed meanwhile: look again");
  }
  io.print("The header was put right.");
};

/** `rebuild <run_id>`, `rebuild run`, `rebuild statistics`. */
export const rebuildGroup: CommandGroup = {
  name: "rebuild",
  summary: "fold ledgers again, and compare headers and statistics with them",
  help: HELP,
  run: ([first, ...rest], io) => {
    if (first === "statistics") return rebuildStatistics(rest, io);
    return rebuildRun(first === undefined ? [] : first === "run" ? rest : [first, ...rest], io);
  },
};
