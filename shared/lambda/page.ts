import { type JsonOutput, JsonText, writeJson } from "../contract/json-text.ts";

/** Where an answer is cut, whatever its limit says: Lambda's own limit is 6 MB. */
export const PAGE_BYTES = 4 * 1024 * 1024;

/** Items of an answer until it is full: by number, and by bytes. The first item is always taken. */
export interface Page {
  readonly items: readonly JsonText[];
  /** Whether the item found room. */
  add(item: JsonOutput): boolean;
}

/** An empty page for at most so many items. */
export const pageOf = (limit: number): Page => {
  const items: JsonText[] = [];
  let bytes = 0;
  return {
    items,
    add: (item) => {
      if (items.length >= limit) return false;
      const text = writeJson(item);
      const size = Buffer.byteLength(text);
      if (items.length > 0 && bytes + size > PAGE_BYTES) return false;
      bytes += size;
      items.push(new JsonText(text));
      return true;
    },
  };
};
