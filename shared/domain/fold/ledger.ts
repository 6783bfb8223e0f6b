import type { FieldValue, PayloadText, ProducedEvent } from "../../contract/event.ts";
import type { EventType } from "../../contract/event-fields.ts";
import type { AppId, RunId } from "../../contract/identifiers.ts";
import type { Instant } from "../../contract/instant.ts";

/** Who speaks. Set by the service from the way an event came; no producer can claim it. */
export type Actor = "engine" | "caller" | "service";

/** The way an event came. */
export type Source = "http" | "queue" | "dify" | "runstone";

/** A claim opens an epoch. It is made by the service, never sent by a producer. */
export type LedgerEventType = EventType | "run.claimed";

/** An upload that an event refers to, as it was found. */
export interface FoundUpload {
  readonly id: string;
  readonly sizeBytes: number;
}

/** A payload value to be recorded. One that refers to an upload is text too: the reference. */
export interface RecordedPayload extends PayloadText {
  readonly upload?: FoundUpload;
}

/** An event with its identity, ready to be recorded. */
export interface IdentifiedEvent extends Omit<ProducedEvent, "type" | "payload"> {
  readonly type: LedgerEventType;
  readonly payload: readonly RecordedPayload[];
  /** SHA-256 of the canonical event, cut to 16 bytes, in hex. */
  readonly digest: string;
}

/** Where the text of a payload value can be read when the entry does not hold it: an object, and its position there. */
export interface PayloadPlace {
  readonly objectKey: string;
  readonly position: number;
}

/** An object that holds a payload value whole: readers are given a link to it. */
export interface PayloadObject {
  readonly objectKey: string;
  /** Where it was uploaded: by what id. */
  readonly uploadId?: string;
}

/** A payload value as the ledger holds it: its text, or the place of it. Of an upload the text is the reference to it. */
export interface StoredPayload {
  readonly field: string;
  readonly key?: string;
  readonly sizeBytes: number;
  readonly preview: string;
  readonly text?: string | undefined;
  readonly place?: PayloadPlace | undefined;
  readonly object?: PayloadObject | undefined;
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
  /** ULID of the receipt: unique in the run, in the order of receipt. */
  readonly ulid: string;
  /** Milliseconds since 1970, by the service's clock. */
  readonly receivedAt: number;
  readonly actor: Actor;
  readonly source: Source;
  readonly events: readonly LedgerEvent[];
}

/** How many characters of a payload value a preview shows. */
const PREVIEW_CHARACTERS = 64;

/** The head of a payload's text, never half of a surrogate pair. */
export const previewOf = (text: string): string => {
  if (text.length <= PREVIEW_CHARACTERS) return text;
  const last = text.charCodeAt(PREVIEW_CHARACTERS - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? PREVIEW_CHARACTERS - 1 : PREVIEW_CHARACTERS);
};

/**
 * Events of one run that arrive together. The ULID is fixed before the first try to write them, so a second try meets
 * its own entry.
 */
export interface Arrival {
  readonly ulid: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly actor: Actor;
  readonly source: Source;
  readonly events: readonly IdentifiedEvent[];
}

/** An arrival as the ledger will give it back. */
export const entryOf = (arrival: Arrival): LedgerEntry => {
  const store = ({ upload, ...payload }: RecordedPayload): StoredPayload => ({
    ...payload,
    sizeBytes: upload?.sizeBytes ?? Buffer.byteLength(payload.text),
    preview: upload === undefined ? previewOf(payload.text) : "",
  });
  return {
    ulid: arrival.ulid,
    receivedAt: arrival.receivedAt,
    actor: arrival.actor,
    source: arrival.source,
    events: arrival.events.map((event) => ({ ...event, payload: event.payload.map(store) })),
  };
};
