import type { TenantId } from "../contract/identifiers.ts";
import type { Scope } from "../contract/routes.ts";

/** What a credential allows and until when: the same for an API key and for a token. */
export interface Grant {
  readonly tenantId: TenantId;
  readonly scopes: readonly Scope[];
  /** Milliseconds since 1970, no longer good at that moment; undefined: does not expire. */
  readonly expiresAt: number | undefined;
}
