import type { FieldValue, ProducedEvent } from "../contract/event.ts";
import type { EventType } from "../contract/event-fields.ts";
import type { AppId, RunId } from "../contract/identifiers.ts";
import type { Instant } from "../contract/instant.ts";

/** Who speaks. Set by the service from the way an event came; no producer can claim it. */
export type Actor = "engine" | "caller" | "service";

/** The way an event came. */
export type Source = "http" | "queue" | "dify" | "runstone";

/** A claim opens an epoch. It is made by the service, never sent by a producer. */
export type LedgerEventType = EventType | "run.claimed";

/** An event with its identity, ready to be recorded. */
export interface IdentifiedEvent extends Omit<ProducedEvent, "type"> {
  readonly type: LedgerEventType;
  /** SHA-256 of the canonical event, cut to 16 bytes, in hex. */
  readonly digest: string;
}

/** Where the text of a payload value can be read: the entry's key, and the value's position in it. */
export interface PayloadPlace {
  readonly entryKey: string;
  readonly position: number;
}

/** A payload value as the ledger holds it. `text` is there when the entry itself holds it. */
export interface StoredPayload {
  readonly field: string;
  readonly key?: string;
  readonly sizeBytes: number;
  readonly preview: string;
  readonly text?: string;
  readonly place: PayloadPlace;
}

/** An event as read back from the ledger: small fields at hand, payload by reference. */
export interface LedgerEvent {
  readonly type: LedgerEventType;
  readonly runId: RunId;
  readonly at: Instant;
  readonly epoch: number;
  /** As sent; undefined where the digest stands for it. */
  readonly id: string | undefined;
  readonly appId: AppId | undefined;
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly payload: readonly StoredPayload[];
  readonly digest: string;
}

/** Events of one run that arrived together: written once, never changed. */
export interface LedgerEntry {
  /** The sort key: unique in the run. Entries sort by it in order of receipt, claims apart. */
  readonly key: string;
  /** ULID of the receipt; its time is `receivedAt`. */
  readonly ulid: string;
  /** Milliseconds since 1970, by the service's clock. */
  readonly receivedAt: number;
  readonly actor: Actor;
  readonly source: Source;
  readonly events: readonly LedgerEvent[];
}

/** How many characters of a payload value a preview shows. */
export const PREVIEW_CHARACTERS = 64;

/** The head of a payload's text, never half of a surrogate pair. */
export const previewOf = (text: string): string => {
  if (text.length <= PREVIEW_CHARACTERS) return text;
  const last = text.charCodeAt(PREVIEW_CHARACTERS - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? PREVIEW_CHARACTERS - 1 : PREVIEW_CHARACTERS);
};
