import * as v from "valibot";

/** What stands in the place of a redacted value, or of a redacted part of a text. */
export const REDACTED = "***";

/** What redaction did to an event, told to whoever records it later. */
export const Redaction = v.object({
  /** The event's identity: of the event as it came, keyed with the tenant's secret. */
  digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  /** Names of its fields that are not as they came. */
  fields: v.array(v.string()),
});
/** What redaction did to an event. */
export type Redaction = v.InferOutput<typeof Redaction>;

const MARK = "redacted\u0000";

/** A small field of the service's own that says of another that it is not as it came. No producer's field. */
export const redactionMark = (field: string): string => `${MARK}${field}`;

/** A mark's value; that it is there is what it says. */
export const MARKED = 1;

/** The field that a small field of this name marks; undefined where it is no mark. */
export const fieldMarkedBy = (name: string): string | undefined =>
  name.startsWith(MARK) ? name.slice(MARK.length) : undefined;

/** The fields that are marked among small fields, in order. */
export const redactedAmong = (fields: ReadonlyMap<string, unknown>): string[] =>
  [...fields.keys()].flatMap((name) => fieldMarkedBy(name) ?? []).sort();
