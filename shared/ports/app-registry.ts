import type { AppId, TenantId } from "../contract/identifiers.ts";

/** An app and when it was first seen. */
export interface RegisteredApp {
  readonly appId: AppId;
  /** Milliseconds since 1970. */
  readonly registeredAt: number;
}

/** Which apps a tenant has. */
export interface AppRegistry {
  /** Safe to repeat: the first registration stays. */
  register(tenantId: TenantId, app: RegisteredApp): Promise<void>;
  /** In order of app id, those after `after`. */
  list(tenantId: TenantId, page: { after: string | undefined; limit: number }): Promise<RegisteredApp[]>;
}
