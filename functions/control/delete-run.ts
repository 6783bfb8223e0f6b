import { buryRun } from "../../shared/app/deletion/delete-run.ts";
import { removeQuarantined } from "../../shared/app/deletion/remove-quarantined.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { NO_SUCH_RUN, runKeyOf } from "../../shared/lambda/named-run.ts";
import { isTombstone } from "../../shared/ports/run-store.ts";
import { auditNote } from "./audited.ts";
import { refuseInput } from "./refuse-body.ts";

/**
 * `DELETE /v1/runs/{run_id}`: removes the run with all that belongs to it, for good, and refuses what comes late. Graphs
 * that other runs share stay until they expire. Repeating it removes what an interrupted deletion has left. Of a run that
 * has expired it removes what is not collected yet, and answers, as every route does, that there is none.
 */
export const deleteRun =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const input = refuseInput(request);
    if (input !== undefined) return input;
    const run = runKeyOf(request);
    if (run === undefined) return NO_SUCH_RUN;
    const { runId } = run;
    const wasBuried = isTombstone(await dependencies.runs.find(run));
    const status = await buryRun(dependencies, run);
    if (status === "not_found") return NO_SUCH_RUN;
    if (status === "on_hold") return refuse("LEGAL_HOLD", "the run is on legal hold: release it first");
    const note = auditNote(dependencies, request, "run.deleted");
    // Noted before anything goes: a removal that is cut off was still somebody's. Of a repetition there may be nothing to note.
    if (!wasBuried) await note({ run_id: runId, removed: null });
    const { entries, events, objects } = await dependencies.ledger.removeAll(run, { uploads: true });
    const quarantined = await removeQuarantined(dependencies, run);
    const report = { run_id: runId, removed: { entries, events, objects, quarantined } };
    if (!wasBuried || entries + objects + quarantined > 0) await note(report);
    return status === "expired" ? NO_SUCH_RUN : jsonAnswer({ ...report, deleted: true });
  };
