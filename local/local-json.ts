/** `local.json`: where the embedded stack is to be found, for tools and tests on the same machine. */
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { readIfThere, writeWhole } from "./data-directory.ts";
import { Keys } from "./demo-keys.ts";
import { StartFailure } from "./start-failure.ts";

const LocalJson = v.object({
  api_url: v.string(),
  queue_url: v.string(),
  table_name: v.string(),
  /** Null where objects are files. */
  bucket_name: v.nullable(v.string()),
  endpoints: v.object({ dynamodb: v.string(), sqs: v.string(), s3: v.nullable(v.string()) }),
  keys: Keys,
  pid: v.number(),
});
/** What `local.json` tells (contract, section 7). */
export type LocalJson = v.InferOutput<typeof LocalJson>;

const fileOf = (directory: string): string => path.join(directory, "local.json");

/** Says that the stack is ready, and where. */
export async function announce(directory: string, content: LocalJson): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeWhole(fileOf(directory), `${JSON.stringify(content, null, 2)}\n`);
}

/** Undefined where no stack has announced itself. Throws StartFailure where the file is not what a stack writes. */
export async function readLocalJson(directory: string): Promise<LocalJson | undefined> {
  const file = fileOf(directory);
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return v.parse(LocalJson, JSON.parse(text));
  } catch (cause) {
    throw new StartFailure(`${file} is not what a stack writes; start the stack again`, { cause });
  }
}

/** Takes back what this process has announced, unless another has announced itself since. */
export async function withdraw(directory: string): Promise<void> {
  const text = await readIfThere(fileOf(directory));
  if (text !== undefined && (JSON.parse(text) as LocalJson).pid === process.pid) await rm(fileOf(directory));
}
