import { etagOf, presentRun } from "../../shared/app/read/present-run.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { NO_SUCH_RUN } from "../../shared/lambda/named-run.ts";
import { STATUS_NOT_MODIFIED } from "../../shared/lambda/outcomes.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { requestedRun, textsFor } from "./requested-run.ts";

const matches = (header: string | undefined, etag: string): boolean =>
  (header?.split(",") ?? []).some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);

/** `If-Match` names versions; of an ETag only the version part counts. */
const isOfVersion = (header: string | undefined, version: number): boolean =>
  header === undefined ||
  header.split(",").some((tag) => tag.trim() === "*" || /^"?(\d+)(-\d+)?"?$/.exec(tag.trim())?.[1] === String(version));

/** `GET /v1/runs/{run_id}` */
export const getRun =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const found = await requestedRun(dependencies, request);
    if (found === undefined) return NO_SUCH_RUN;
    const { key, run } = found;
    const etag = etagOf(run);
    if (!isOfVersion(request.header("if-match"), run.header.rev)) {
      return refuse("PRECONDITION_FAILED", `the run is of version ${run.header.rev}`);
    }
    if (matches(request.header("if-none-match"), etag)) {
      return { status: STATUS_NOT_MODIFIED, headers: { etag }, body: "" };
    }
    const view = await textsFor(dependencies, request, {
      run: key,
      expiresAt: run.header.expiresAt,
      payload: run.state.payload,
    });
    if ("code" in view) return view;
    return jsonAnswer(presentRun(run, view), { headers: { etag } });
  };
