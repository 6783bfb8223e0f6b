import { type InputError, readEvent } from "../../contract/event.ts";
import type { EventLine } from "../../contract/export-line.ts";
import type { RunKey } from "../../contract/identifiers.ts";
import { membersOf } from "../../contract/json-text.ts";
import type { ReceivedEvent } from "../record/received-event.ts";
import { type ExportedClaim, readExportedClaim } from "./exported-claim.ts";

/** A delivery of an export, read: a claim, which no producer sends, or an event as it came. */
export type ExportedEvent =
  | { readonly kind: "claim"; readonly claim: ExportedClaim }
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

/** The event as it arrived: its JSON, and the same parsed. `text` is the line. */
const sentIn = (line: EventLine, text: string): { readonly text: string; readonly value: unknown } | undefined => {
  const json = line.event_text;
  if (json === undefined) {
    const member = membersOf(text).members.findLast(([name]) => name === "event");
    return { text: member?.[1] ?? "", value: line.event };
  }
  try {
    return { text: json, value: JSON.parse(json) };
  } catch {
    return undefined;
  }
};

/**
 * Reads a delivery of an export as strictly as if it came now, but for its time and for who may say what. Its digest and
 * what was redacted of it are as the line says: the ledger that it came from took them from the event as it was sent.
 */
export const readExportedEvent = (
  run: RunKey,
  { line, text }: { readonly line: EventLine; readonly text: string },
): ExportedEvent | LineError => {
  const sent = sentIn(line, text);
  if (sent === undefined) return { errors: [{ path: "event_text", message: "expected JSON" }] };
  const redaction = { digest: line.digest, fields: line.redacted };
  if (line.event.type === "run.claimed") {
    const claim = readExportedClaim(run, { ...sent, redaction });
    return "errors" in claim ? claim : { kind: "claim", claim };
  }
  const reading = readEvent(sent, { now: Number.POSITIVE_INFINITY, isFromQueue: false });
  if (!reading.ok) return { errors: reading.errors };
  if (reading.event.runId !== run.runId)
    return { errors: [{ path: "run_id", message: "expected the run's own events" }] };
  const received = { tenantId: run.tenantId, text: sent.text, reading, redaction };
  return { kind: "event", received, uploads: new Map(Object.entries(line.uploads)) };
};
