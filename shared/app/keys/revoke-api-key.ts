import type { CredentialStore, StoredCredential } from "../../ports/credential-store.ts";

/** A key id, or as much more of the SHA-256 as tells two keys apart. */
const KEY_ID_FORM = /^[0-9a-f]{16,64}$/;

/** What became of a revocation. */
export type Revocation =
  | { readonly kind: "revoked"; readonly credential: StoredCredential; readonly revokedAt: number }
  /** It was revoked before, at `revokedAt`. */
  | { readonly kind: "revoked-before"; readonly credential: StoredCredential; readonly revokedAt: number }
  | { readonly kind: "unknown" }
  /** Several keys have this id. */
  | { readonly kind: "ambiguous"; readonly credentials: readonly StoredCredential[] };

/** Takes a key back, by its id. Safe to repeat: the first revocation stays. `now` is in milliseconds since 1970. */
export const revokeApiKey = async (credentials: CredentialStore, keyId: string, now: number): Promise<Revocation> => {
  if (!KEY_ID_FORM.test(keyId)) return { kind: "unknown" };
  const named = (await credentials.list(undefined)).filter(({ sha256 }) => sha256.startsWith(keyId));
  const [credential] = named;
  if (credential === undefined) return { kind: "unknown" };
  if (named.length > 1) return { kind: "ambiguous", credentials: named };
  const revokedAt = await credentials.revoke(credential.sha256, now);
  if (revokedAt === undefined) return { kind: "unknown" };
  return { kind: credential.revokedAt === undefined ? "revoked" : "revoked-before", credential, revokedAt };
};
