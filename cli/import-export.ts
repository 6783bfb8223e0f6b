import { type ExportedEvent, readExportedEvent } from "../shared/app/export/exported-event.ts";
import {
  type ExportedEntry,
  type ImportedRun,
  type ImportOutcome,
  importRun,
  type RunToImport,
} from "../shared/app/export/import-run.ts";
import type { RecordDependencies } from "../shared/app/record/record-events.ts";
import type { TenantId } from "../shared/contract/identifiers.ts";
import { runOfLine } from "./check-export.ts";
import { exportLines, type PlacedLine } from "./export-lines.ts";

/** What an import has come to. */
export interface ImportReport {
  runs: number;
  /** Entries and events that were recorded. */
  entries: number;
  events: number;
  /** Entries that the ledger had already. */
  knownEntries: number;
  /** Runs that were not, or not wholly, recorded, and why. */
  readonly refused: Map<string, string>;
}

/** Runs that are written at a time, as long as what waits for them is not more than this (characters). */
const RUNS_AT_A_TIME = 16;
const MOST_WAITING = 64 * 1024 * 1024;

/** One run's lines in their order. */
interface OpenRun extends RunToImport {
  readonly uploads: Map<string, number>;
  /** Of the upload that is being read. */
  readonly pieces: Buffer[];
  entry:
    | { readonly ulid: string; readonly deliveries: ExportedEvent[]; readonly first: PlacedLine; length: number }
    | undefined;
  imported: Promise<ImportedRun> | undefined;
  isRefused: boolean;
}

/** Writes what is handed over: entries of one run one after the other, of several runs at a time. */
const writer = (stores: RecordDependencies, report: ImportReport) => {
  const busy = new Set<Promise<void>>();
  const last = new Map<string, Promise<void>>();
  let waiting = 0;
  let failure: { readonly error: unknown } | undefined;

  const note = (run: OpenRun, entry: ExportedEntry, outcome: ImportOutcome): void => {
    if (outcome === "known") report.knownEntries++;
    else if (outcome === "recorded") {
      report.entries++;
      report.events += entry.events.length;
    } else {
      run.isRefused = true;
      report.refused.set(run.key.runId, outcome.refused);
    }
  };

  const rest = async (): Promise<void> => {
    while (failure === undefined && (waiting > MOST_WAITING || busy.size >= RUNS_AT_A_TIME)) await Promise.race(busy);
    if (failure !== undefined) throw failure.error;
  };

  return {
    /** Resolves when there is room for more. */
    hand: async (run: OpenRun, of: { readonly length: number; work(): Promise<void> }): Promise<void> => {
      await rest();
      waiting += of.length;
      const { runId } = run.key;
      const written = (last.get(runId) ?? Promise.resolve())
        .then(() => (run.isRefused || failure !== undefined ? undefined : of.work()))
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          waiting -= of.length;
          busy.delete(written);
          if (last.get(runId) === written) last.delete(runId);
        });
      last.set(runId, written);
      busy.add(written);
    },
    record: async (run: OpenRun, entry: ExportedEntry): Promise<void> => {
      run.imported ??= importRun(stores, run);
      note(run, entry, await (await run.imported).record(entry, run.uploads));
    },
    end: async (): Promise<void> => {
      while (busy.size > 0) await Promise.race(busy);
      if (failure !== undefined) throw failure.error;
    },
  };
};

type Writer = ReturnType<typeof writer>;

/** Hands over the deliveries that arrived together, when the next line is not one of them. */
const closeEntry = async (run: OpenRun | undefined, to: Writer): Promise<void> => {
  if (run?.entry === undefined) return;
  const { deliveries: events, first, length } = run.entry;
  run.entry = undefined;
  if (first.line.record !== "event") return;
  const { actor, source } = first.line;
  await to.hand(run, { length, work: () => to.record(run, { actor, source, events }) });
};

const addDelivery = async (run: OpenRun, placed: PlacedLine, to: Writer): Promise<void> => {
  const { line, text } = placed;
  if (line.record !== "event") return;
  if (run.entry?.ulid !== line.entry) {
    await closeEntry(run, to);
    run.entry = { ulid: line.entry, deliveries: [], first: placed, length: 0 };
  }
  const event = readExportedEvent(run.key, { line, text });
  if ("errors" in event) throw new Error(`${placed.at} was checked, and is not what it was`);
  run.entry.deliveries.push(event);
  run.entry.length += text.length;
};

const addPiece = async (stores: RecordDependencies, run: OpenRun, placed: PlacedLine, to: Writer): Promise<void> => {
  const { line } = placed;
  if (line.record !== "upload") return;
  run.pieces.push(Buffer.from(line.base64, "base64"));
  const bytes = run.pieces.reduce((sum, { length }) => sum + length, 0);
  if (bytes < line.size) return;
  const upload = Buffer.concat(run.pieces.splice(0));
  run.uploads.set(line.upload_id, upload.length);
  const work = () => stores.uploads.put(run.key.tenantId, line.upload_id, upload);
  await to.hand(run, { length: upload.length, work });
};

/**
 * Records all that checked files hold. `tell` is called after each run that was read. Throws StoreFault; doing it all
 * again then is safe.
 */
export const importExport = async (
  stores: RecordDependencies,
  of: { readonly files: readonly string[]; readonly tenantId: TenantId; tell(runs: number): void },
): Promise<ImportReport> => {
  const report: ImportReport = { runs: 0, entries: 0, events: 0, knownEntries: 0, refused: new Map() };
  const to = writer(stores, report);
  let run: OpenRun | undefined;
  for await (const placed of exportLines(of.files)) {
    const { line } = placed;
    if (line.record === "event" && run !== undefined) await addDelivery(run, placed, to);
    else await closeEntry(run, to);
    if (line.record === "upload" && run !== undefined) await addPiece(stores, run, placed, to);
    if (line.record !== "run") continue;
    const key = runOfLine(of.tenantId, line.run_id);
    run = {
      key,
      appId: line.app_id ?? undefined,
      uploads: new Map(),
      pieces: [],
      entry: undefined,
      imported: undefined,
      isRefused: false,
    };
    of.tell(++report.runs);
  }
  await closeEntry(run, to);
  await to.end();
  return report;
};
