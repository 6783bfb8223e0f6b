import type { Redaction } from "../contract/redaction.ts";

/** A message ends at 1 MiB. Some room is left for what the queue itself may count. */
export const MOST_MESSAGE_BYTES = 1024 * 1024 - 4096;

/**
 * Characters outside of those that `SendMessage` takes. It stores U+FFFD in their place, without a word. In JSON they
 * can only stand in strings: U+FFFE and U+FFFF, and halves of surrogate pairs.
 */
const NOT_CARRIED = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const escapeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The same JSON without a character that a queue cannot carry. */
const carriedText = (json: string): string => json.replace(NOT_CARRIED, escapeOf);

/** A message body, and which of the events it holds. */
export interface QueueMessage {
  readonly body: string;
  readonly indexes: readonly number[];
}

/** Events in as few messages as they fit in order, and those that fit in none. */
export interface PackedMessages {
  readonly messages: readonly QueueMessage[];
  readonly tooLarge: readonly number[];
}

const HEAD = '{"events":[';
const REDACTIONS = '],"redactions":{';
const TAIL = "]}";
const FRAME_BYTES = HEAD.length + REDACTIONS.length + TAIL.length;
/** Its event's position in the message, in digits and quotes, with colon and comma. */
const POSITION_BYTES = 11;

/** A body that says of some of its events, by position, what redaction did to them. */
const bodyOf = (texts: readonly string[], redactions: readonly string[]): string => {
  const told = redactions.flatMap((text, position) => (text === "" ? [] : [`"${position}":${text}`]));
  const end = told.length === 0 ? TAIL : `${REDACTIONS}${told.join(",")}}}`;
  return `${HEAD}${texts.join(",")}${end}`;
};

/**
 * Packs the JSON of events into message bodies `{"events":[...]}` of {@link MOST_MESSAGE_BYTES} at the most. Where events
 * were redacted, `{"events":[...],"redactions":{"<position>":{...}}}`.
 */
export const packMessages = (
  events: readonly string[],
  redactionOf: ReadonlyMap<number, Redaction> = new Map(),
): PackedMessages => {
  const messages: QueueMessage[] = [];
  const tooLarge: number[] = [];
  let texts: string[] = [];
  let redactions: string[] = [];
  let indexes: number[] = [];
  let bytes = FRAME_BYTES;
  const close = (): void => {
    if (texts.length > 0) messages.push({ body: bodyOf(texts, redactions), indexes });
    texts = [];
    redactions = [];
    indexes = [];
    bytes = FRAME_BYTES;
  };
  for (const [index, event] of events.entries()) {
    const text = carriedText(event);
    const redaction = redactionOf.get(index);
    const redactionText = redaction === undefined ? "" : carriedText(JSON.stringify(redaction));
    const toldBytes = redactionText === "" ? 0 : Buffer.byteLength(redactionText) + POSITION_BYTES;
    const size = Buffer.byteLength(text) + 1 + toldBytes;
    if (FRAME_BYTES + size > MOST_MESSAGE_BYTES) {
      tooLarge.push(index);
      continue;
    }
    if (bytes + size > MOST_MESSAGE_BYTES) close();
    texts.push(text);
    redactions.push(redactionText);
    indexes.push(index);
    bytes += size;
  }
  close();
  return { messages, tooLarge };
};
