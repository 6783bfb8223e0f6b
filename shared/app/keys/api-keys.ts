import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Grant } from "../../domain/grant.ts";
import type { Credential, CredentialStore, StoredCredential } from "../../ports/credential-store.ts";

/** What every API key begins with: no token of an issuer does. */
export const KEY_PREFIX = "rk_";

const KEY_BYTES = 32;
const KEY_FORM = /^rk_[A-Za-z0-9_-]{43}$/;
const DAY_MS = 86_400_000;

const digestOf = (key: string): Buffer => createHash("sha256").update(key).digest();

/** A new API key: random, and nowhere but in the answer. */
export const newApiKey = (): string => `${KEY_PREFIX}${randomBytes(KEY_BYTES).toString("base64url")}`;

/** The SHA-256 of a key (lower-case hex): all that is kept of it. */
export const sha256Of = (key: string): string => digestOf(key).toString("hex");

/** How people name a key without showing it: the first 16 digits of its SHA-256. */
export const keyIdOf = (sha256: string): string => sha256.slice(0, 16);

/** Lets a key in. Safe to repeat; a key that was revoked stays so. */
export const admitApiKey = (
  credentials: CredentialStore,
  key: string,
  of: Grant & Pick<Credential, "name" | "createdAt">,
): Promise<void> => credentials.put(sha256Of(key), { ...of, revokedAt: undefined, lastUsedOn: undefined });

/** What keys must keep to, whatever they say of themselves. */
export interface KeyPolicy {
  /** A key older than this is refused; undefined: keys may be of any age. */
  readonly longestKeyDays: number | undefined;
}

/** When a key ends (milliseconds since 1970): by its own expiry or by the policy, what comes first. Undefined: it does not. */
export const keyExpiryOf = (
  credential: Pick<Credential, "createdAt" | "expiresAt">,
  { longestKeyDays }: KeyPolicy,
): number | undefined => {
  const oldest =
    longestKeyDays === undefined ? Number.POSITIVE_INFINITY : credential.createdAt + longestKeyDays * DAY_MS;
  const expiresAt = Math.min(credential.expiresAt ?? Number.POSITIVE_INFINITY, oldest);
  return expiresAt === Number.POSITIVE_INFINITY ? undefined : expiresAt;
};

/**
 * Whom a key speaks for, with the expiry that holds for it; undefined for a key that is unknown, revoked, expired or too
 * old. The store is asked by the key's digest and the digest found is compared in constant time, so how long the answer
 * takes tells nothing about any key.
 */
export const credentialOf = async (
  credentials: CredentialStore,
  key: string,
  of: { readonly now: number; readonly policy: KeyPolicy },
): Promise<StoredCredential | undefined> => {
  if (!KEY_FORM.test(key)) return undefined;
  const digest = digestOf(key);
  const credential = await credentials.find(digest.toString("hex"));
  if (credential === undefined || !isDigest(credential.sha256, digest) || credential.revokedAt !== undefined) {
    return undefined;
  }
  const expiresAt = keyExpiryOf(credential, of.policy);
  return expiresAt !== undefined && expiresAt <= of.now ? undefined : { ...credential, expiresAt };
};

const isDigest = (sha256: string, digest: Buffer): boolean => {
  const found = Buffer.from(sha256, "hex");
  return found.length === digest.length && timingSafeEqual(found, digest);
};

/** Notes that a key was used, to the day: one write a day and key, none where today is noted already. */
export const recordKeyUse = async (
  credentials: CredentialStore,
  credential: StoredCredential,
  now: number,
): Promise<void> => {
  const today = new Date(now).toISOString().slice(0, "2026-11-22".length);
  if (credential.lastUsedOn === undefined || credential.lastUsedOn < today) {
    await credentials.recordUse(credential.sha256, today);
  }
};
