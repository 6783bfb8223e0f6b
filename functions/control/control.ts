import { type HttpHandler, httpFunction, type RouteHandler } from "../../shared/lambda/http-function.ts";
import type { ControlDependencies } from "./control-dependencies.ts";
import { deleteHold } from "./delete-hold.ts";
import { deleteJob } from "./delete-job.ts";
import { deleteRun } from "./delete-run.ts";
import { deleteRuns } from "./delete-runs.ts";
import { getExport } from "./get-export.ts";
import { getJob } from "./get-job.ts";
import { getSettings } from "./get-settings.ts";
import { listAudit } from "./list-audit.ts";
import { listJobs } from "./list-jobs.ts";
import { listQuarantine } from "./list-quarantine.ts";
import { postRedrive } from "./post-redrive.ts";
import { postRedriveAll } from "./post-redrive-all.ts";
import { postUpload } from "./post-upload.ts";
import { putHold } from "./put-hold.ts";
import { putSettings } from "./put-settings.ts";

/** Everything that administrators ask for over HTTP. */
export const controlFunction = (dependencies: ControlDependencies): HttpHandler => {
  const handlers = new Map<string, RouteHandler>([
    ["DELETE /v1/runs/{run_id}", deleteRun(dependencies)],
    ["PUT /v1/runs/{run_id}/hold", putHold(dependencies)],
    ["DELETE /v1/runs/{run_id}/hold", deleteHold(dependencies)],
    ["DELETE /v1/apps/{app_id}/runs", deleteRuns(dependencies)],
    ["GET /v1/apps/{app_id}/export", getExport(dependencies)],
    ["GET /v1/jobs", listJobs(dependencies)],
    ["GET /v1/jobs/{job_id}", getJob(dependencies)],
    ["DELETE /v1/jobs/{job_id}", deleteJob(dependencies)],
    ["GET /v1/audit", listAudit(dependencies)],
    ["GET /v1/apps/{app_id}/settings", getSettings(dependencies)],
    ["PUT /v1/apps/{app_id}/settings", putSettings(dependencies)],
    ["POST /v1/uploads", postUpload(dependencies)],
    ["GET /v1/quarantine", listQuarantine(dependencies)],
    ["POST /v1/quarantine/{id}/redrive", postRedrive(dependencies)],
    ["POST /v1/quarantine/redrive", postRedriveAll(dependencies)],
  ]);
  return httpFunction(handlers, { log: dependencies.log, now: () => dependencies.clock.now() });
};
