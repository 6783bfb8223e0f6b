import type { AppSettingsBody } from "../contract/app-settings.ts";
import type { AppId, TenantId } from "../contract/identifiers.ts";
import type { AppSettings, TenantSettings } from "../domain/app-settings.ts";

/** A change of settings takes this long to reach every process (milliseconds): so long a process may go by what it read. */
export const SETTINGS_LAG_MS = 5_000;

/**
 * What is set for apps. Failures of the store are thrown as StoreFault; a write that threw may have taken effect and can
 * be repeated safely.
 */
export interface SettingsStore {
  /** Of all apps of a tenant; may be {@link SETTINGS_LAG_MS} old. */
  ofTenant(tenantId: TenantId): Promise<TenantSettings>;
  /**
   * What the digests of a tenant's redacted values are keyed with: it never changes. Undefined where nothing was ever set;
   * whoever has seen settings of the tenant finds it.
   */
  secretOf(tenantId: TenantId): Promise<string | undefined>;
  /** Of one app, as of now. Undefined where nothing was ever set. */
  find(tenantId: TenantId, appId: AppId): Promise<AppSettings | undefined>;
  /** Replaces an app's settings where they are of this version (0: not set yet). Undefined where they are of another. */
  put(
    app: { readonly tenantId: TenantId; readonly appId: AppId },
    settings: AppSettingsBody,
    of: { readonly version: number; readonly updatedAt: number },
  ): Promise<AppSettings | undefined>;
}
