import type { PayloadText } from "../../contract/event.ts";
import type { IdentifiedEvent } from "../../domain/fold/ledger.ts";

/** A payload value that is kept as an object of its own: a graph, which many runs share, an upload, a large value. */
export interface SharedPayload {
  readonly field: string;
  readonly key?: string;
  /** Names the object, in at most 80 characters (see payload-ref). */
  readonly ref: string;
  readonly sizeBytes: number;
  readonly preview: string;
}

/** A payload value to be packed: its text, or the name of the object that holds it. */
export type PackedPayload = PayloadText | SharedPayload;

/** An event to be packed. Its run is the entry's key and not packed. */
export interface PackedEvent extends Omit<IdentifiedEvent, "payload" | "runId"> {
  readonly payload: readonly PackedPayload[];
}

/** A payload value as read back. `position` is its ordinal in the entry, from 0, shared ones counted. */
export interface UnpackedPayload {
  readonly field: string;
  readonly key?: string;
  readonly position: number;
  readonly sizeBytes: number;
  readonly preview: string;
  /** There when the bytes that were read hold all of it, which a short text's preview does. */
  readonly text?: string;
  readonly ref?: string;
}

/** An event as read back, equal to the one that was packed but for its payload. */
export interface UnpackedEvent extends Omit<PackedEvent, "payload"> {
  readonly payload: readonly UnpackedPayload[];
}
