import type { AppId, RunId } from "../contract/identifiers.ts";
import type { Instant } from "../contract/instant.ts";
import type { JobId } from "../contract/job-id.ts";
import type { RunStatus } from "../contract/run-status.ts";
import type { QuarantinePosition } from "./quarantine.ts";
import type { RunFilter } from "./run-filter.ts";

/** Where a job goes on in the list of its runs: after this one, or with it. */
export type JobPlace =
  | "begin"
  | "end"
  | { readonly listedAt: Instant; readonly runId: RunId; readonly isIncluded?: boolean | undefined };

/** How far a job has looked through its tenant's quarantine, oldest first: the last place that it has seen. */
export type QuarantineMark = "begin" | "end" | QuarantinePosition;

/** How a job stands. A job that is not running never runs again. */
export type JobStanding =
  | { readonly state: "running" | "done" | "cancelled" }
  | { readonly state: "failed"; readonly error: { readonly code: string; readonly detail: string } };

/** What every job has. */
export interface JobBasis {
  readonly id: JobId;
  readonly appId: AppId;
  /** What runs are found by. Of a job that has ended, only what may be shown of it. */
  readonly filter: RunFilter;
  /** What redaction leaves of it, to be shown and noted. */
  readonly shownFilter: RunFilter;
  /** Whose credential asked for it. */
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly place: JobPlace;
  readonly standing: JobStanding;
}

/** A run that a job could not do. */
export interface FailedRun {
  readonly runId: RunId;
  readonly code: string;
}

/** What a deletion has come to. */
export interface DeletionCounts {
  readonly deleted: number;
  /** Runs on legal hold, which stay. */
  readonly onHold: number;
  readonly failed: number;
  readonly entries: number;
  readonly events: number;
  readonly objects: number;
  /** Refused events that waited in quarantine for runs that are deleted. */
  readonly quarantined: number;
  /** The first of those that failed. */
  readonly failedRuns: readonly FailedRun[];
}

/** Deletes the runs that match. */
export interface DeletionJob extends JobBasis {
  readonly kind: "delete_runs";
  /** Runs that are deleted next: written down before the first of them goes, as no list shows what is gone. */
  readonly batch: readonly RunId[];
  /** Begins when the runs are deleted. */
  readonly quarantine: QuarantineMark;
  readonly counts: DeletionCounts;
}

/** What a deletion would come to. */
export interface DryRunCounts {
  readonly matched: number;
  readonly onHold: number;
  readonly byStatus: Readonly<Partial<Record<RunStatus, number>>>;
  /** Refused events that wait in quarantine for runs that are, or would be, deleted. */
  readonly quarantined: number;
  /** When the earliest and the latest of them are listed. */
  readonly first: Instant | undefined;
  readonly last: Instant | undefined;
}

/** Counts the runs that a deletion would delete. */
export interface DryRunJob extends JobBasis {
  readonly kind: "dry_run";
  /** Begins when the runs are counted. */
  readonly quarantine: QuarantineMark;
  readonly counts: DryRunCounts;
}

/** How many of each an export holds. */
export interface ExportCounts {
  readonly runs: number;
  readonly nodes: number;
  readonly events: number;
}

/** A file of an export: lines, gzipped. Files one after the other are the whole of it. */
export interface ExportFile {
  /** ULID. */
  readonly id: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

/** Which lines an export has. */
export interface ExportForm {
  readonly hasEvents: boolean;
  readonly hasPayload: boolean;
}

/** Writes the runs that match to files. */
export interface ExportJob extends JobBasis, ExportForm {
  readonly kind: "export";
  readonly files: readonly ExportFile[];
  readonly counts: ExportCounts;
}

/** Work on the runs of an app that goes on in slices. */
export type Job = DeletionJob | DryRunJob | ExportJob;

/** Nothing yet. */
export const NOTHING_DELETED: DeletionCounts = {
  deleted: 0,
  onHold: 0,
  failed: 0,
  entries: 0,
  events: 0,
  objects: 0,
  quarantined: 0,
  failedRuns: [],
};
/** Nothing yet. */
export const NOTHING_COUNTED: DryRunCounts = {
  matched: 0,
  onHold: 0,
  byStatus: {},
  quarantined: 0,
  first: undefined,
  last: undefined,
};
/** Nothing yet. */
export const NOTHING_EXPORTED: ExportCounts = { runs: 0, nodes: 0, events: 0 };

/** Whether a job goes on with its runs. */
export const isRunning = ({ standing }: Job): boolean => standing.state === "running";

/** A job as it is kept: one that has ended needs no more of its filter than may be shown. */
export const keptJob = <J extends Job>(job: J): J => (isRunning(job) ? job : { ...job, filter: job.shownFilter });

/** Whether something is left to do: a cancelled deletion takes what it has deleted out of quarantine all the same. */
export const hasWork = (job: Job): boolean =>
  isRunning(job) || (job.kind === "delete_runs" && job.standing.state === "cancelled" && job.quarantine !== "end");
