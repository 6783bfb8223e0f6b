import type { TenantId } from "../../contract/identifiers.ts";
import { policyOf, type RunPolicy } from "../../domain/app-settings.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";

/** What says how runs are kept. */
export interface PolicyStores {
  readonly settings: SettingsStore;
  /** How long runs are kept where no setting says otherwise (days). */
  readonly retentionDays: number;
}

/** The policy for a tenant's runs as its settings are now. */
export const policyFor = async (stores: PolicyStores, tenantId: TenantId): Promise<RunPolicy> =>
  policyOf(await stores.settings.ofTenant(tenantId), stores.retentionDays);
