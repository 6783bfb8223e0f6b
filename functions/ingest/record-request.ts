import { type EventResult, type ReceivedEvent, recordEvents } from "../../shared/app/record-events.ts";
import { type EventReading, type InputError, readEvent } from "../../shared/contract/event.ts";
import type { EventText } from "../../shared/contract/event-list.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import type { Source } from "../../shared/domain/ledger.ts";
import { type Answer, jsonAnswer, type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { STATUS_MIXED, STATUS_OK } from "../../shared/lambda/outcomes.ts";
import { type Request, tenantOf } from "../../shared/lambda/request.ts";

/** An event of a request: its text, or why it could not be made one. */
export type RequestEvent = EventText | { readonly refused: EventReading & { ok: false } };

const MAX_EVENTS = 1000;
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** A reading that failed before the event's own schema was asked. */
export const refusedEvent = (
  code: "NOT_JSON" | "EVENT_TOO_LARGE" | "INVALID_EVENT",
  errors: { path: string; message: string }[],
  runId?: string,
): EventReading & { ok: false } => ({ ok: false, code, errors, id: undefined, runId, tenantId: undefined });

const read = (event: RequestEvent, now: number): EventReading => {
  if ("refused" in event) return event.refused;
  if (event.value === undefined) return refusedEvent("NOT_JSON", [{ path: "", message: "expected JSON" }]);
  // UTF-8 takes at least one byte a UTF-16 unit: most events need no counting.
  if (event.text.length * 3 > MAX_EVENT_BYTES && Buffer.byteLength(event.text) > MAX_EVENT_BYTES) {
    return refusedEvent("EVENT_TOO_LARGE", [{ path: "", message: "expected at most 4 MB" }]);
  }
  return readEvent(event, { now, isFromQueue: false });
};

/** How many reasons an answer holds beside the first of each event: Lambda answers 6 MB at the most. */
const MOST_REASONS = 8000;

const showResults = (results: readonly EventResult[]): JsonOutput[] => {
  let left = MOST_REASONS;
  const errorsOf = (errors: readonly InputError[]): JsonOutput => {
    const shown = errors.slice(0, Math.max(1, left));
    left -= shown.length;
    return shown.map(({ path, message }) => ({ path, message }));
  };
  return results.map((result, index) => ({
    index,
    id: result.id ?? null,
    run_id: result.runId ?? null,
    status: result.status,
    code: result.status === "rejected" ? result.code : result.status === "unavailable" ? "UNAVAILABLE" : undefined,
    errors: result.status === "rejected" ? errorsOf(result.errors) : undefined,
  }));
};

const count = (results: readonly EventResult[], status: EventResult["status"]): number =>
  results.filter((result) => result.status === status).length;

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
  dependencies: Dependencies,
  request: Request,
  batch: RequestBatch,
): Promise<Answer | Refusal> => {
  const { events, source, extra = {}, isEmptyFine = false } = batch;
  if (events.length > MAX_EVENTS) {
    return refuse("TOO_MANY_EVENTS", `expected at most ${MAX_EVENTS} events, came ${events.length}`);
  }
  const tenantId = tenantOf(request);
  const now = dependencies.clock.now();
  const received = events.map(
    (event): ReceivedEvent => ({ tenantId, text: "text" in event ? event.text : "", reading: read(event, now) }),
  );
  const results = await recordEvents(dependencies, received, source);
  const rejected = count(results, "rejected");
  const unavailable = count(results, "unavailable");
  const members = {
    accepted: count(results, "accepted"),
    rejected,
    unavailable,
    ...extra,
    results: showResults(results),
  };
  const fault = results.find((result) => result.status === "unavailable");
  if (fault !== undefined) {
    dependencies.log({
      level: "error",
      message: "events not recorded",
      request_id: request.requestId,
      events: unavailable,
      error: fault.fault,
    });
  }
  if (events.length === 0 && isEmptyFine) return jsonAnswer(members);
  if (events.length === 0) return refuse("NO_EVENTS", "expected at least one event", { members });
  if (rejected === events.length)
    return refuse("ALL_REJECTED", "no event of the request could be recorded", { members });
  if (unavailable === events.length) return refuse("UNAVAILABLE", "the store did not take the events", { members });
  return jsonAnswer(members, { status: rejected + unavailable === 0 ? STATUS_OK : STATUS_MIXED });
};
