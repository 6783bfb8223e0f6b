import type { FieldValue } from "../../contract/event.ts";
import { EVENT_FIELDS } from "../../contract/event-fields.ts";
import type { AppId } from "../../contract/identifiers.ts";
import type { Instant } from "../../contract/instant.ts";
import { JsonText } from "../../contract/json-text.ts";
import type { Actor, LedgerEntry, LedgerEvent, LedgerEventType, StoredPayload } from "./ledger.ts";

/**
 * A payload value of a member: the smallest of its equal copies. `copies` holds more than one where size and preview
 * do not tell them apart; the smallest text among them is the one to show.
 */
export interface MemberPayload {
  readonly field: string;
  readonly key: string | undefined;
  /** The long form of a small field: kept with payload, but no payload to callers. */
  readonly isLongField: boolean;
  readonly sizeBytes: number;
  readonly preview: string;
  readonly copies: readonly StoredPayload[];
}

/** One event of the set: known by type, id and digest, however often it was delivered. */
export interface Member {
  readonly type: LedgerEventType;
  readonly at: Instant;
  readonly epoch: number;
  /** As sent, else the digest. */
  readonly id: string;
  readonly digest: string;
  readonly appId: AppId | undefined;
  readonly actor: Actor;
  /** Milliseconds since 1970 of its first receipt. */
  readonly receivedAt: number;
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly payload: readonly MemberPayload[];
}

/** Order of text by UTF-16 code units: the one order ids, digests and instants are compared in. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A payload value that is there, but null. */
export const isNull = (payload: { readonly sizeBytes: number; readonly preview: string }): boolean =>
  payload.sizeBytes === 4 && payload.preview === "null";

/** Whether events of this type know the field, and not as payload. */
export const isSmallField = (type: LedgerEventType, field: string): boolean =>
  type !== "run.claimed" && Object.hasOwn(EVENT_FIELDS[type], field);

const ACTOR_WEIGHT: Readonly<Record<Actor, number>> = { engine: 2, caller: 1, service: 0 };

/** Which of two texts of an equal value is the smaller: by bytes, then as text. */
export const compareSize = (a: string, b: string): number =>
  Buffer.byteLength(a) - Buffer.byteLength(b) || compareText(a, b);

const smallerField = (a: FieldValue, b: FieldValue): FieldValue => {
  if (a instanceof JsonText && b instanceof JsonText) return compareSize(a.text, b.text) <= 0 ? a : b;
  if (!(a instanceof Map && b instanceof Map)) return a;
  const merged = new Map<string, JsonText>(a as ReadonlyMap<string, JsonText>);
  for (const [key, text] of b as ReadonlyMap<string, JsonText>) {
    merged.set(key, smallerField(merged.get(key) ?? text, text) as JsonText);
  }
  return merged;
};

const mergeFields = (a: Member["fields"], b: Member["fields"]): Member["fields"] => {
  const merged = new Map(a);
  for (const [name, value] of b) {
    const present = merged.get(name);
    merged.set(name, present === undefined ? value : smallerField(present, value));
  }
  return merged;
};

/** A payload value with one copy, of an event of this type. */
export const single = (type: LedgerEventType, payload: StoredPayload): MemberPayload => ({
  field: payload.field,
  key: payload.key,
  isLongField: isSmallField(type, payload.field),
  sizeBytes: payload.sizeBytes,
  preview: payload.preview,
  copies: [payload],
});

const smallerPayload = (a: MemberPayload, b: MemberPayload): MemberPayload => {
  const order = a.sizeBytes - b.sizeBytes || compareText(a.preview, b.preview);
  if (order !== 0) return order < 0 ? a : b;
  return { ...a, copies: [...a.copies, ...b.copies] };
};

const mergePayload = (a: Member["payload"], b: Member["payload"]): MemberPayload[] => {
  const merged = new Map<string, MemberPayload>();
  for (const payload of [...a, ...b]) {
    const name = `${payload.key ?? ""}\u0000${payload.field}`;
    const present = merged.get(name);
    merged.set(name, present === undefined ? payload : smallerPayload(present, payload));
  }
  return [...merged.values()];
};

const merge = (a: Member, b: Member): Member => ({
  ...a,
  actor: ACTOR_WEIGHT[a.actor] >= ACTOR_WEIGHT[b.actor] ? a.actor : b.actor,
  receivedAt: Math.min(a.receivedAt, b.receivedAt),
  fields: mergeFields(a.fields, b.fields),
  payload: mergePayload(a.payload, b.payload),
});

const memberOf = (event: LedgerEvent, entry: LedgerEntry): Member => ({
  type: event.type,
  at: event.at,
  epoch: event.epoch,
  id: event.id ?? event.digest,
  digest: event.digest,
  appId: event.appId,
  actor: entry.actor,
  receivedAt: entry.receivedAt,
  fields: event.fields,
  payload: event.payload.map((payload) => single(event.type, payload)),
});

/** A member's name in the set. */
export const memberName = (member: Pick<Member, "type" | "id" | "digest">): string =>
  `${member.type}\n${member.id}\n${member.digest}`;

/** The set of events that entries hold: repeated deliveries merged, in no particular order. */
export const membersIn = (entries: Iterable<LedgerEntry>): Member[] => {
  const members = new Map<string, Member>();
  for (const entry of entries) {
    for (const event of entry.events) {
      const member = memberOf(event, entry);
      const name = memberName(member);
      const present = members.get(name);
      members.set(name, present === undefined ? member : merge(present, member));
    }
  }
  return [...members.values()];
};
