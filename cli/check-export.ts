import { createHash, type Hash } from "node:crypto";
import * as v from "valibot";
import { readExportedEvent } from "../shared/app/export/exported-event.ts";
import { RunId, type RunKey, type TenantId } from "../shared/contract/identifiers.ts";
import { CommandFailure } from "./command-failure.ts";
import { exportLines, type PlacedLine } from "./export-lines.ts";

/** What files hold. */
export interface ExportSummary {
  readonly exports: number;
  readonly runs: number;
  readonly events: number;
  readonly apps: readonly string[];
}

const fail = ({ at }: PlacedLine, message: string): never => {
  throw new CommandFailure(`${at}: ${message}`);
};

/** The run that a line is of. */
export const runOfLine = (tenantId: TenantId, runId: string): RunKey => ({ tenantId, runId: v.parse(RunId, runId) });

interface Open {
  readonly counts: Record<"runs" | "nodes" | "events", number>;
  run: string | undefined;
  /** Pieces of the upload that is being read, in bytes; undefined between uploads. */
  upload: { readonly id: string; readonly size: number; bytes: number; readonly hash: Hash } | undefined;
}

const begin = (placed: PlacedLine): Open => {
  const { line } = placed;
  if (line.record !== "export")
    return fail(placed, "expected the first line of an export; name its files in their order");
  if (!line.importable) {
    fail(placed, "this export cannot be imported: it was made without events, or without the scope to see payload");
  }
  return { counts: { runs: 0, nodes: 0, events: 0 }, run: undefined, upload: undefined };
};

const checkUpload = (placed: PlacedLine, open: Open): void => {
  const { line } = placed;
  if (line.record !== "upload") {
    if (open.upload !== undefined) fail(placed, `expected the rest of the upload ${open.upload.id}`);
    return;
  }
  const piece = Buffer.from(line.base64, "base64");
  const upload = open.upload ?? { id: line.upload_id, size: line.size, bytes: 0, hash: createHash("sha256") };
  const isNext = line.upload_id === upload.id && line.size === upload.size && line.offset === upload.bytes;
  if (!isNext || piece.length === 0) fail(placed, "a piece of an upload is missing");
  upload.bytes += piece.length;
  upload.hash.update(piece);
  if (upload.bytes > upload.size) fail(placed, "the upload has more bytes than it says");
  open.upload = upload.bytes === upload.size ? undefined : upload;
  if (open.upload !== undefined || line.sha256 === undefined) return;
  if (upload.hash.digest("hex") !== line.sha256)
    fail(placed, `the bytes of the upload ${upload.id} are others than it says`);
};

const checkLine = (placed: PlacedLine, open: Open, tenantId: TenantId): "open" | "ended" => {
  const { line, text } = placed;
  checkUpload(placed, open);
  if (line.record === "export")
    return fail(placed, "the export before has no last line: a file of it was cut off, or is missing");
  if (line.record === "end") {
    const { counts } = open;
    const isWhole = line.runs === counts.runs && line.nodes === counts.nodes && line.events === counts.events;
    return isWhole
      ? "ended"
      : fail(
          placed,
          `expected ${line.events} events of ${line.runs} runs, came ${counts.events} of ${counts.runs}: a file is missing, or came twice`,
        );
  }
  if (line.record === "run") {
    open.counts.runs++;
    open.run = line.run_id;
    return "open";
  }
  if (line.run_id !== open.run)
    fail(placed, `expected the run ${line.run_id} before what belongs to it: a file is missing`);
  if (line.record === "node") open.counts.nodes++;
  if (line.record === "event") {
    open.counts.events++;
    const event = readExportedEvent(runOfLine(tenantId, line.run_id), { line, text });
    if ("errors" in event) {
      const [error] = event.errors;
      fail(placed, `the event cannot be recorded: ${error?.path}: ${error?.message}`);
    }
  }
  return "open";
};

/**
 * Reads files to their end without writing anything. Throws CommandFailure, with the place, for what is cut off, foreign
 * or cannot be imported.
 */
export const checkExport = async (files: readonly string[], tenantId: TenantId): Promise<ExportSummary> => {
  let open: Open | undefined;
  const apps = new Set<string>();
  let [exports, runs, events] = [0, 0, 0];
  for await (const placed of exportLines(files)) {
    if (open === undefined) {
      open = begin(placed);
      if (placed.line.record === "export") apps.add(placed.line.app_id);
    } else if (checkLine(placed, open, tenantId) === "ended") {
      exports++;
      runs += open.counts.runs;
      events += open.counts.events;
      open = undefined;
    }
  }
  if (open !== undefined) {
    throw new CommandFailure(
      `${files.at(-1)} ends before the last line of the export: it was cut off, or a file is missing`,
    );
  }
  if (exports === 0) throw new CommandFailure(`${files.join(", ")}: there is nothing in it`);
  return { exports, runs, events, apps: [...apps] };
};
