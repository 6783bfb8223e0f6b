/** What links to objects are signed with on the embedded stack. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { readIfThere, writeWhole } from "./data-directory.ts";

const SECRET_BYTES = 32;

/** The secret of a directory, made once: links outlive a restart as long as the port stays the same. */
export async function linkSecret(directory: string): Promise<Uint8Array> {
  const file = path.join(directory, "link-secret");
  const found = await readIfThere(file);
  if (found !== undefined && /^[0-9a-f]{64}\s*$/.test(found)) return Buffer.from(found.trim(), "hex");
  const secret = randomBytes(SECRET_BYTES);
  await writeWhole(file, `${secret.toString("hex")}\n`);
  return secret;
}
