import * as v from "valibot";
import { type FieldValue, type InputError, readEvent } from "../../contract/event.ts";
import type { EventLine } from "../../contract/export-line.ts";
import { AppId, type RunKey } from "../../contract/identifiers.ts";
import { Instant } from "../../contract/instant.ts";
import { JsonText, membersOf } from "../../contract/json-text.ts";
import type { IdentifiedEvent } from "../../domain/fold/ledger.ts";
import type { ReceivedEvent } from "../record/received-event.ts";

/** A delivery of an export, read: a claim, which no producer sends, or an event as it came. */
export type ExportedEvent =
  | { readonly kind: "claim"; readonly event: IdentifiedEvent }
  | {
      readonly kind: "event";
      readonly received: ReceivedEvent;
      /** Uploads that its fields refer to, by field: their ids. */
      readonly uploads: ReadonlyMap<string, string>;
    };

/** What is wrong with a line. */
export interface LineError {
  readonly errors: readonly InputError[];
}

const ENVELOPE = ["type", "id", "run_id", "at", "epoch", "app_id"];

const Claim = v.object({
  id: v.optional(v.string()),
  at: Instant,
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(2)),
  app_id: v.optional(AppId),
});

const fieldOf = (text: string): FieldValue => {
  const value: unknown = JSON.parse(text);
  const isPlain = value === null || typeof value === "string" || typeof value === "number";
  return isPlain ? value : new JsonText(text);
};

const claimOf = (run: RunKey, line: EventLine, json: string): ExportedEvent | LineError => {
  const claim = v.safeParse(Claim, line.event);
  if (!claim.success) {
    return { errors: claim.issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message })) };
  }
  const { id, at, epoch, app_id: appId } = claim.output;
  const fields = membersOf(json).members.filter(([name]) => !ENVELOPE.includes(name));
  return {
    kind: "claim",
    event: {
      type: "run.claimed",
      runId: run.runId,
      at,
      epoch,
      id,
      appId,
      fields: new Map(fields.map(([name, text]) => [name, fieldOf(text)])),
      payload: [],
      digest: line.digest,
    },
  };
};

/** The JSON of the event as it arrived. `text` is the line. */
const jsonOf = (line: EventLine, text: string): string =>
  line.event_text ?? membersOf(text).members.find(([name]) => name === "event")?.[1] ?? "";

/**
 * Reads a delivery of an export as strictly as if it came now, but for its time and for who may say what. Its digest and
 * what was redacted of it are as the line says: the ledger that it came from took them from the event as it was sent.
 */
export const readExportedEvent = (
  run: RunKey,
  { line, text }: { readonly line: EventLine; readonly text: string },
): ExportedEvent | LineError => {
  const json = jsonOf(line, text);
  if (line.event.type === "run.claimed") return claimOf(run, line, json);
  const reading = readEvent({ text: json, value: line.event }, { now: Number.POSITIVE_INFINITY, isFromQueue: false });
  if (!reading.ok) return { errors: reading.errors };
  if (reading.event.runId !== run.runId)
    return { errors: [{ path: "run_id", message: "expected the run's own events" }] };
  const redaction = { digest: line.digest, fields: line.redacted };
  const received = { tenantId: run.tenantId, text: json, reading, redaction };
  return { kind: "event", received, uploads: new Map(Object.entries(line.uploads)) };
};
