import type { AppId, TenantId } from "../../contract/identifiers.ts";
import type { JobId } from "../../contract/job-id.ts";
import {
  type ExportForm,
  type Job,
  type JobBasis,
  NOTHING_COUNTED,
  NOTHING_DELETED,
  NOTHING_EXPORTED,
} from "../../domain/job.ts";
import type { RunFilter } from "../../domain/run-filter.ts";
import type { AuditLog } from "../../ports/audit-log.ts";
import type { JobQueue } from "../../ports/job-queue.ts";
import type { StoredJob } from "../../ports/job-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import { auditDeletion } from "../deletion/audit-deletion.ts";
import { redactFilter } from "../redaction/redact-request.ts";
import type { JobStores } from "./save-job.ts";

/** What starting a job works on. */
export interface StartStores extends JobStores {
  readonly jobQueue: JobQueue;
  readonly audit: AuditLog;
  readonly settings: SettingsStore;
  /** A ULID of this time (milliseconds since 1970). */
  newUlid(time: number): string;
}

/** What a job is to do, and who asks for it. */
export interface JobRequest {
  readonly tenantId: TenantId;
  readonly appId: AppId;
  readonly filter: RunFilter;
  readonly by: string;
  readonly task: { readonly kind: "delete_runs" | "dry_run" } | ({ readonly kind: "export" } & ExportForm);
}

const jobOf = (basis: JobBasis, task: JobRequest["task"]): Job => {
  switch (task.kind) {
    case "delete_runs":
      return { ...basis, kind: task.kind, batch: [], quarantine: "begin", counts: NOTHING_DELETED };
    case "dry_run":
      return { ...basis, kind: task.kind, quarantine: "begin", counts: NOTHING_COUNTED };
    case "export":
      return { ...basis, ...task, files: [], counts: NOTHING_EXPORTED };
  }
};

/** A job that is queued before it is written down is there by then (seconds). */
const LEAST_DELAY_SECONDS = 2;

/**
 * Starts a job: it is queued, then written down, so that it goes on whatever becomes of this process. A deletion is noted
 * in the audit log. `delaySeconds` keep the job to who started it for so long.
 */
export const startJob = async (
  stores: StartStores,
  request: JobRequest,
  { delaySeconds }: { readonly delaySeconds: number },
): Promise<StoredJob> => {
  const { tenantId, appId, filter, by, task } = request;
  const createdAt = stores.clock.now();
  const id = stores.newUlid(createdAt) as JobId;
  const standing = { state: "running" } as const;
  // The runs are found by what was asked for: some may have been recorded before there were rules.
  const shownFilter = await redactFilter(stores.settings, request, filter);
  const basis = { id, appId, filter, shownFilter, by, createdAt, updatedAt: createdAt } as const;
  const job = jobOf({ ...basis, place: "begin", standing }, task);
  await stores.jobQueue.send({ tenantId, jobId: id }, Math.max(delaySeconds, LEAST_DELAY_SECONDS));
  await stores.jobs.create(tenantId, job);
  await auditDeletion(stores, tenantId, job);
  return { job, rev: 1 };
};
