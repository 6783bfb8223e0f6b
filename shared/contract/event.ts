import * as v from "valibot";
import { canonicalJson } from "./canonical-json.ts";
import { EVENT_FIELDS, EVENT_TYPES, type EventType, FREE_FIELDS } from "./event-fields.ts";
import { AppId, Id, RunId, TenantId } from "./identifiers.ts";
import { Instant, millisecondsOf } from "./instant.ts";
import { type JsonMember, JsonText, membersOf } from "./json-text.ts";

/** A value of a small field. Free JSON is text; `execution_metadata` a map of texts. */
export type FieldValue = string | number | null | readonly string[] | JsonText | ReadonlyMap<string, JsonText>;

/** A payload value: of a field, or of one key of `execution_metadata` that is too long to travel with the small fields. */
export interface PayloadText {
  readonly field: string;
  readonly key?: string;
  readonly text: string;
}

/** An event as a producer sent it, read and checked. */
export interface ProducedEvent {
  readonly type: EventType;
  readonly runId: RunId;
  readonly at: Instant;
  readonly epoch: number;
  readonly id: string | undefined;
  readonly appId: AppId | undefined;
  /** The small fields as sent, null included; absent ones are absent. */
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly payload: readonly PayloadText[];
}

/** What is wrong with one place of an input. `path` is dotted: `execution_metadata.total_tokens`. */
export interface InputError {
  readonly path: string;
  readonly message: string;
}

/** An event that was read, or every reason why it cannot be. */
export type EventReading =
  | {
      readonly ok: true;
      readonly event: ProducedEvent;
      readonly tenantId: TenantId | undefined;
    }
  | {
      readonly ok: false;
      readonly code: "NOT_JSON" | "EVENT_TOO_LARGE" | "INVALID_EVENT" | "TOO_DEEP" | "AT_IN_FUTURE";
      readonly errors: readonly InputError[];
      readonly id: string | undefined;
      readonly runId: string | undefined;
      readonly tenantId: TenantId | undefined;
    };

/** A value of a small field that is longer, written without white space, counts as payload (characters). */
const LONGEST_FIELD_TEXT = 1024;

/** Lists filter by tags, of which there are few: they never count as payload. */
const ALWAYS_SMALL: ReadonlySet<string> = new Set(["tags"]);

/** A field of the service's own: the beginning of an error that counts as payload, for lists to show. No producer's field. */
export const ERROR_HEAD = "error\u0000head";
const LONGEST_ERROR_HEAD = 200;

/** The deepest nesting of an event, the event itself being level 1. */
export const MAX_DEPTH = 200;

/** How far ahead of the service's clock an event's `at` may be (milliseconds). */
export const MAX_AHEAD_MS = 24 * 3_600_000;

const Envelope = v.object({
  type: v.picklist(EVENT_TYPES, `expected an event type: ${EVENT_TYPES.join(", ")}`),
  run_id: RunId,
  at: Instant,
  id: v.nullish(Id),
  app_id: v.nullish(AppId),
  epoch: v.nullish(
    v.pipe(
      v.number("expected a number"),
      v.safeInteger("expected a whole number"),
      v.minValue(1, "expected 1 or more"),
    ),
  ),
});
const ENVELOPE: ReadonlySet<string> = new Set([...Object.keys(Envelope.entries), "tenant_id"]);

type Fields = v.GenericSchema<unknown, Readonly<Record<string, unknown>>>;
const fieldSchemas: ReadonlyMap<unknown, Fields> = new Map(
  EVENT_TYPES.map((type) => {
    const required = type === "run.started" ? { app_id: AppId } : {};
    return [type, v.object({ ...required, ...EVENT_FIELDS[type] }) as Fields];
  }),
);
const NoFields: Fields = v.object({});
const QueueTenant = v.object({ tenant_id: TenantId });

const errorsOf = (issues: readonly v.BaseIssue<unknown>[] | undefined): InputError[] =>
  (issues ?? []).map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: issue.input === undefined && issue.kind === "schema" ? "required" : issue.message,
  }));

const shortText = (value: unknown): string | undefined =>
  typeof value === "string" && value.length <= 256 ? value : undefined;

interface Parts {
  fields: Map<string, FieldValue>;
  payload: PayloadText[];
}

/** No text this short can grow beyond {@link LONGEST_FIELD_TEXT}: the most that a number takes is five times its text. */
const SURELY_SHORT = 200;

/** Whether a value is long does not depend on its white space and escapes: equal events are split alike. */
const isLong = (text: string): boolean => text.length > SURELY_SHORT && canonicalJson(text).length > LONGEST_FIELD_TEXT;

const splitMetadata = (text: string, parts: Parts): void => {
  const kept = new Map<string, JsonText>();
  for (const [key, value] of new Map(membersOf(text).members)) {
    if (isLong(value)) parts.payload.push({ field: "execution_metadata", key, text: value });
    else kept.set(key, new JsonText(value));
  }
  parts.fields.set("execution_metadata", kept);
};

/** The beginning of an error, the same for all spellings of it. */
export const errorHead = (text: string): string => {
  const error = canonicalJson(text);
  return (error.startsWith('"') ? (JSON.parse(error) as string) : error).slice(0, LONGEST_ERROR_HEAD);
};

const split = (type: EventType, members: readonly JsonMember[], values: Readonly<Record<string, unknown>>): Parts => {
  const known: object = EVENT_FIELDS[type];
  const parts: Parts = { fields: new Map(), payload: [] };
  for (const [name, text] of members) {
    if (ENVELOPE.has(name)) continue;
    if (!Object.hasOwn(known, name)) parts.payload.push({ field: name, text });
    else if (text === "null") parts.fields.set(name, null);
    else if (name === "execution_metadata") splitMetadata(text, parts);
    else if (!ALWAYS_SMALL.has(name) && isLong(text)) {
      parts.payload.push({ field: name, text });
      if (name === "error") parts.fields.set(ERROR_HEAD, errorHead(text));
    } else if (FREE_FIELDS.has(name)) parts.fields.set(name, new JsonText(text));
    else parts.fields.set(name, values[name] as FieldValue);
  }
  return parts;
};

const SMALL_FIELDS = new Set(Object.values(EVENT_FIELDS).flatMap((fields) => Object.keys(fields)));

/** The values of the envelope and of the small fields. Names are those of the text, not of the parsed object. */
const smallValues = (members: readonly JsonMember[]): Record<string, unknown> => {
  const small = members.filter(([name]) => ENVELOPE.has(name) || SMALL_FIELDS.has(name));
  return Object.fromEntries(small.map(([name, text]) => [name, JSON.parse(text)]));
};

/** Reasons are for reading: an event with thousands of them names the first. */
const MOST_ERRORS = 100;
const LONGEST_PATH = 256;

const shownErrors = (errors: readonly InputError[]): InputError[] => {
  const shown = errors
    .slice(0, MOST_ERRORS)
    .map(({ path, message }) => ({ path: path.slice(0, LONGEST_PATH), message }));
  const left = errors.length - shown.length;
  return left === 0 ? shown : [...shown, { path: "", message: `and ${left} more of the kind` }];
};

const repeatedNames = (members: readonly JsonMember[]): InputError[] => {
  const seen = new Set<string>();
  const errors: InputError[] = [];
  for (const [name] of members) {
    if (seen.has(name)) errors.push({ path: name, message: "expected once, came twice" });
    seen.add(name);
  }
  return errors;
};

/**
 * Reads one event. `text` is its JSON and `value` the same parsed. Reports everything that is wrong with it at once.
 * `now` is the clock in milliseconds; `isFromQueue` says that the event names its tenant itself.
 */
export const readEvent = (
  input: { readonly text: string; readonly value: unknown },
  context: { readonly now: number; readonly isFromQueue: boolean },
): EventReading => {
  const { value } = input;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const came = Array.isArray(value) ? "a list" : value === null ? "null" : `a ${typeof value}`;
    const errors = [{ path: "", message: `expected an event (an object), came ${came}` }];
    return { ok: false, code: "INVALID_EVENT", errors, id: undefined, runId: undefined, tenantId: undefined };
  }
  const { members, depth } = membersOf(input.text);
  const values = smallValues(members);
  const named = v.safeParse(TenantId, values["tenant_id"]);
  const tenantId = context.isFromQueue && named.success ? named.output : undefined;
  const refused = (code: "INVALID_EVENT" | "TOO_DEEP" | "AT_IN_FUTURE", errors: InputError[]): EventReading => ({
    ok: false,
    code,
    errors: shownErrors(errors),
    id: shortText(values["id"]),
    runId: shortText(values["run_id"]),
    tenantId,
  });

  const envelope = v.safeParse(Envelope, values);
  const fields = v.safeParse(fieldSchemas.get(values["type"]) ?? NoFields, values);
  const errors = [...repeatedNames(members), ...errorsOf(envelope.issues), ...errorsOf(fields.issues)];
  if (context.isFromQueue) errors.push(...errorsOf(v.safeParse(QueueTenant, values).issues));
  if (!context.isFromQueue && Object.hasOwn(values, "tenant_id")) {
    errors.push({ path: "tenant_id", message: "not allowed here: the tenant comes from the credential" });
  }
  const tooDeep =
    depth > MAX_DEPTH ? [{ path: "", message: `expected at most ${MAX_DEPTH} levels, came ${depth}` }] : [];
  if (errors.length > 0 || !envelope.success || !fields.success)
    return refused("INVALID_EVENT", [...errors, ...tooDeep]);
  if (tooDeep.length > 0) return refused("TOO_DEEP", tooDeep);

  const { type, run_id: runId, at, id, app_id: appId, epoch } = envelope.output;
  if (millisecondsOf(at) > context.now + MAX_AHEAD_MS) {
    return refused("AT_IN_FUTURE", [{ path: "at", message: "expected at most 24 hours ahead of the service's clock" }]);
  }
  const parts = split(type, members, fields.output);
  const event = { type, runId, at, epoch: epoch ?? 1, id: id ?? undefined, appId: appId ?? undefined, ...parts };
  return { ok: true, event, tenantId };
};
