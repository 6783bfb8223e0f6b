import * as v from "valibot";
import { redactReason } from "../../shared/app/redaction/redact-request.ts";
import { holdRun } from "../../shared/app/retention/hold-run.ts";
import { jsonAnswer } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { NO_SUCH_RUN, runKeyOf } from "../../shared/lambda/named-run.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { noteInAudit } from "./audited.ts";
import { readJson } from "./request-json.ts";

const Body = v.strictObject({
  /** For whoever asks later; it stands in the run and in the audit log, redacted like the reasons of the run's events. */
  reason: v.optional(v.pipe(v.string("expected a string"), v.maxLength(500, "expected at most 500 characters"))),
});

/** `PUT /v1/runs/{run_id}/hold`: from now on the run can neither expire nor be deleted. Safe to repeat. */
export const putHold =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const read =
      request.body.toString().trim() === "" ? { body: {} as v.InferOutput<typeof Body> } : readJson(request, Body);
    if ("code" in read) return read;
    const run = runKeyOf(request);
    if (run === undefined) return NO_SUCH_RUN;
    const { runId } = run;
    const { reason: given } = read.body;
    const reason = given === undefined ? undefined : await redactReason(dependencies, run, given);
    const hold = { heldAt: dependencies.clock.now(), reason };
    if ((await holdRun(dependencies, run, hold)) === "not_found") return NO_SUCH_RUN;
    const details = { run_id: runId, reason: reason ?? null };
    await noteInAudit(dependencies, request, { action: "run.held", details });
    return jsonAnswer({ run_id: runId, on_hold: true });
  };
