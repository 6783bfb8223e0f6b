import * as v from "valibot";
import { listRuns as listRunsOf } from "../../shared/app/list-runs.ts";
import { presentListedRun } from "../../shared/app/present-run.ts";
import { Instant } from "../../shared/contract/instant.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import { appIdOf, tenantOf } from "../../shared/lambda/request.ts";

const STATUSES = ["scheduled", "running", "paused", "succeeded", "failed", "stopped", "partial-succeeded"] as const;

const parameters = {
  status: v.optional(v.array(v.picklist(STATUSES, `expected one of ${STATUSES.join(", ")}`))),
  limit: wholeNumber({ min: 1, max: 100, otherwise: 20 }),
};

const Position = v.object({ listedAt: Instant, runId: v.string() });

/** `GET /v1/apps/{app_id}/runs`: newest first. */
export const listRuns =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, Position);
    if ("code" in read) return read;
    const appId = appIdOf(request);
    if (appId === undefined) return refuse("NOT_FOUND", "there is no app of this id");
    const page = await listRunsOf(dependencies, {
      tenantId: tenantOf(request),
      appId,
      statuses: read.query.status ?? [],
      after: read.position,
      limit: read.query.limit,
    });
    return jsonAnswer({ data: page.headers.map(presentListedRun), ...endOfPage(request, page.next) });
  };
