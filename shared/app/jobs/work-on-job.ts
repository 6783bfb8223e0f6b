import { hasWork } from "../../domain/job.ts";
import { countDeletion } from "../deletion/count-deletion.ts";
import { type DeleteRunsStores, deleteRuns } from "../deletion/delete-runs.ts";
import { type ExportRunsStores, exportRuns } from "../export/export-runs.ts";
import type { Slice, SliceEnd } from "./save-job.ts";

/** What jobs of every kind work on. */
export type WorkStores = DeleteRunsStores & ExportRunsStores;

/**
 * Does a slice of a job: as much as there is time for. A slice that was interrupted is done again from where it was last
 * saved; of several that work on one job at a time, one goes on. Throws StoreFault, and UnreadableRun.
 */
export const workOnJob = async (stores: WorkStores, { tenantId, stored, hasTime }: Slice): Promise<SliceEnd> => {
  const { job, rev } = stored;
  if (!hasWork(job)) return "ended";
  switch (job.kind) {
    case "delete_runs":
      return deleteRuns(stores, { tenantId, stored: { job, rev }, hasTime });
    case "dry_run":
      return countDeletion(stores, { tenantId, stored: { job, rev }, hasTime });
    case "export":
      return exportRuns(stores, { tenantId, stored: { job, rev }, hasTime });
  }
};
