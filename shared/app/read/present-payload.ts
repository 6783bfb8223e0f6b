import type { FieldValue } from "../../contract/event.ts";
import type { JsonOutput, JsonText } from "../../contract/json-text.ts";
import { compareText, type MemberPayload } from "../../domain/fold/member.ts";
import { shownBytesOf } from "../../domain/large-payload.ts";
import type { PayloadTexts } from "./read-run.ts";

/**
 * How much of payload an answer shows: the head of each value and its size, or the texts. Without the scope for it no
 * payload is shown at all; small fields that are too long to travel with the others are. A value whose text is not among
 * the texts is shown by its preview.
 */
export interface PayloadView {
  readonly seesPayload: boolean;
  /** Undefined: previews. */
  readonly texts?: PayloadTexts;
}

/** The values that a view shows, and so the ones to read. */
export const visible = (payload: readonly MemberPayload[], view: PayloadView): readonly MemberPayload[] =>
  view.seesPayload ? payload : payload.filter(({ isLongField }) => isLongField);

/** The values that fit into so many bytes together, the smallest first; links are small. The others are shown as previews. */
export const fitting = (payload: readonly MemberPayload[], mostBytes: number): MemberPayload[] => {
  let bytes = 0;
  return payload
    .toSorted((a, b) => shownBytesOf(a) - shownBytesOf(b))
    .filter((value) => {
      bytes += shownBytesOf(value);
      return bytes <= mostBytes;
    });
};

/** An answer's object, members in order. */
export type Members = Map<string, JsonOutput>;

/** Computed values stand before sent ones of the same name: the ledger shows those. A long field takes its own place. */
const setIfSent = (members: Members, { field, isLongField }: MemberPayload, value: JsonOutput): void => {
  if (isLongField || !members.has(field)) members.set(field, value);
};

const setIfFree = (members: Members, name: string, value: JsonOutput): void => {
  if (!members.has(name)) members.set(name, value);
};

const addKeyed = (members: Members, name: string, entry: { key: string; value: JsonOutput }): void => {
  const present = members.get(name);
  const keyed = new Map<string, JsonOutput>(present instanceof Map ? (present as Members) : []);
  members.set(name, keyed.set(entry.key, entry.value));
};

/** Adds the head of a value and its size. */
export const addPreview = (members: Members, payload: MemberPayload): Members => {
  const { field, key, preview, sizeBytes } = payload;
  if (key === undefined) {
    setIfFree(members, `${field}_preview`, preview);
    setIfFree(members, `${field}_size`, sizeBytes);
  } else {
    addKeyed(members, `${field}_preview`, { key, value: preview });
    addKeyed(members, `${field}_size`, { key, value: sizeBytes });
  }
  return members;
};

/** Adds payload to an answer, as much as the view allows. `known` payload fields are shown as null where absent. */
export const addPayload = (
  members: Members,
  payload: readonly MemberPayload[],
  show: { view: PayloadView; known: readonly string[] },
): Members => {
  const { view, known } = show;
  if (!view.seesPayload) members.set("payload_hidden", true);
  const ordered = [...visible(payload, view)].sort(
    (a, b) => compareText(a.field, b.field) || compareText(a.key ?? "", b.key ?? ""),
  );
  const { texts } = view;
  if (texts === undefined) {
    for (const value of ordered) addPreview(members, value);
    return members;
  }
  for (const value of ordered) {
    const text = texts.get(value);
    if (text === undefined) addPreview(members, value);
    else if (value.key === undefined) setIfSent(members, value, text);
    else addKeyed(members, value.field, { key: value.key, value: text });
  }
  if (view.seesPayload) for (const name of known) if (!members.has(name)) members.set(name, null);
  return members;
};

/**
 * Says which fields are not as they came; nothing where all are. The name is the service's: a sent field of this name
 * is not shown in its place.
 */
export const setRedacted = (members: Members, fields: readonly string[]): Members =>
  members.set("redacted", fields.length === 0 ? undefined : fields);

/** A small field as an answer shows it: metadata in the order of its keys. */
export const shownField = (value: FieldValue | undefined): JsonOutput => {
  if (value === undefined) return null;
  if (!(value instanceof Map)) return value as JsonOutput;
  const keyed = [...(value as ReadonlyMap<string, JsonText>)].sort(([a], [b]) => compareText(a, b));
  return new Map(keyed);
};
