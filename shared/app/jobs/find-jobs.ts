import type { TenantId } from "../../contract/identifiers.ts";
import type { JobId } from "../../contract/job-id.ts";
import type { Job } from "../../domain/job.ts";
import { hasExpired, jobExpiry } from "../../domain/retention.ts";
import type { JobKey } from "../../ports/job-queue.ts";
import type { StoredJob } from "../../ports/job-store.ts";
import type { JobStores } from "./save-job.ts";

/** A job; undefined where there is none, or none any more. */
export const findJob = async (
  { jobs, clock }: JobStores,
  { tenantId, jobId }: JobKey,
): Promise<StoredJob | undefined> => {
  const found = await jobs.find(tenantId, jobId);
  return found === undefined || hasExpired(jobExpiry(found.job.createdAt), clock.now()) ? undefined : found;
};

/** Jobs that one request reads. */
const JOBS_A_PAGE = 50;

/** A tenant's jobs, newest first, as many as are asked for of those that are wanted. */
export const listJobs = async (
  { jobs, clock }: JobStores,
  tenantId: TenantId,
  of: { readonly before: JobId | undefined; readonly limit: number; isWanted(job: Job): boolean },
): Promise<Job[]> => {
  const found: Job[] = [];
  let { before } = of;
  for (;;) {
    const page = await jobs.list(tenantId, { before, limit: JOBS_A_PAGE });
    for (const job of page) {
      // Those that follow began earlier still.
      if (hasExpired(jobExpiry(job.createdAt), clock.now())) return found;
      if (of.isWanted(job)) found.push(job);
      if (found.length === of.limit) return found;
    }
    before = page.at(-1)?.id;
    if (page.length < JOBS_A_PAGE) return found;
  }
};
