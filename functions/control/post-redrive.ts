import * as v from "valibot";
import { redriveEvent } from "../../shared/app/quarantine/redrive-event.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { logUnavailable } from "../../shared/lambda/log-unavailable.ts";
import { tenantOf } from "../../shared/lambda/request.ts";
import { QuarantinePlace } from "./quarantine-place.ts";
import { countRedriven, showRedriven } from "./redrive-answer.ts";
import { refuseInput } from "./refuse-body.ts";

/** Of another tenant, expired, removed, never there: one answer for all. */
const NO_SUCH_EVENT = refuse("NOT_FOUND", "there is no event of this id in quarantine");

/** `POST /v1/quarantine/{id}/redrive` */
export const postRedrive =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const input = refuseInput(request);
    if (input !== undefined) return input;
    const place = v.safeParse(QuarantinePlace, request.path["id"]);
    if (!place.success) return NO_SUCH_EVENT;
    const result = await redriveEvent(dependencies, tenantOf(request), place.output);
    if (result === undefined) return NO_SUCH_EVENT;
    logUnavailable(dependencies, request, { message: "events not redriven", results: [result] });
    const members = { ...countRedriven([result]), results: [showRedriven(result)] };
    if (result.status === "unavailable") return refuse("UNAVAILABLE", "the store did not take the event", { members });
    return jsonAnswer(members);
  };
