import * as v from "valibot";
import { AppId, RunId } from "./identifiers.ts";
import { Instant } from "./instant.ts";

/** How exports are written: a reader that knows another number reads nothing. */
export const EXPORT_FORMAT = 1;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.string();
/** Of a text that is anything else no key is made. */
const uploadId = v.pipe(text, v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, "expected the id of an upload (a ULID)"));

/** The first line of an export: what it is of, and whether it can be imported. */
const Export = v.object({
  record: v.literal("export"),
  format: v.literal(EXPORT_FORMAT, `expected format ${EXPORT_FORMAT}`),
  app_id: AppId,
  exported_at: Instant,
  events: v.boolean(),
  importable: v.boolean(),
});

/** A run as `GET /v1/runs/{run_id}` shows it: begins the lines of the run. */
const Run = v.looseObject({ record: v.literal("run"), run_id: RunId, app_id: v.nullable(AppId) });

/** A node execution with payload and attempts. */
const Node = v.looseObject({ record: v.literal("node"), run_id: RunId });

/** A piece of an upload that events of the run refer to, in the order of its pieces, before any event of the run. */
const Upload = v.object({
  record: v.literal("upload"),
  run_id: RunId,
  upload_id: uploadId,
  /** Where the piece begins, in bytes of the upload's `size`. */
  offset: count,
  size: count,
  /** Of the whole upload, in hex. Older exports do not have it. */
  sha256: v.optional(v.pipe(text, v.regex(/^[0-9a-f]{64}$/, "expected a SHA-256 of 64 hex characters"))),
  base64: text,
});

/** One delivery of an event, as the ledger holds it. Those of one arrival follow each other under the same `entry`. */
const Event = v.object({
  record: v.literal("event"),
  run_id: RunId,
  /** ULID of the arrival. */
  entry: text,
  received_at: Instant,
  actor: v.picklist(["engine", "caller", "service"]),
  source: v.picklist(["http", "queue", "dify", "runstone"]),
  digest: v.pipe(text, v.regex(/^[0-9a-f]{32}$/, "expected a digest of 32 hex characters")),
  /** Fields that were redacted before they were stored. */
  redacted: v.optional(v.array(text), []),
  /** Fields whose value is an upload, by the field: its id. */
  uploads: v.optional(v.record(text, uploadId), {}),
  event: v.looseObject({ type: text }),
  /** The JSON of `event` as it arrived, where that takes more than one line. */
  event_text: v.optional(text),
});

/** The last line: how many of each there were. */
const End = v.object({ record: v.literal("end"), runs: count, nodes: count, events: count });

/** A line of an export. */
export const ExportLine = v.variant("record", [Export, Run, Node, Upload, Event, End]);
export type ExportLine = v.InferOutput<typeof ExportLine>;

/** The line of one delivery. */
export type EventLine = v.InferOutput<typeof Event>;
