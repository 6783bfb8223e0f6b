import { jsonAnswer } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { type HttpHandler, httpFunction, type RouteHandler } from "../../shared/lambda/http-function.ts";
import { countRuns } from "./count-runs.ts";
import { getDiff } from "./get-diff.ts";
import { getNode } from "./get-node.ts";
import { getRun } from "./get-run.ts";
import { getStatistics } from "./get-statistics.ts";
import { getTrace } from "./get-trace.ts";
import { listApps } from "./list-apps.ts";
import { listEvents } from "./list-events.ts";
import { listFailures } from "./list-failures.ts";
import { listNodes } from "./list-nodes.ts";
import { listRuns } from "./list-runs.ts";

/** Everything that is read over HTTP. */
export const queryFunction = (dependencies: Dependencies): HttpHandler => {
  const handlers = new Map<string, RouteHandler>([
    ["GET /v1/runs/{run_id}", getRun(dependencies)],
    ["GET /v1/runs/{run_id}/nodes", listNodes(dependencies)],
    ["GET /v1/runs/{run_id}/nodes/{node_execution_id}", getNode(dependencies)],
    ["GET /v1/runs/{run_id}/trace", getTrace(dependencies)],
    ["GET /v1/runs/{run_id}/events", listEvents(dependencies)],
    ["GET /v1/runs/{run_id}/diff", getDiff(dependencies)],
    ["GET /v1/apps", listApps(dependencies)],
    ["GET /v1/runs", listRuns(dependencies)],
    ["GET /v1/apps/{app_id}/runs", listRuns(dependencies)],
    ["GET /v1/apps/{app_id}/runs/count", countRuns(dependencies)],
    ["GET /v1/apps/{app_id}/statistics", getStatistics(dependencies)],
    ["GET /v1/apps/{app_id}/failures", listFailures(dependencies)],
    ["GET /v1/health", async () => jsonAnswer({ status: "ok" })],
  ]);
  return httpFunction(handlers, { log: dependencies.log, now: () => dependencies.clock.now() });
};
