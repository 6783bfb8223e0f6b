import * as v from "valibot";
import { countRuns as countRunsOf } from "../../shared/app/lists/count-runs.ts";
import { RunId } from "../../shared/contract/identifiers.ts";
import { Instant } from "../../shared/contract/instant.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import { writeCursor } from "../../shared/lambda/cursor.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { readListRequest } from "../../shared/lambda/list-request.ts";
import { appIdOf, tenantOf } from "../../shared/lambda/request.ts";
import { TIME_PARAMETERS, timeRangeOf } from "../../shared/lambda/run-filter-parameters.ts";

const Position = v.object({
  shard: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  after: v.optional(v.object({ listedAt: Instant, runId: RunId })),
});

/**
 * `GET /v1/apps/{app_id}/runs/count`: an app's runs by status. Where there are so many that `complete` is false, the
 * counts of all pages add up.
 */
export const countRuns =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, TIME_PARAMETERS, Position);
    if ("code" in read) return read;
    const created = timeRangeOf(read.query);
    if ("code" in created) return created;
    const appId = appIdOf(request);
    if (appId === undefined) return refuse("NOT_FOUND", "there is no app of this id");
    const position = read.position && { shard: read.position.shard, after: read.position.after };
    const { byStatus, next } = await countRunsOf(dependencies, {
      tenantId: tenantOf(request),
      appId,
      created,
      position,
    });
    return jsonAnswer({
      total: Object.values(byStatus).reduce((sum, count) => sum + count, 0),
      by_status: byStatus,
      complete: next === undefined,
      next_cursor: next === undefined ? null : writeCursor(request, next),
    });
  };
