import { copyFile, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BlobStore } from "../ports/blob-store.ts";
import { StoreFault } from "../ports/store-fault.ts";
import { appear, codeOf, isMissing, objectPath, UNFINISHED } from "./object-file.ts";

const fault = (operation: string, cause: unknown): StoreFault =>
  new StoreFault(`file ${operation} failed: ${String(codeOf(cause) ?? "unknown")}`, { cause, isRetryable: true });

/** The part of a key that a name in a directory stands for. */
const partOf = (name: string): string => name.replace(/^%/, "").replaceAll("=", ":");

/** The keys of the files below a directory, in order. A file that is still being written has none. */
async function* keysBelow(directory: string, prefix: string): AsyncGenerator<string> {
  const found = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw fault("list", error);
  });
  for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const key = `${prefix}${partOf(entry.name)}`;
    if (entry.isDirectory()) yield* keysBelow(join(directory, entry.name), `${key}/`);
    else if (!entry.name.endsWith(UNFINISHED)) yield key;
  }
}

/** Objects as files of a directory, for the embedded stack. A file appears whole or not at all. */
export const fileBlobStore = (directory: string): BlobStore => ({
  put: async (key, bytes) => {
    try {
      await appear(objectPath(directory, key), (unfinished) => writeFile(unfinished, bytes));
    } catch (error) {
      throw fault("write", error);
    }
  },

  get: async (key) => {
    try {
      return await readFile(objectPath(directory, key));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fault("read", error);
    }
  },

  sizeOf: async (key) => {
    try {
      return (await stat(objectPath(directory, key))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fault("look", error);
    }
  },

  copy: async (from, to) => {
    const source = objectPath(directory, from);
    try {
      await stat(source);
      await appear(objectPath(directory, to), (unfinished) => copyFile(source, unfinished));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw fault("copy", error);
    }
  },

  list: (prefix) => keysBelow(objectPath(directory, prefix), prefix),

  remove: async (key) => {
    try {
      await rm(objectPath(directory, key), { force: true });
    } catch (error) {
      throw fault("remove", error);
    }
  },
});
