import { releaseRun } from "../../shared/app/retention/hold-run.ts";
import { jsonAnswer } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { NO_SUCH_RUN, runKeyOf } from "../../shared/lambda/named-run.ts";
import { noteInAudit } from "./audited.ts";
import { refuseInput } from "./refuse-body.ts";

/** `DELETE /v1/runs/{run_id}/hold`: the run expires as any other again, at once where its time has passed. Safe to repeat. */
export const deleteHold =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const input = refuseInput(request);
    if (input !== undefined) return input;
    const run = runKeyOf(request);
    if (run === undefined || (await releaseRun(dependencies, run)) === "not_found") return NO_SUCH_RUN;
    const { runId } = run;
    await noteInAudit(dependencies, request, { action: "run.released", details: { run_id: runId } });
    return jsonAnswer({ run_id: runId, on_hold: false });
  };
