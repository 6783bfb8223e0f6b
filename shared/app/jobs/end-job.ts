import { isRunning, type Job, type JobStanding } from "../../domain/job.ts";
import type { AuditLog } from "../../ports/audit-log.ts";
import type { JobKey } from "../../ports/job-queue.ts";
import { StoreFault } from "../../ports/store-fault.ts";
import { auditDeletion } from "../deletion/audit-deletion.ts";
import { findJob } from "./find-jobs.ts";
import { type JobStores, saveJob } from "./save-job.ts";

/** Slices that save what they have done meanwhile. */
const MOST_ROUNDS = 12;

/**
 * Ends a job that is running: whoever works on it finds out when they save what they have done. One that has ended stays
 * as it is. Undefined where there is none. Safe to repeat.
 */
export const endJob = async (
  stores: JobStores & { readonly audit: AuditLog },
  { tenantId, jobId }: JobKey,
  standing: JobStanding,
): Promise<Job | undefined> => {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = await findJob(stores, { tenantId, jobId });
    if (found === undefined) return undefined;
    const ended = isRunning(found.job)
      ? await saveJob(stores, tenantId, { next: { ...found.job, standing }, rev: found.rev })
      : found;
    if (ended !== undefined) {
      await auditDeletion(stores, tenantId, ended.job);
      return ended.job;
    }
    await stores.clock.sleep(2 ** Math.min(round, 7));
  }
  throw new StoreFault("the job is written by too many at once", { cause: undefined, isRetryable: true });
};
