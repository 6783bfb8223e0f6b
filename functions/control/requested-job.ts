import * as v from "valibot";
import { findJob } from "../../shared/app/jobs/find-jobs.ts";
import { JobId } from "../../shared/contract/job-id.ts";
import type { Job } from "../../shared/domain/job.ts";
import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { type Request, tenantOf } from "../../shared/lambda/request.ts";
import { refuseJob } from "./job-answer.ts";

/** Of another tenant, long over, never there: one answer for all. */
export const NO_SUCH_JOB: Refusal = refuse("NOT_FOUND", "there is no job of this id");

/** The job that the path names, if the caller may see it. */
export const requestedJob = async (dependencies: Dependencies, request: Request): Promise<Job | Refusal> => {
  const jobId = v.safeParse(JobId, request.path["job_id"]);
  if (!jobId.success) return NO_SUCH_JOB;
  const found = await findJob(dependencies, { tenantId: tenantOf(request), jobId: jobId.output });
  return found === undefined ? NO_SUCH_JOB : (refuseJob(request, found.job) ?? found.job);
};
