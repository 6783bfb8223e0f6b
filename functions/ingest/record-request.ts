import { recordEvents } from "../../shared/app/record/record-events.ts";
import { redactEvents } from "../../shared/app/redaction/redact-events.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import type { Source } from "../../shared/domain/fold/ledger.ts";
import { type Answer, jsonAnswer, type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { RecordingDependencies } from "../../shared/lambda/dependencies.ts";
import { logUnavailable } from "../../shared/lambda/log-unavailable.ts";
import { STATUS_MIXED, STATUS_OK } from "../../shared/lambda/outcomes.ts";
import type { Request } from "../../shared/lambda/request.ts";
import { countResults, showResults } from "./event-results.ts";
import { type RequestEvent, receivedEvents } from "./request-events.ts";

/** The events of a request. */
export interface RequestBatch {
  readonly events: readonly RequestEvent[];
  readonly source: Source;
  /** Members of the answer beside the counts. */
  readonly extra?: Readonly<Record<string, JsonOutput>>;
  /** A piece of a stream may hold nothing but comments; a list of no events is a mistake. */
  readonly isEmptyFine?: boolean;
}

/**
 * Records the events of a request and answers with what became of each. A request with nothing in it, or too much, is
 * refused whole and writes nothing.
 */
export const recordRequest = async (
  dependencies: RecordingDependencies,
  request: Request,
  batch: RequestBatch,
): Promise<Answer | Refusal> => {
  const { events, source, extra = {}, isEmptyFine = false } = batch;
  const read = receivedEvents(request, events, dependencies.clock.now());
  if ("code" in read) return read;
  const results = await recordEvents(dependencies, await redactEvents(dependencies, read.received), source);
  const rejected = countResults(results, "rejected");
  const unavailable = countResults(results, "unavailable");
  const members = {
    accepted: countResults(results, "accepted"),
    rejected,
    unavailable,
    ...extra,
    results: showResults(results),
  };
  logUnavailable(dependencies, request, { message: "events not recorded", results });
  if (events.length === 0 && isEmptyFine) return jsonAnswer(members);
  if (events.length === 0) return refuse("NO_EVENTS", "expected at least one event", { members });
  if (rejected === events.length)
    return refuse("ALL_REJECTED", "no event of the request could be recorded", { members });
  if (unavailable === events.length) return refuse("UNAVAILABLE", "the store did not take the events", { members });
  return jsonAnswer(members, { status: rejected + unavailable === 0 ? STATUS_OK : STATUS_MIXED });
};
