/**
 * Texts as rows of lists keep them: short, and still comparable. A text that fits is kept as it is; a longer one as its
 * beginning with a short hash of the whole behind it, which is shown only where it must tell two texts apart.
 */
import { createHash } from "node:crypto";

/** How many bytes of JSON a row keeps of each text: with keys of ids as long as UUIDs a row stays under 1 KB. */
export const ROW_TEXT_BYTES = { kind: 24, word: 38, workflowId: 52, tags: 60, error: 200 } as const;

/** Stands before a hash, which is what tells a text that was cut. A control character that JSON does not escape. */
const MARK = "\u007f";
/** 36 bits beside the beginning: enough to tell one text from another where both begin alike. */
const HASH_CHARACTERS = 6;
/** 24 bits: of 20 long tags all must have room. */
const TAG_HASH_CHARACTERS = 4;

/** What a text takes in the JSON that rows are written in, without its quotes. */
const sizeOf = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

const hashOf = (text: string, characters: number): string =>
  createHash("sha256").update(text).digest("base64url").slice(0, characters);

/** Where the mark of a text that was cut stands; undefined: it was not cut. */
const markOf = (kept: string): number | undefined => {
  const at = kept.length - HASH_CHARACTERS - MARK.length;
  return kept.charAt(at) === MARK && /^[\w-]+$/.test(kept.slice(at + MARK.length)) ? at : undefined;
};

/** The beginning of a text that fits, never half of a character. */
export const cutText = (text: string, mostBytes: number): string => {
  if (sizeOf(text) <= mostBytes) return text;
  let bytes = 0;
  let kept = "";
  for (const character of text.slice(0, mostBytes)) {
    bytes += sizeOf(character);
    if (bytes > mostBytes) break;
    kept += character;
  }
  return kept;
};

/**
 * A text as a row keeps it. Two texts are equal where what is kept of both is. One that fits and looks like one that was
 * cut is kept like one.
 */
export const rowText = (text: string, mostBytes: number = ROW_TEXT_BYTES.word): string =>
  sizeOf(text) <= mostBytes && markOf(text) === undefined
    ? text
    : `${cutText(text, mostBytes - sizeOf(MARK) - HASH_CHARACTERS)}${MARK}${hashOf(text, HASH_CHARACTERS)}`;

/** What is shown of a text that a row keeps: the text, or its beginning. */
export const shownRowText = (kept: string): string => kept.slice(0, markOf(kept));

/** The same with the hash of the whole where it was cut: texts that differ look different. */
export const toldRowText = (kept: string): string => {
  const at = markOf(kept);
  return at === undefined ? kept : `${kept.slice(0, at)}…${kept.slice(at + MARK.length)}`;
};

/** Tags as a row keeps them: those that fit together, and last, in one mark, the hashes of the others. */
export const rowTags = (tags: readonly string[]): string[] => {
  const kept: string[] = [];
  let hashes = "";
  let bytes = 0;
  for (const tag of tags) {
    const size = sizeOf(tag);
    if (bytes + size > ROW_TEXT_BYTES.tags || tag.startsWith(MARK)) hashes += hashOf(tag, TAG_HASH_CHARACTERS);
    else {
      kept.push(tag);
      bytes += size;
    }
  }
  return hashes === "" ? kept : [...kept, `${MARK}${hashes}`];
};

/** The tags that a row has room for. */
export const shownRowTags = (kept: readonly string[]): string[] => kept.filter((tag) => !tag.startsWith(MARK));

/** Whether a row is of a run with this tag, shown or not. */
export const hasRowTag = (kept: readonly string[], tag: string): boolean => {
  if (!tag.startsWith(MARK) && kept.includes(tag)) return true;
  const hashes = kept.find((one) => one.startsWith(MARK))?.slice(MARK.length) ?? "";
  const hash = hashOf(tag, TAG_HASH_CHARACTERS);
  for (let at = 0; at < hashes.length; at += TAG_HASH_CHARACTERS) {
    if (hashes.startsWith(hash, at)) return true;
  }
  return false;
};
