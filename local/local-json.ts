/** `local.json`: where the embedded stack is to be found, for tools and tests on the same machine. */
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { readIfThere, writeWhole } from "./data-directory.ts";
import type { Keys } from "./demo-keys.ts";

/** What `local.json` tells (contract, section 7). */
export interface LocalJson {
  readonly api_url: string;
  readonly queue_url: string;
  readonly table_name: string;
  /** Null where objects are files. */
  readonly bucket_name: string | null;
  readonly endpoints: { readonly dynamodb: string; readonly sqs: string; readonly s3: string | null };
  readonly keys: Keys;
  readonly pid: number;
}

const fileOf = (directory: string): string => path.join(directory, "local.json");

/** Says that the stack is ready, and where. */
export async function announce(directory: string, content: LocalJson): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeWhole(fileOf(directory), `${JSON.stringify(content, null, 2)}\n`);
}

/** Takes back what this process has announced, unless another has announced itself since. */
export async function withdraw(directory: string): Promise<void> {
  const text = await readIfThere(fileOf(directory));
  if (text !== undefined && (JSON.parse(text) as LocalJson).pid === process.pid) await rm(fileOf(directory));
}
