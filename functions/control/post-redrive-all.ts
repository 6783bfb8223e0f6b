import { redriveQuarantine } from "../../shared/app/quarantine/redrive-quarantine.ts";
import { quarantineIdOf } from "../../shared/domain/quarantine.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { logUnavailable } from "../../shared/lambda/log-unavailable.ts";
import { tenantOf } from "../../shared/lambda/request.ts";
import { QuarantinePlace } from "./quarantine-place.ts";
import { countRedriven } from "./redrive-answer.ts";
import { refuseBody } from "./refuse-body.ts";

/**
 * `POST /v1/quarantine/redrive`: all of the tenant's quarantine, oldest first, as much as fits one request. The cursor
 * passes over what stays refused, so following it comes to an end.
 */
export const postRedriveAll =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, {}, QuarantinePlace);
    if ("code" in read) return read;
    const body = refuseBody(request);
    if (body !== undefined) return body;
    const { results, next } = await redriveQuarantine(dependencies, tenantOf(request), read.position);
    logUnavailable(dependencies, request, { message: "events not redriven", results });
    const counts = countRedriven(results);
    if (counts.unavailable > 0 && counts.unavailable === results.length) {
      return refuse("UNAVAILABLE", "the store did not take the events", { members: counts });
    }
    return jsonAnswer({ ...counts, ...endOfPage(request, next && quarantineIdOf(next)) });
  };
