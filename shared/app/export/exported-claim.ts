import * as v from "valibot";
import { type FieldValue, type InputError, MAX_DEPTH } from "../../contract/event.ts";
import { AppId, Id, type RunKey } from "../../contract/identifiers.ts";
import { Instant } from "../../contract/instant.ts";
import { JsonText, membersOf } from "../../contract/json-text.ts";
import type { Redaction } from "../../contract/redaction.ts";
import type { IdentifiedEvent } from "../../domain/fold/ledger.ts";
import { keptOf, marksOf } from "../redaction/redact-event.ts";
import type { AppRedactor } from "../redaction/tenant-redactors.ts";

/** A claim of an export, as it came: no producer sends one. */
export interface ExportedClaim {
  readonly envelope: Omit<IdentifiedEvent, "fields" | "digest">;
  /** Its JSON. */
  readonly text: string;
  /** Its digest, and what was redacted of it before. */
  readonly redaction: Redaction;
}

const Envelope = v.object({
  id: v.nullish(Id),
  at: Instant,
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(2)),
  app_id: v.nullish(AppId),
});
const ENVELOPE = ["type", "run_id", ...Object.keys(Envelope.entries)];

/** Reads a claim, or tells what is wrong with it. `value` is its JSON parsed. */
export const readExportedClaim = (
  { runId }: RunKey,
  { text, value, redaction }: { readonly text: string; readonly value: unknown; readonly redaction: Redaction },
): ExportedClaim | { readonly errors: readonly InputError[] } => {
  const envelope = v.safeParse(Envelope, value);
  if (!envelope.success) {
    return { errors: envelope.issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message })) };
  }
  if (membersOf(text).depth > MAX_DEPTH) {
    return { errors: [{ path: "", message: `expected at most ${MAX_DEPTH} levels` }] };
  }
  const { id, at, epoch, app_id: appId } = envelope.output;
  const ids = { id: id ?? undefined, appId: appId ?? undefined };
  return { envelope: { type: "run.claimed", runId, at, epoch, ...ids, payload: [] }, text, redaction };
};

const fieldOf = (text: string): FieldValue => {
  const value: unknown = JSON.parse(text);
  const isPlain = value === null || typeof value === "string" || typeof value === "number";
  return isPlain ? value : new JsonText(text);
};

/** A claim as it may be kept here. Its digest is keyed like any event's. */
export const claimOf = (
  { envelope, text, redaction }: ExportedClaim,
  redactor: AppRedactor | undefined,
): IdentifiedEvent => {
  const kept = keptOf({ text, redaction }, { redactor, digest: () => redaction.digest });
  const { digest, fields } = kept.redaction ?? redaction;
  const said = membersOf(kept.text).members.filter(([name]) => !ENVELOPE.includes(name));
  const values = said.map(([name, value]) => [name, fieldOf(value)] as const);
  return { ...envelope, fields: new Map([...values, ...marksOf(fields)]), digest };
};
