import type { PayloadText } from "../contract/event.ts";
import type { LedgerEventType, PayloadObject, StoredPayload } from "./fold/ledger.ts";
import { isSmallField, type MemberPayload } from "./fold/member.ts";

/** A payload value of more bytes is an object of its own, and readers are given a link to it. */
const MOST_VALUE_BYTES = 1024 * 1024;

/** What a link counts as towards the bytes of an answer: URLs that temporary credentials sign are long. */
const LINK_BYTES = 4096;

/** Whether a payload value is an object of its own. The long form of a small field is not: it is shown without the scope for payload. */
export const isLargeValue = (type: LedgerEventType, { field, key, text }: PayloadText): boolean =>
  // UTF-8 takes at most three bytes a UTF-16 unit: most values need no counting.
  text.length * 3 > MOST_VALUE_BYTES &&
  key === undefined &&
  !isSmallField(type, field) &&
  Buffer.byteLength(text) > MOST_VALUE_BYTES;

/** The object that readers of a payload value are given a link to; undefined where they are given the value. */
export const objectOf = ({ copies }: Pick<MemberPayload, "copies">): PayloadObject | undefined =>
  copies.find(({ object }) => object !== undefined)?.object;

/** What a payload value counts as towards the bytes of an answer that shows it. */
export const shownBytes = ({ sizeBytes, object }: Pick<StoredPayload, "sizeBytes" | "object">): number =>
  object === undefined ? sizeBytes : LINK_BYTES;

/** The same of a value of the set of events. */
export const shownBytesOf = (payload: MemberPayload): number => shownBytes({ ...payload, object: objectOf(payload) });
