import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import type { ControlDependencies } from "./control-dependencies.ts";
import { jobAnswer } from "./job-answer.ts";
import { requestedJob } from "./requested-job.ts";

/** `GET /v1/jobs/{job_id}`: how far it has come; of an export that is done, links to its files. */
export const getJob =
  (dependencies: ControlDependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const job = await requestedJob(dependencies, request);
    return "code" in job ? job : jobAnswer(dependencies, request, { job, isNew: false });
  };
