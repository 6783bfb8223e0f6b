import type { DryRunCounts, DryRunJob } from "../domain/job.ts";
import { NEVER } from "../domain/retention.ts";
import type { ListedHeader } from "../ports/run-store.ts";
import { listJobRuns } from "./list-job-runs.ts";
import type { ListStores } from "./run-lists.ts";
import { type JobStores, type Slice, type SliceEnd, saveJob } from "./save-job.ts";

const RUNS_A_PAGE = 250;

/** Only a run on hold never expires. */
const isOnHold = ({ expiresAt }: ListedHeader): boolean => expiresAt === NEVER;

/** Lists are newest first. */
const added = (counts: DryRunCounts, header: ListedHeader): DryRunCounts => {
  const { status } = header.row;
  return {
    matched: counts.matched + 1,
    onHold: counts.onHold + (isOnHold(header) ? 1 : 0),
    byStatus: { ...counts.byStatus, [status]: (counts.byStatus[status] ?? 0) + 1 },
    first: header.listedAt,
    last: counts.last ?? header.listedAt,
  };
};

/** Goes on counting what a deletion by filter would delete. A slice that was interrupted is done again. */
export const countDeletion = async (
  stores: ListStores & JobStores,
  { tenantId, stored, hasTime }: Slice<DryRunJob>,
): Promise<SliceEnd> => {
  let { job } = stored;
  while (job.place !== "end" && hasTime()) {
    const { headers, place } = await listJobRuns(stores, tenantId, { ...job, limit: RUNS_A_PAGE });
    job = { ...job, place, counts: headers.reduce(added, job.counts) };
  }
  const hasEnded = job.place === "end";
  const next: DryRunJob = hasEnded ? { ...job, standing: { state: "done" } } : job;
  const saved = await saveJob(stores, tenantId, { next, rev: stored.rev });
  if (saved === undefined) return "superseded";
  return hasEnded ? "ended" : "more";
};
