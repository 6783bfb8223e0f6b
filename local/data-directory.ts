/** The directory that an embedded stack keeps its data in. */
import { constants } from "node:fs";
import { access, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { StartFailure } from "./start-failure.ts";

/** How the data is laid out. It rises when an older Runstone could no longer read it. */
const FORMAT = 1;

/** Makes the directory where there is none. Throws StartFailure where it cannot be written or is of a newer format. */
export async function openDataDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK);
    await checkFormat(directory);
  } catch (error) {
    if (error instanceof StartFailure) throw error;
    const reason = error instanceof Error && "code" in error ? error.code : String(error);
    throw new StartFailure(`data directory ${directory} is not writable (${reason})`, { cause: error });
  }
}

async function checkFormat(directory: string): Promise<void> {
  const file = path.join(directory, "version");
  const found = await readIfThere(file);
  if (found === undefined) return writeWhole(file, `${FORMAT}\n`);
  const format = Number(found);
  if (!Number.isInteger(format) || format < 1) {
    throw new StartFailure(`${file} holds no data format: expected ${FORMAT}, came ${JSON.stringify(found.trim())}`);
  }
  if (format > FORMAT) {
    const formats = `(format ${format}, this one reads ${FORMAT})`;
    throw new StartFailure(`data directory ${directory} was written by a newer Runstone ${formats}`);
  }
}

/** The text of a file, undefined where there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The file appears whole or not at all, readable to its owner only: it may hold keys. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const unfinished = `${file}.${process.pid}.tmp`;
  await writeFile(unfinished, text, { mode: 0o600 });
  await rename(unfinished, file);
}
