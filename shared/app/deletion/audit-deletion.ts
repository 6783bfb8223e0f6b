import type { TenantId } from "../../contract/identifiers.ts";
import type { Job } from "../../domain/job.ts";
import type { AuditLog } from "../../ports/audit-log.ts";
import { presentDeletion, presentFilter } from "../jobs/present-job.ts";

/**
 * Notes in the tenant's audit log what a deletion by filter has come to: one entry a job, written when it begins and
 * again when it ends. Other jobs remove nothing, and are not noted. Safe to repeat.
 */
export const auditDeletion = async (
  { audit }: { readonly audit: AuditLog },
  tenantId: TenantId,
  job: Job,
): Promise<void> => {
  if (job.kind !== "delete_runs") return;
  const { id, by, appId, shownFilter, standing, counts, updatedAt: at } = job;
  const { failed_runs: _, ...report } = presentDeletion(counts);
  const details = { job_id: id, app_id: appId, filter: presentFilter(shownFilter), state: standing.state, ...report };
  await audit.append(tenantId, { id, at, by, action: "runs.deleted", details });
};
