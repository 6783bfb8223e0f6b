import { elementsOf, membersOf } from "./json-text.ts";

/** An event still to be read: its JSON, and the same parsed. Undefined value: the text is not JSON. */
export interface EventText {
  readonly text: string;
  readonly value: unknown;
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

/** The events of a queue message: one event, a list of events, or `{"events": [...]}`. */
export const readMessage = (text: string): EventList => {
  const parsed = parse(text);
  if (parsed === undefined) return NOT_JSON;
  const { value } = parsed;
  if (Array.isArray(value)) return pair(elementsOf(text), value);
  if (isObject(value) && Array.isArray(value["events"]) && !Object.hasOwn(value, "type")) return readEventList(text);
  if (isObject(value)) return pair([text], [value]);
  return invalid("", 'expected an event, a list of events, or {"events": [...]}');
};
