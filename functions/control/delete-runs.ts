import * as v from "valibot";
import { findJob } from "../../shared/app/jobs/find-jobs.ts";
import { startJob } from "../../shared/app/jobs/start-job.ts";
import { workOnJob } from "../../shared/app/jobs/work-on-job.ts";
import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { workStores } from "../../shared/lambda/job-dependencies.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { appIdOf, type Request, tenantOf } from "../../shared/lambda/request.ts";
import { RUN_FILTER_PARAMETERS, runFilterOf } from "../../shared/lambda/run-filter-parameters.ts";
import type { StoredJob } from "../../shared/ports/job-store.ts";
import type { ControlDependencies } from "./control-dependencies.ts";
import { jobAnswer } from "./job-answer.ts";
import { refuseBody } from "./refuse-body.ts";

const yesOrNo = v.optional(v.picklist(["true", "false"], "expected true or false"), "false");

const parameters = { ...RUN_FILTER_PARAMETERS, dry_run: yesOrNo, all: yesOrNo };

/** Every run of an app is deleted only where that is said, and said alone. */
const refuseUnclear = (request: Request, isAll: boolean): Refusal | undefined => {
  const isFiltered = Object.keys(RUN_FILTER_PARAMETERS).some((name) => request.query.has(name));
  if (isAll !== isFiltered) return undefined;
  if (!isAll) return refuse("FILTER_MISSING", "expected a filter, or all=true for every run of the app");
  const errors = [{ path: "all", message: "expected no filter beside it" }];
  return refuse("INVALID_REQUEST", "the query is not valid", { errors });
};

/** Work that is done while the caller waits. */
const FIRST_SLICE_MS = 5_000;
/** The queue waits until the first slice is surely over. */
const FIRST_SLICE_SECONDS = 20;

/** Begins with the job at once. What is left of it, or failed, goes on by the queue. */
const doFirstSlice = async (
  dependencies: ControlDependencies,
  request: Request,
  stored: StoredJob,
): Promise<StoredJob> => {
  const { clock, log } = dependencies;
  const tenantId = tenantOf(request);
  const until = clock.now() + FIRST_SLICE_MS;
  try {
    await workOnJob(workStores(dependencies), { tenantId, stored, hasTime: () => clock.now() < until });
  } catch (error) {
    const { requestId: request_id } = request;
    log({ level: "error", message: "slice failed", request_id, job_id: stored.job.id, error });
  }
  return (await findJob(dependencies, { tenantId, jobId: stored.job.id })) ?? stored;
};

/**
 * `DELETE /v1/apps/{app_id}/runs`: deletes the runs that match, by a job. A small one is done when the answer comes. With
 * `dry_run=true` it only counts them.
 */
export const deleteRuns =
  (dependencies: ControlDependencies): RouteHandler =>
  async (request) => {
    const read = readQuery(request, parameters);
    if ("code" in read) return read;
    const body = refuseBody(request);
    if (body !== undefined) return body;
    const filter = runFilterOf(read.query);
    if ("code" in filter) return filter;
    const appId = appIdOf(request);
    if (appId === undefined) return refuse("NOT_FOUND", "there is no app of this id");
    const unclear = refuseUnclear(request, read.query.all === "true");
    if (unclear !== undefined) return unclear;
    const stored = await startJob(
      dependencies,
      {
        tenantId: tenantOf(request),
        appId,
        filter,
        by: request.caller?.speaker ?? "unknown",
        task: { kind: read.query.dry_run === "true" ? "dry_run" : "delete_runs" },
      },
      { delaySeconds: FIRST_SLICE_SECONDS },
    );
    const { job } = await doFirstSlice(dependencies, request, stored);
    return jobAnswer(dependencies, request, { job, isNew: true });
  };
