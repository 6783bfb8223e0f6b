import type { TenantId } from "../contract/identifiers.ts";
import type { Grant } from "../domain/grant.ts";

/** What an API key stands for. The key itself is nowhere: it is known by its SHA-256. */
export interface Credential extends Grant {
  /** How people call it; may be empty. */
  readonly name: string;
  /** Milliseconds since 1970; 0 where it is not known. */
  readonly createdAt: number;
  /** When it was revoked (milliseconds since 1970); undefined: it was not. */
  readonly revokedAt: number | undefined;
  /** The day (UTC, `YYYY-MM-DD`) on which it was last used; undefined: never. */
  readonly lastUsedOn: string | undefined;
}

/** A credential with the digest that it was found under, as the store holds it. */
export interface StoredCredential extends Credential {
  readonly sha256: string;
}

/**
 * API keys by the SHA-256 (lower-case hex) of their text. Reads are strongly consistent: a revocation counts at once.
 * Failures of the store are thrown as StoreFault; every call can be repeated safely.
 */
export interface CredentialStore {
  /** Lets a key in, listed before it is good. Where the digest has a credential already, that one stays as it is. */
  put(sha256: string, credential: Credential): Promise<void>;
  /** Undefined where no key has this digest. */
  find(sha256: string): Promise<StoredCredential | undefined>;
  /** Since when (milliseconds since 1970) the key is revoked: a first revocation stays. Undefined for an unknown digest. */
  revoke(sha256: string, at: number): Promise<number | undefined>;
  /**
   * Notes a use on a day (`YYYY-MM-DD`). False, and nothing changed, where that day or a later one is noted, or for an
   * unknown digest. Gives up after a second: bookkeeping keeps nobody waiting.
   */
  recordUse(sha256: string, day: string): Promise<boolean>;
  /** Every key, or those of one tenant, in order of tenant and digest. */
  list(tenantId: TenantId | undefined): Promise<StoredCredential[]>;
}
