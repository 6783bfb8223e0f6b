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

/** Stands for the runs of a tenant whose app is not known yet: somewhere events came that name none. */
export interface UnknownApp extends Pick<RegisteredApp, "registeredAt"> {
  readonly tenantId: TenantId;
  readonly appId: undefined;
}

/** A place in the registry: of an app, or of a tenant's runs whose app is not known yet. */
export type RegistryPlace = Pick<KnownApp | UnknownApp, "tenantId" | "appId">;

/** Which apps there are, and which tenants have runs whose app is not known yet. */
export interface AppRegistry {
  /** Safe to repeat: the first registration stays. */
  register(tenantId: TenantId, app: Pick<KnownApp | UnknownApp, "appId" | "registeredAt">): Promise<void>;
  /** Apps alone, in order of app id, those after `after`. */
  list(tenantId: TenantId, page: { after: string | undefined; limit: number }): Promise<RegisteredApp[]>;
  /** Everything of every tenant, in an order of its own, after `after`; fewer than `limit` only at the end. */
  listAll(page: {
    readonly after: RegistryPlace | undefined;
    readonly limit: number;
  }): Promise<(KnownApp | UnknownApp)[]>;
}
