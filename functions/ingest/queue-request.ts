import { queueEvents } from "../../shared/app/record/queue-events.ts";
import { redactEvents } from "../../shared/app/redaction/redact-events.ts";
import { type Answer, jsonAnswer, type Refusal, refuse } from "../../shared/lambda/answer.ts";
import { logUnavailable } from "../../shared/lambda/log-unavailable.ts";
import { STATUS_QUEUED } from "../../shared/lambda/outcomes.ts";
import { type Request, tenantOf } from "../../shared/lambda/request.ts";
import { countResults, showResults } from "./event-results.ts";
import type { IngestDependencies } from "./ingest-dependencies.ts";
import { type RequestEvent, receivedEvents } from "./request-events.ts";

const APPLIED = { "preference-applied": "respond-async" };

/**
 * Queues the events of a request and answers with what became of each: good ones are recorded soon after. They are read
 * as strictly as those that are recorded at once, so a request with nothing in it, too much, or nothing good is refused.
 */
export const queueRequest = async (
  dependencies: IngestDependencies,
  request: Request,
  events: readonly RequestEvent[],
): Promise<Answer | Refusal> => {
  const read = receivedEvents(request, events, dependencies.clock.now());
  if ("code" in read) return read;
  const redacted = await redactEvents(dependencies, read.received);
  const results = await queueEvents(dependencies.queue, tenantOf(request), redacted);
  const queued = countResults(results, "queued");
  const rejected = countResults(results, "rejected");
  const unavailable = countResults(results, "unavailable");
  const members = { queued, rejected, unavailable, results: showResults(results) };
  logUnavailable(dependencies, request, { message: "events not queued", results });
  if (events.length === 0) return refuse("NO_EVENTS", "expected at least one event", { members });
  if (rejected === events.length) return refuse("ALL_REJECTED", "no event of the request could be queued", { members });
  if (queued === 0) return refuse("UNAVAILABLE", "the queue did not take the events", { members });
  return jsonAnswer(members, { status: STATUS_QUEUED, headers: APPLIED });
};
