import type { FieldValue } from "../contract/event.ts";
import type { JsonOutput, JsonText } from "../contract/json-text.ts";
import { compareText, type MemberPayload } from "../domain/member.ts";
import type { PayloadTexts } from "./read-run.ts";

/**
 * How much of payload an answer shows. `hidden`: nothing, for want of the scope; `preview`: the head of each value
 * and its size; else the texts.
 */
export type PayloadView = "hidden" | "preview" | PayloadTexts;

/** An answer's object, members in order. */
export type Members = Map<string, JsonOutput>;

/** Small fields whose values can be long enough to be kept as payload. */
const LONG_FIELDS: ReadonlySet<string> = new Set(["error", "title", "reason", "tags"]);

/** Computed values stand before sent ones of the same name: the ledger shows those. */
const setIfSent = (members: Members, name: string, value: JsonOutput): void => {
  const isOpen = LONG_FIELDS.has(name) && (members.get(name) ?? null) === null;
  if (isOpen || !members.has(name)) members.set(name, value);
};

const addKeyed = (members: Members, name: string, entry: { key: string; value: JsonOutput }): void => {
  const present = members.get(name);
  const keyed = new Map<string, JsonOutput>(present instanceof Map ? (present as Members) : []);
  members.set(name, keyed.set(entry.key, entry.value));
};

const addPreview = (members: Members, payload: MemberPayload): void => {
  const { field, key, preview, sizeBytes } = payload;
  if (key === undefined) {
    setIfSent(members, `${field}_preview`, preview);
    setIfSent(members, `${field}_size`, sizeBytes);
  } else {
    addKeyed(members, `${field}_preview`, { key, value: preview });
    addKeyed(members, `${field}_size`, { key, value: sizeBytes });
  }
};

/** Adds payload to an answer, as much as the view allows. `known` payload fields are shown as null where absent. */
export const addPayload = (
  members: Members,
  payload: readonly MemberPayload[],
  show: { view: PayloadView; known: readonly string[] },
): Members => {
  const { view, known } = show;
  if (view === "hidden") return members.set("payload_hidden", true);
  const ordered = [...payload].sort((a, b) => compareText(a.field, b.field) || compareText(a.key ?? "", b.key ?? ""));
  if (view === "preview") {
    for (const value of ordered) addPreview(members, value);
    return members;
  }
  for (const value of ordered) {
    const text = view.get(value) ?? null;
    if (value.key === undefined) setIfSent(members, value.field, text);
    else addKeyed(members, value.field, { key: value.key, value: text });
  }
  for (const name of known) if (!members.has(name)) members.set(name, null);
  return members;
};

/** A small field as an answer shows it: metadata in the order of its keys. */
export const shownField = (value: FieldValue | undefined): JsonOutput => {
  if (value === undefined) return null;
  if (!(value instanceof Map)) return value as JsonOutput;
  const keyed = [...(value as ReadonlyMap<string, JsonText>)].sort(([a], [b]) => compareText(a, b));
  return new Map(keyed);
};
