import type { ReceivedEvent } from "../../shared/app/record/received-event.ts";
import { type EventReading, readEvent } from "../../shared/contract/event.ts";
import type { EventText } from "../../shared/contract/event-list.ts";
import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
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

/** Reads every event of a request for the credential's tenant. Too many are refused as a whole. */
export const receivedEvents = (
  request: Request,
  events: readonly RequestEvent[],
  now: number,
): { received: readonly ReceivedEvent[] } | Refusal => {
  if (events.length > MAX_EVENTS) {
    return refuse("TOO_MANY_EVENTS", `expected at most ${MAX_EVENTS} events, came ${events.length}`);
  }
  const tenantId = tenantOf(request);
  return {
    received: events.map((event) => ({ tenantId, text: "text" in event ? event.text : "", reading: read(event, now) })),
  };
};
