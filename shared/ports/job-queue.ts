import type { TenantId } from "../contract/identifiers.ts";
import type { JobId } from "../contract/job-id.ts";

/** A job by its tenant. */
export interface JobKey {
  readonly tenantId: TenantId;
  readonly jobId: JobId;
}

/**
 * Jobs on their way to whoever works on them: delivered at least once, in any order. Throws StoreFault; the job may be on
 * the queue all the same, and sending it again is safe.
 */
export interface JobQueue {
  /** Not delivered before so many seconds have passed, 900 at the most. */
  send(job: JobKey, delaySeconds: number): Promise<void>;
}
