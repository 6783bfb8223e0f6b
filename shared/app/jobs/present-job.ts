import { instantOf, showInstant } from "../../contract/instant.ts";
import type { JsonOutput } from "../../contract/json-text.ts";
import type { DeletionCounts, DryRunCounts, Job } from "../../domain/job.ts";
import { jobExpiry } from "../../domain/retention.ts";
import type { RunFilter } from "../../domain/run-filter.ts";

type Shown = Readonly<Record<string, JsonOutput>>;

const showTime = (milliseconds: number): string => showInstant(instantOf(milliseconds));

/** A filter by the names of the query that says it; what it does not say is left out. */
export const presentFilter = (filter: RunFilter): Shown => ({
  status: filter.statuses.length === 0 ? undefined : filter.statuses,
  triggered_from: filter.triggeredFrom,
  workflow_id: filter.workflowId,
  workflow_version: filter.workflowVersion,
  created_by: filter.createdBy,
  tag: filter.tags.length === 0 ? undefined : filter.tags,
  has_exceptions: filter.hasExceptions,
  created_after: filter.created.after && showInstant(filter.created.after),
  created_before: filter.created.before && showInstant(filter.created.before),
  min_elapsed: filter.minElapsedSeconds,
  parent_run_id: filter.parentRunId,
});

/** What a deletion has come to. */
export const presentDeletion = (counts: DeletionCounts): Shown => ({
  matched: counts.deleted + counts.onHold + counts.failed,
  deleted: counts.deleted,
  on_hold: counts.onHold,
  failed: counts.failed,
  removed: {
    entries: counts.entries,
    events: counts.events,
    objects: counts.objects,
    quarantined: counts.quarantined,
  },
  failed_runs: counts.failedRuns.map(({ runId, code }) => ({ run_id: runId, code })),
});

const presentDryRun = (counts: DryRunCounts): Shown => ({
  matched: counts.matched,
  on_hold: counts.onHold,
  by_status: counts.byStatus,
  quarantined: counts.quarantined,
  first_started_at: counts.first === undefined ? null : showInstant(counts.first),
  last_started_at: counts.last === undefined ? null : showInstant(counts.last),
});

const presentWork = (job: Job): Shown => {
  switch (job.kind) {
    case "delete_runs":
      return { dry_run: false, report: presentDeletion(job.counts) };
    case "dry_run":
      return { dry_run: true, report: presentDryRun(job.counts) };
    case "export":
      return {
        events: job.hasEvents,
        importable: job.hasEvents && job.hasPayload,
        ...(job.hasPayload ? {} : { payload_hidden: true }),
        report: {
          ...job.counts,
          files: job.files.length,
          bytes: job.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        },
      };
  }
};

/** A job as callers see it; its report while it runs is how far it has come. */
export const presentJob = (job: Job): Shown => ({
  job_id: job.id,
  kind: job.kind === "dry_run" ? "delete_runs" : job.kind,
  state: job.standing.state,
  app_id: job.appId,
  filter: presentFilter(job.shownFilter),
  requested_by: job.by,
  created_at: showTime(job.createdAt),
  updated_at: showTime(job.updatedAt),
  expires_at: showTime(jobExpiry(job.createdAt) * 1000),
  error: job.standing.state === "failed" ? { ...job.standing.error } : null,
  ...presentWork(job),
});
