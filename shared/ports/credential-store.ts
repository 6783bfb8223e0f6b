import type { TenantId } from "../contract/identifiers.ts";
import type { Scope } from "../contract/routes.ts";

/** What an API key stands for. The key itself is nowhere: it is known by its SHA-256. */
export interface Credential {
  readonly tenantId: TenantId;
  readonly scopes: readonly Scope[];
  readonly name: string;
  /** Milliseconds since 1970; undefined: does not expire. */
  readonly expiresAt: number | undefined;
  readonly isRevoked: boolean;
}

/** API keys by the SHA-256 (hex) of their text. */
export interface CredentialStore {
  /** Safe to repeat with the same content. */
  put(sha256: string, credential: Credential): Promise<void>;
  find(sha256: string): Promise<Credential | undefined>;
}
