import type { TenantId } from "../contract/identifiers.ts";
import type { JobId } from "../contract/job-id.ts";
import type { Job } from "../domain/job.ts";

/** A job as stored. `rev` rises by one with each write. */
export interface StoredJob<J extends Job = Job> {
  readonly job: J;
  readonly rev: number;
}

/**
 * Jobs of tenants. Reads are strongly consistent, and give what has expired until the store has collected it. Failures
 * of the store are thrown as StoreFault; every call can be repeated safely.
 */
export interface JobStore {
  /** The job is of `rev` 1. One that is there already stays as it is. */
  create(tenantId: TenantId, job: Job): Promise<void>;
  find(tenantId: TenantId, jobId: JobId): Promise<StoredJob | undefined>;
  /** Only where the job is of this `rev`: of several writers, one goes on. */
  replace(tenantId: TenantId, job: Job, rev: number): Promise<boolean>;
  /** Newest first, those that began before `before`. */
  list(tenantId: TenantId, page: { readonly before: JobId | undefined; readonly limit: number }): Promise<Job[]>;
}
