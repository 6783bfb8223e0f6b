import { monotonicFactory } from "ulid";
import type { RecordDependencies } from "../shared/app/record/record-events.ts";
import { TenantId } from "../shared/contract/identifiers.ts";
import { checkExport } from "./check-export.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandGroup, CommandIo } from "./command-group.ts";
import { parseCommand, requiredOption, TARGET_OPTIONS } from "./command-line.ts";
import { importDifyStream } from "./import-dify.ts";
import { type ImportReport, importExport } from "./import-export.ts";
import { openStores } from "./open-stores.ts";
import { openTarget } from "./open-target.ts";
import type { Target } from "./target.ts";

const HELP = `Records runs from files.

  npm run cli -- import <file>... --tenant T [--check]
      What GET /v1/apps/{app_id}/export wrote, with events and payload: .ndjson, or .gz as links give it. The files of one
      export in their order. All of them are read before anything is written; with --check nothing is. The runs end in the
      state that they were exported in; what counts from the receipt (received_at, expiry) counts from the import.
      Safe to repeat: what is there already is not recorded again.
      It writes to the ledger itself, with AWS credentials: claims and the service's own events cannot be sent over HTTP.
  npm run cli -- import dify-sse <file> --app A [--run R] [--tenant T]
      Sends a Dify stream to the API. The key is RUNSTONE_KEY; on the embedded stack that of the tenant (demo).

Without more it works on the embedded stack (npm start). For a deployed one: --stage NAME [--region R].`;

const OPTIONS = { ...TARGET_OPTIONS, tenant: { type: "string" }, check: { type: "boolean" } } as const;

/** A line of progress after so many runs. */
const RUNS_A_LINE = 1000;

/** Entries of one millisecond keep their order. */
const openLedger = async (target: Target, io: CommandIo): Promise<RecordDependencies> => ({
  ...(await openStores(target, io)),
  newUlid: monotonicFactory(),
});

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

const tellReport = (io: CommandIo, report: ImportReport): void => {
  const { runs, entries, events, knownEntries, refused } = report;
  const known =
    knownEntries === 0 ? "" : `; ${many(knownEntries, "arrival")} ${knownEntries === 1 ? "was" : "were"} there already`;
  io.print(`Read ${many(runs, "run")}, recorded ${many(events, "event")} in ${many(entries, "arrival")}${known}.`);
  for (const [runId, reason] of refused) io.note(`${runId}: ${reason}`);
  if (refused.size > 0) throw new CommandFailure(`${many(refused.size, "run")} could not be imported, or not wholly`);
};

const importFiles = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const files = args.filter((arg, index) => !arg.startsWith("-") && !takesValue(args[index - 1]));
  const { values } = parseCommand(args, OPTIONS, files);
  if (files.length === 0) throw new CommandFailure("expected the files of an export");
  const tenantId = requiredOption("tenant", TenantId, values.tenant);

  io.note(`Checking ${many(files.length, "file")}`);
  const found = await checkExport(files, tenantId);
  const what = `${many(found.runs, "run")} with ${many(found.events, "event")} of ${found.apps.join(", ")}`;
  if (values.check) return io.print(`Good: ${what}. Nothing was written.`);

  using target = await openTarget(values, io.environment);
  const stores = await openLedger(target, io);
  io.note(`Recording ${what} for tenant ${tenantId} on ${target.name}`);
  const tell = (runs: number): void => {
    if (runs % RUNS_A_LINE === 0) io.note(`${runs} of ${found.runs} runs`);
  };
  tellReport(io, await importExport(stores, { files, tenantId, tell }));
};

/** Whether what follows is an option's value and no file. */
const takesValue = (option: string | undefined): boolean =>
  option !== undefined && ["--tenant", "--stage", "--region"].includes(option);

/** `import <file>...`, `import dify-sse <file>`. */
export const importGroup: CommandGroup = {
  name: "import",
  summary: "record runs from an export, or from a Dify stream",
  help: HELP,
  run: ([first, ...rest], io) =>
    first === "dify-sse" ? importDifyStream(rest, io) : importFiles(first === undefined ? [] : [first, ...rest], io),
};
