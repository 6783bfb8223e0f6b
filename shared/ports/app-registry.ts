import type { AppId, AppKey, TenantId } from "../contract/identifiers.ts";
import type { StoredUpkeep } from "./upkeep-store.ts";

/** An app and when it was first seen. */
export interface RegisteredApp {
  readonly appId: AppId;
  /** Milliseconds since 1970. */
  readonly registeredAt: number;
}

/** An app of any tenant, and what the upkeep of its runs remembers; undefined: it was never visited. */
export interface KnownApp extends RegisteredApp, AppKey {
  readonly upkeep: StoredUpkeep | undefined;
}

/** Which apps there are. */
export interface AppRegistry {
  /** Safe to repeat: the first registration stays. */
  register(tenantId: TenantId, app: RegisteredApp): Promise<void>;
  /** In order of app id, those after `after`. */
  list(tenantId: TenantId, page: { after: string | undefined; limit: number }): Promise<RegisteredApp[]>;
  /** Those of every tenant, in an order of their own, after `after`; fewer than `limit` only at the end. */
  listAll(page: { readonly after: AppKey | undefined; readonly limit: number }): Promise<KnownApp[]>;
}
