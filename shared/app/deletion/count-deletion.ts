import type { TenantId } from "../../contract/identifiers.ts";
import type { DryRunCounts, DryRunJob } from "../../domain/job.ts";
import { hasExpired, NEVER } from "../../domain/retention.ts";
import { runMatcher } from "../../domain/run-filter.ts";
import { type FoundHeader, isTombstone, type ListedHeader } from "../../ports/run-store.ts";
import { listJobRuns } from "../jobs/list-job-runs.ts";
import { type JobStores, type Slice, type SliceEnd, saveJob } from "../jobs/save-job.ts";
import type { ListStores } from "../lists/run-lists.ts";
import { lookInQuarantine, type QuarantineStores } from "./look-in-quarantine.ts";

const RUNS_A_PAGE = 250;

/** Only a run on hold never expires. */
const isOnHold = ({ expiresAt }: ListedHeader): boolean => expiresAt === NEVER;

/** Lists are newest first. */
const added = (counts: DryRunCounts, header: ListedHeader): DryRunCounts => {
  const { status } = header.row;
  return {
    ...counts,
    matched: counts.matched + 1,
    onHold: counts.onHold + (isOnHold(header) ? 1 : 0),
    byStatus: { ...counts.byStatus, [status]: (counts.byStatus[status] ?? 0) + 1 },
    first: header.listedAt,
    last: counts.last ?? header.listedAt,
  };
};

/** A deletion takes what waits for its runs out of quarantine, and for all that are deleted already; one of none nothing. */
const countQuarantined = async (stores: QuarantineStores, tenantId: TenantId, job: DryRunJob): Promise<DryRunJob> => {
  if (job.counts.matched === job.counts.onHold) return { ...job, quarantine: "end" };
  const isMatch = runMatcher(job.filter, job.appId);
  const isWanted = (run: FoundHeader): boolean =>
    isTombstone(run) ||
    (run !== undefined && !hasExpired(run.expiresAt, stores.clock.now()) && !isOnHold(run) && isMatch(run));
  const { wanted, next } = await lookInQuarantine(stores, tenantId, { mark: job.quarantine, isWanted });
  const quarantined = job.counts.quarantined + wanted.length;
  return { ...job, quarantine: next, counts: { ...job.counts, quarantined } };
};

const countRuns = async (stores: ListStores & JobStores, tenantId: TenantId, job: DryRunJob): Promise<DryRunJob> => {
  const { headers, place } = await listJobRuns(stores, tenantId, { ...job, limit: RUNS_A_PAGE });
  return { ...job, place, counts: headers.reduce(added, job.counts) };
};

/** Goes on counting what a deletion by filter would delete. A slice that was interrupted is done again. */
export const countDeletion = async (
  stores: ListStores & JobStores & QuarantineStores,
  { tenantId, stored, hasTime }: Slice<DryRunJob>,
): Promise<SliceEnd> => {
  let { job } = stored;
  while (job.place !== "end" && hasTime()) job = await countRuns(stores, tenantId, job);
  while (job.place === "end" && job.quarantine !== "end" && hasTime()) {
    job = await countQuarantined(stores, tenantId, job);
  }
  const hasEnded = job.place === "end" && job.quarantine === "end";
  const next: DryRunJob = hasEnded ? { ...job, standing: { state: "done" } } : job;
  const saved = await saveJob(stores, tenantId, { next, rev: stored.rev });
  if (saved === undefined) return "superseded";
  return hasEnded ? "ended" : "more";
};
