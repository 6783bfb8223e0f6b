import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BlobStore } from "../ports/blob-store.ts";
import { StoreFault } from "../ports/store-fault.ts";

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | undefined)?.code;

const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT";

const fault = (operation: string, cause: unknown): StoreFault =>
  new StoreFault(`file ${operation} failed: ${String(codeOf(cause) ?? "unknown")}`, { cause, isRetryable: true });

/** Parts of keys are ids and fixed words. Dots alone are no file name, nor is a colon on some systems. */
const pathOf = (directory: string, key: string): string =>
  join(directory, ...key.split("/").map((part) => (/^\.+$/.test(part) ? `%${part}` : part.replaceAll(":", "="))));

/** Objects as files of a directory, for the embedded stack. A file appears whole or not at all. */
export const fileBlobStore = (directory: string): BlobStore => ({
  put: async (key, bytes) => {
    const path = pathOf(directory, key);
    const unfinished = `${path}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(unfinished, "w");
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
    } catch (error) {
      throw fault("write", error);
    }
  },

  get: async (key) => {
    try {
      return await readFile(pathOf(directory, key));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fault("read", error);
    }
  },

  remove: async (key) => {
    try {
      await rm(pathOf(directory, key), { force: true });
    } catch (error) {
      throw fault("remove", error);
    }
  },
});
