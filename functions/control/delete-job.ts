import { endJob } from "../../shared/app/jobs/end-job.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { tenantOf } from "../../shared/lambda/request.ts";
import type { ControlDependencies } from "./control-dependencies.ts";
import { jobAnswer, refuseToCancel } from "./job-answer.ts";
import { refuseInput } from "./refuse-body.ts";
import { NO_SUCH_JOB, requestedJob } from "./requested-job.ts";

/**
 * `DELETE /v1/jobs/{job_id}`: cancels it, for who may start the same. What was deleted or written by then stays so. One
 * that has ended stays as it ended. Safe to repeat.
 */
export const deleteJob =
  (dependencies: ControlDependencies): RouteHandler =>
  async (request) => {
    const input = refuseInput(request);
    if (input !== undefined) return input;
    const asked = await requestedJob(dependencies, request);
    if ("code" in asked) return asked;
    const refusal = refuseToCancel(request, asked);
    if (refusal !== undefined) return refusal;
    const key = { tenantId: tenantOf(request), jobId: asked.id };
    const job = await endJob(dependencies, key, { state: "cancelled" });
    return job === undefined ? NO_SUCH_JOB : jobAnswer(dependencies, request, { job, isNew: false });
  };
