/** `local.json`: where the embedded stack is to be found, for tools and tests on the same machine. */
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { readIfThere, writeWhole } from "./data-directory.ts";

const Keys = v.object({ demo: v.string(), acme: v.string() });
/** A key of each demo tenant, with all scopes. */
export type Keys = v.InferOutput<typeof Keys>;

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

/** The keys of an earlier run of the same directory; undefined where there was none, or its file is damaged. */
export async function readKeys(directory: string): Promise<Keys | undefined> {
  const text = await readIfThere(fileOf(directory));
  try {
    return v.parse(v.object({ keys: Keys }), JSON.parse(text ?? "{}")).keys;
  } catch {
    return undefined;
  }
}

/** Says that the stack is ready, and where. */
export async function announce(directory: string, content: LocalJson): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeWhole(fileOf(directory), `${JSON.stringify(content, null, 2)}\n`);
}

/** Says that it is no more. `keys` stay for the next start of the same data; without them nothing is left. */
export async function withdraw(directory: string, keys: Keys | undefined): Promise<void> {
  if (keys === undefined) await rm(fileOf(directory), { force: true });
  else await writeWhole(fileOf(directory), `${JSON.stringify({ keys }, null, 2)}\n`);
}
