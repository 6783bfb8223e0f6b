import * as v from "valibot";
import { elementsOf, membersOf } from "./json-text.ts";
import { Redaction } from "./redaction.ts";

/** An event still to be read: its JSON, and the same parsed. Undefined value: the text is not JSON. */
export interface EventText {
  readonly text: string;
  readonly value: unknown;
  /** What redaction did to it before it was queued. */
  readonly redaction?: Redaction | undefined;
}

/** What was expected of a body, where it is not that. */
export interface BodyError {
  readonly path: string;
  readonly message: string;
}

/** The events of a body, or what is wrong with it. */
export type EventList =
  | { readonly ok: true; readonly events: readonly EventText[] }
  | { readonly ok: false; readonly code: "NOT_JSON" | "INVALID_REQUEST"; readonly errors: readonly BodyError[] };

const parse = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const pair = (texts: readonly string[], values: readonly unknown[]): EventList => ({
  ok: true,
  events: texts.map((text, index) => ({ text, value: values[index] })),
});

const NOT_JSON: EventList = { ok: false, code: "NOT_JSON", errors: [{ path: "", message: "expected JSON" }] };

const invalid = (path: string, message: string): EventList => ({
  ok: false,
  code: "INVALID_REQUEST",
  errors: [{ path, message }],
});

/** The events of a request body `{"events": [...]}`. */
export const readEventList = (text: string): EventList => {
  const parsed = parse(text);
  if (parsed === undefined) return NOT_JSON;
  const { value } = parsed;
  if (!isObject(value)) return invalid("", 'expected an object: {"events": [...]}');
  const events = value["events"];
  if (events === undefined) return invalid("events", "required");
  if (!Array.isArray(events)) return invalid("events", "expected a list of events");
  const lists = membersOf(text).members.filter(([name]) => name === "events");
  if (lists.length > 1) return invalid("events", "expected once, came twice");
  return pair(elementsOf(lists[0]?.[1] ?? ""), events);
};

/** The events of NDJSON, one a line; empty lines do not count. A line that is not JSON has no value. */
export const readEventLines = (text: string): EventText[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => ({ text: line, value: parse(line)?.value }));

/** What a message says of its events beside them: whoever may send to the queue is trusted with it. */
const withRedactions = (list: EventList, redactions: unknown): EventList => {
  if (!list.ok || !isObject(redactions)) return list;
  const events = list.events.map((event, position) => {
    const redaction = v.safeParse(Redaction, redactions[position]);
    return redaction.success ? { ...event, redaction: redaction.output } : event;
  });
  return { ok: true, events };
};

/**
 * The events of a queue message: one event, a list of events, or `{"events": [...]}`. The last may say of events, by
 * position, what redaction did to them: `{"events": [...], "redactions": {"0": {...}}}`.
 */
export const readMessage = (text: string): EventList => {
  const parsed = parse(text);
  if (parsed === undefined) return NOT_JSON;
  const { value } = parsed;
  if (Array.isArray(value)) return pair(elementsOf(text), value);
  if (isObject(value) && Array.isArray(value["events"]) && !Object.hasOwn(value, "type")) {
    return withRedactions(readEventList(text), value["redactions"]);
  }
  if (isObject(value)) return pair([text], [value]);
  return invalid("", 'expected an event, a list of events, or {"events": [...]}');
};
