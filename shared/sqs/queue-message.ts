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
const TAIL = "]}";
const FRAME_BYTES = HEAD.length + TAIL.length;

/** Packs the JSON of events into message bodies `{"events":[...]}` of {@link MOST_MESSAGE_BYTES} at the most. */
export const packMessages = (events: readonly string[]): PackedMessages => {
  const messages: QueueMessage[] = [];
  const tooLarge: number[] = [];
  let texts: string[] = [];
  let indexes: number[] = [];
  let bytes = FRAME_BYTES;
  const close = (): void => {
    if (texts.length > 0) messages.push({ body: `${HEAD}${texts.join(",")}${TAIL}`, indexes });
    texts = [];
    indexes = [];
    bytes = FRAME_BYTES;
  };
  for (const [index, event] of events.entries()) {
    const text = carriedText(event);
    const size = Buffer.byteLength(text) + 1;
    if (FRAME_BYTES + size > MOST_MESSAGE_BYTES) {
      tooLarge.push(index);
      continue;
    }
    if (bytes + size > MOST_MESSAGE_BYTES) close();
    texts.push(text);
    indexes.push(index);
    bytes += size;
  }
  close();
  return { messages, tooLarge };
};
