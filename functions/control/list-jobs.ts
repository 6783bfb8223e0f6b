import { listJobs as listJobsOf } from "../../shared/app/jobs/find-jobs.ts";
import { presentJob } from "../../shared/app/jobs/present-job.ts";
import { JobId } from "../../shared/contract/job-id.ts";
import { jsonAnswer } from "../../shared/lambda/answer.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import { tenantOf } from "../../shared/lambda/request.ts";
import type { ControlDependencies } from "./control-dependencies.ts";
import { refuseJob } from "./job-answer.ts";

const parameters = {
  limit: wholeNumber({ min: 1, max: 100, otherwise: 20 }),
};

/** `GET /v1/jobs`: those that the caller may see, newest first. */
export const listJobs =
  (dependencies: ControlDependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, JobId);
    if ("code" in read) return read;
    const { limit } = read.query;
    const found = await listJobsOf(dependencies, tenantOf(request), {
      before: read.position,
      limit: limit + 1,
      isWanted: (job) => refuseJob(request, job) === undefined,
    });
    const shown = found.slice(0, limit);
    const next = found.length > limit ? shown.at(-1)?.id : undefined;
    return jsonAnswer({ data: shown.map(presentJob), ...endOfPage(request, next) });
  };
