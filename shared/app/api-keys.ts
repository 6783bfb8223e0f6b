import { createHash, randomBytes } from "node:crypto";
import type { TenantId } from "../contract/identifiers.ts";
import type { Scope } from "../contract/routes.ts";
import type { Credential, CredentialStore } from "../ports/credential-store.ts";

const KEY_BYTES = 32;
const KEY_FORM = /^rk_[A-Za-z0-9_-]{43}$/;

const sha256 = (key: string): string => createHash("sha256").update(key).digest("hex");

/** A new API key: random, and nowhere but in the answer. */
export const newApiKey = (): string => `rk_${randomBytes(KEY_BYTES).toString("base64url")}`;

/** Lets a key in. Safe to repeat. */
export const admitApiKey = (
  credentials: CredentialStore,
  key: string,
  of: { tenantId: TenantId; scopes: readonly Scope[]; name: string },
): Promise<void> => credentials.put(sha256(key), { ...of, expiresAt: undefined, isRevoked: false });

/**
 * Who a key belongs to; undefined for a key that is unknown, revoked or expired. The store is asked by the key's
 * digest, so that how long the answer takes tells nothing about the key.
 */
export const credentialOf = async (
  credentials: CredentialStore,
  key: string,
  now: number,
): Promise<Credential | undefined> => {
  if (!KEY_FORM.test(key)) return undefined;
  const credential = await credentials.find(sha256(key));
  if (credential === undefined || credential.isRevoked) return undefined;
  return credential.expiresAt !== undefined && credential.expiresAt <= now ? undefined : credential;
};
