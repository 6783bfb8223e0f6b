import type { RunId, RunKey } from "../../contract/identifiers.ts";
import { type DeletionCounts, type DeletionJob, isRunning } from "../../domain/job.ts";
import { runMatcher } from "../../domain/run-filter.ts";
import type { AuditLog } from "../../ports/audit-log.ts";
import { isTombstone } from "../../ports/run-store.ts";
import { StoreFault } from "../../ports/store-fault.ts";
import { listJobRuns } from "../jobs/list-job-runs.ts";
import { type JobStores, type Slice, type SliceEnd, saveJob } from "../jobs/save-job.ts";
import type { ListStores } from "../lists/run-lists.ts";
import { sideBySide } from "../side-by-side.ts";
import { auditDeletion } from "./audit-deletion.ts";
import { type Deletion, type DeletionStores, deleteRun } from "./delete-run.ts";
import { lookInQuarantine, type QuarantineStores } from "./look-in-quarantine.ts";

/** What a deletion by filter works on. */
export type DeleteRunsStores = DeletionStores &
  ListStores &
  JobStores &
  QuarantineStores & {
    readonly audit: AuditLog;
    /** Tells the operator why a run could not be deleted. */
    tellFailure(run: RunKey, error: unknown): void;
  };

type Outcome = Deletion | { readonly status: "failed"; readonly code: string };

/** A write of the job for each batch: so many runs are looked at again after a crash. */
const RUNS_A_BATCH = 25;
const RUNS_AT_A_TIME = 8;
const REMOVALS_AT_A_TIME = 16;
/** A run whose deletion fails so often is left, and named in the report. */
const TRIES = 3;
const FIRST_PAUSE_MS = 200;
/** The report names so many of the runs that failed. */
const MOST_NAMED = 20;

/**
 * Deletes one run, where it is still what was asked for: lists lag behind. A run that came after the job began stays; one
 * that has a tombstone was deleted by a slice that did not come to write it down, perhaps not to its end.
 */
const deleteMatching = async (stores: DeleteRunsStores, job: DeletionJob, run: RunKey): Promise<Deletion> => {
  const found = await stores.runs.find(run);
  if (found !== undefined && !isTombstone(found)) {
    if (!runMatcher(job.filter, job.appId)(found)) return { status: "not_found" };
    const firstReceipt = await stores.ledger.firstReceipt(run);
    if (firstReceipt !== undefined && firstReceipt > job.createdAt) return { status: "not_found" };
  }
  return deleteRun(stores, run);
};

const tryToDelete = async (stores: DeleteRunsStores, job: DeletionJob, run: RunKey): Promise<Outcome> => {
  for (let tried = 1; ; tried++) {
    try {
      return await deleteMatching(stores, job, run);
    } catch (error) {
      // What is wrong with one run, in us too, must not keep the others.
      const isFault = error instanceof StoreFault;
      if (isFault && error.isRetryable && tried < TRIES) {
        await stores.clock.sleep(FIRST_PAUSE_MS * 2 ** tried);
        continue;
      }
      stores.tellFailure(run, error);
      return { status: "failed", code: isFault ? "UNAVAILABLE" : "INTERNAL" };
    }
  }
};

const added = (counts: DeletionCounts, runId: RunId, outcome: Outcome): DeletionCounts => {
  switch (outcome.status) {
    case "not_found":
      return counts;
    case "on_hold":
      return { ...counts, onHold: counts.onHold + 1 };
    case "failed": {
      const failedRuns = [...counts.failedRuns, { runId, code: outcome.code }].slice(0, MOST_NAMED);
      return { ...counts, failed: counts.failed + 1, failedRuns };
    }
    case "deleted":
      return {
        ...counts,
        deleted: counts.deleted + 1,
        entries: counts.entries + outcome.removed.entries,
        events: counts.events + outcome.removed.events,
        objects: counts.objects + outcome.removed.objects,
      };
  }
};

/** Deletes the runs of the job's batch, as many as there is time for. */
const deleteBatch = async (stores: DeleteRunsStores, slice: Slice<DeletionJob>): Promise<DeletionJob> => {
  const { job } = slice.stored;
  const waiting = [...job.batch];
  let { counts } = job;
  const work = async (): Promise<void> => {
    while (slice.hasTime()) {
      const runId = waiting.shift();
      if (runId === undefined) return;
      const outcome = await tryToDelete(stores, job, { tenantId: slice.tenantId, runId });
      counts = added(counts, runId, outcome);
    }
  };
  await Promise.all(Array.from({ length: RUNS_AT_A_TIME }, work));
  return { ...job, batch: waiting, counts };
};

/** Fills an empty batch with the runs that come next. */
const refill = async (stores: DeleteRunsStores, slice: Slice<DeletionJob>, job: DeletionJob): Promise<DeletionJob> => {
  if (job.batch.length > 0) return job;
  const { headers, place } = await listJobRuns(stores, slice.tenantId, { ...job, limit: RUNS_A_BATCH });
  return { ...job, batch: headers.map(({ runId }) => runId), place };
};

/** Whether the runs are done with: deleted, or left alone since the job was cancelled. */
const isThroughRuns = (job: DeletionJob): boolean => !isRunning(job) || (job.batch.length === 0 && job.place === "end");

/** Whether it has buried a run, perhaps: of one that failed nobody knows, nor of a batch that was left by a cancelled job. */
const mayHaveDeleted = ({ counts, batch }: DeletionJob): boolean =>
  counts.deleted + counts.failed > 0 || batch.length > 0;

/**
 * Removes refused events whose runs are deleted, by this job or any other, as many as are looked at together. A job that
 * has deleted none looks at none.
 */
const clearQuarantine = async (
  stores: DeleteRunsStores,
  { tenantId, stored: { job } }: Slice<DeletionJob>,
): Promise<DeletionJob> => {
  if (!mayHaveDeleted(job)) return { ...job, quarantine: "end" };
  const { wanted, next } = await lookInQuarantine(stores, tenantId, { mark: job.quarantine, isWanted: isTombstone });
  let { quarantined } = job.counts;
  await sideBySide(wanted, REMOVALS_AT_A_TIME, async (position) => {
    if (await stores.quarantine.remove(tenantId, position)) quarantined += 1;
  });
  return { ...job, quarantine: next, counts: { ...job.counts, quarantined } };
};

const step = async (stores: DeleteRunsStores, slice: Slice<DeletionJob>): Promise<DeletionJob> =>
  isThroughRuns(slice.stored.job)
    ? clearQuarantine(stores, slice)
    : refill(stores, slice, await deleteBatch(stores, slice));

/** A job that was cancelled while its last runs were deleted still counts them, and has the quarantine left to do. */
const countInCancelled = async (
  stores: DeleteRunsStores,
  slice: Slice<DeletionJob>,
  of: { readonly job: DeletionJob; readonly rev: number },
): Promise<SliceEnd> => {
  if (!isRunning(of.job)) return "superseded";
  const found = await stores.jobs.find(slice.tenantId, of.job.id);
  if (found?.rev !== of.rev + 1 || found.job.standing.state !== "cancelled") return "superseded";
  const next: DeletionJob = { ...of.job, batch: [], standing: found.job.standing };
  const saved = await saveJob(stores, slice.tenantId, { next, rev: found.rev });
  if (saved === undefined) return "superseded";
  await auditDeletion(stores, slice.tenantId, saved.job);
  return "more";
};

/**
 * Goes on with a deletion by filter: a batch is written down, then deleted, then counted together with the next; when all
 * are gone, what waits for them in quarantine. So the count of runs holds whatever is repeated; of what was interrupted
 * the report lacks the entries, events, objects and refused events that were gone already.
 */
export const deleteRuns = async (stores: DeleteRunsStores, slice: Slice<DeletionJob>): Promise<SliceEnd> => {
  const { tenantId } = slice;
  let { stored } = slice;
  for (;;) {
    const next = await step(stores, { ...slice, stored });
    const hasEnded = isThroughRuns(next) && next.quarantine === "end";
    const standing = isRunning(next) ? ({ state: "done" } as const) : next.standing;
    const job: DeletionJob = hasEnded ? { ...next, standing, updatedAt: stores.clock.now() } : next;
    if (hasEnded) await auditDeletion(stores, tenantId, job);
    const saved = await saveJob(stores, tenantId, { next: job, rev: stored.rev });
    if (saved === undefined) return countInCancelled(stores, slice, { job: next, rev: stored.rev });
    if (hasEnded) return "ended";
    if (!slice.hasTime()) return "more";
    stored = saved;
  }
};
