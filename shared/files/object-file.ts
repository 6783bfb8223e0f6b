import { randomBytes } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The system's code of an error, such as `ENOENT`. */
export const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | undefined)?.code;

/** Whether an error says that there is no such file. */
export const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT";

/** Where an object is. Parts of keys are ids and fixed words. Dots alone are no file name, nor is a colon on some systems. */
export const objectPath = (directory: string, key: string): string =>
  join(directory, ...key.split("/").map((part) => (/^\.+$/.test(part) ? `%${part}` : part.replaceAll(":", "="))));

/** What the name of a file ends in that is still being written. */
export const UNFINISHED = ".tmp";

/**
 * Makes a file that appears whole or not at all: `write` makes it under another name. Throws what `write` throws, and
 * then leaves nothing behind.
 */
export const appear = async (path: string, write: (unfinished: string) => Promise<void>): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${randomBytes(6).toString("hex")}${UNFINISHED}`;
  try {
    await write(unfinished);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
};
