import { releaseRun } from "../../shared/app/hold-run.ts";
import { jsonAnswer } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { runIdOf, tenantOf } from "../../shared/lambda/request.ts";
import { noteInAudit } from "./audited.ts";
import { NO_SUCH_RUN } from "./no-such-run.ts";
import { refuseBody } from "./refuse-body.ts";

/** `DELETE /v1/runs/{run_id}/hold`: the run expires as any other again, at once where its time has passed. Safe to repeat. */
export const deleteHold =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const body = refuseBody(request);
    if (body !== undefined) return body;
    const runId = runIdOf(request);
    if (runId === undefined) return NO_SUCH_RUN;
    if ((await releaseRun(dependencies, { tenantId: tenantOf(request), runId })) === "not_found") return NO_SUCH_RUN;
    await noteInAudit(dependencies, request, { action: "run.released", details: { run_id: runId } });
    return jsonAnswer({ run_id: runId, on_hold: false });
  };
