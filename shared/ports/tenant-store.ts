import type { TenantId } from "../contract/identifiers.ts";

/** A tenant that was admitted: it has limits of its own. */
export interface Tenant {
  readonly tenantId: TenantId;
  /** The usage plan whose limits hold for it, by name. */
  readonly plan: string;
  /** What API Gateway counts its requests by: the value of its key in the plan. Opens nothing, and is shown to nobody. */
  readonly usageKey: string;
  /** Milliseconds since 1970. */
  readonly admittedAt: number;
}

/**
 * Tenants that were admitted. Reads are strongly consistent. Failures of the store are thrown as StoreFault; every call
 * can be repeated safely.
 */
export interface TenantStore {
  /** Listed before it can be found. A tenant that is there gets the new plan and key, and keeps its `admittedAt`. */
  put(tenant: Tenant): Promise<void>;
  /** Not found from then on, and then not listed. False where it was not there. */
  remove(tenantId: TenantId): Promise<boolean>;
  /** Undefined for a tenant that was not admitted. */
  find(tenantId: TenantId): Promise<Tenant | undefined>;
  /** In order of tenant id. */
  list(): Promise<Tenant[]>;
}
