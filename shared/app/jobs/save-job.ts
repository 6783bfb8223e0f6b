import type { TenantId } from "../../contract/identifiers.ts";
import { type Job, keptJob } from "../../domain/job.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JobStore, StoredJob } from "../../ports/job-store.ts";

/** What saving a job needs. */
export interface JobStores {
  readonly jobs: JobStore;
  readonly clock: Clock;
}

/**
 * How a slice of a job ended. `more`: somebody has to go on. `ended`: there is nothing left to do. `superseded`: somebody
 * else has changed the job meanwhile, and goes on if there is more.
 */
export type SliceEnd = "more" | "ended" | "superseded";

/** A job to go on with, for as long as there is time. */
export interface Slice<J extends Job = Job> {
  readonly tenantId: TenantId;
  readonly stored: StoredJob<J>;
  hasTime(): boolean;
}

/** Writes how far a job has come. Undefined where somebody else has changed it meanwhile. */
export const saveJob = async <J extends Job>(
  { jobs, clock }: JobStores,
  tenantId: TenantId,
  of: { readonly next: J; readonly rev: number },
): Promise<StoredJob<J> | undefined> => {
  const job = keptJob({ ...of.next, updatedAt: clock.now() });
  return (await jobs.replace(tenantId, job, of.rev)) ? { job, rev: of.rev + 1 } : undefined;
};
