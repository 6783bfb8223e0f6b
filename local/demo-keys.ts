/** The keys of the two tenants that every embedded stack has. */
import path from "node:path";
import * as v from "valibot";
import { admitApiKey, newApiKey } from "../shared/app/keys/api-keys.ts";
import { TenantId } from "../shared/contract/identifiers.ts";
import { SCOPES } from "../shared/contract/routes.ts";
import type { CredentialStore } from "../shared/ports/credential-store.ts";
import { readIfThere, writeWhole } from "./data-directory.ts";
import { StartFailure } from "./start-failure.ts";

/** Keys by tenant; each has all scopes. */
export const Keys = v.object({ demo: v.string(), acme: v.string() });
export type Keys = v.InferOutput<typeof Keys>;

/**
 * The keys of this data directory, made at its first start; without a directory new ones each time. They are let in at
 * every start: the table may be a new one. One that was revoked stays so.
 */
export async function admitDemoKeys(credentials: CredentialStore, dataDirectory: string | undefined): Promise<Keys> {
  const keys = dataDirectory === undefined ? newKeys() : await keptKeys(path.join(dataDirectory, "keys.json"));
  for (const [tenant, key] of Object.entries(keys)) {
    const name = `${tenant} (embedded stack)`;
    const grant = { tenantId: v.parse(TenantId, tenant), scopes: SCOPES, name, expiresAt: undefined };
    await admitApiKey(credentials, key, { ...grant, createdAt: Date.now() });
  }
  return keys;
}

const newKeys = (): Keys => ({ demo: newApiKey(), acme: newApiKey() });

async function keptKeys(file: string): Promise<Keys> {
  const text = await readIfThere(file);
  if (text === undefined) {
    const keys = newKeys();
    await writeWhole(file, `${JSON.stringify(keys, null, 2)}\n`);
    return keys;
  }
  try {
    return v.parse(Keys, JSON.parse(text));
  } catch (cause) {
    throw new StartFailure(`${file} is damaged; delete it to get new keys`, { cause });
  }
}
