import middy from "@middy/core";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { goneRuns } from "../../shared/app/quarantine/gone-runs.ts";
import type { EventResult, ReceivedEvent } from "../../shared/app/record/received-event.ts";
import { recordEvents } from "../../shared/app/record/record-events.ts";
import type { RedactedEvent } from "../../shared/app/redaction/redact-event.ts";
import { redactEvents } from "../../shared/app/redaction/redact-events.ts";
import { unnamedRedactor } from "../../shared/app/redaction/redact-unnamed.ts";
import { sideBySide } from "../../shared/app/side-by-side.ts";
import { type InputError, readEvent } from "../../shared/contract/event.ts";
import { type EventList, readMessage } from "../../shared/contract/event-list.ts";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import type { RecordingDependencies } from "../../shared/lambda/dependencies.ts";
import { type Code, OUTCOMES } from "../../shared/lambda/outcomes.ts";
import type { RefusedMessage } from "../../shared/ports/quarantine-store.ts";

/** The function behind the queue: answers which messages failed and come again. */
export type QueueHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** An event with the message it came in. */
interface Delivered {
  readonly record: SQSRecord;
  readonly index: number;
  readonly received: ReceivedEvent;
}

const refusal = (
  record: SQSRecord,
  of: {
    tenantId: TenantId | undefined;
    index: number | undefined;
    runId: string | undefined;
    code: string;
    errors: readonly InputError[];
    body: string;
    redaction?: RedactedEvent["redaction"];
  },
): RefusedMessage => ({ ...of, messageId: record.messageId, sentAt: Number(record.attributes.SentTimestamp) });

/** A message of 1 MiB has no room for more events that are any: an event has 70 characters at the least. */
const MOST_EVENTS = Math.floor((1024 * 1024) / 70);

const withinBounds = (message: EventList): EventList => {
  if (!message.ok || message.events.length <= MOST_EVENTS) return message;
  const came = `expected at most ${MOST_EVENTS} events, came ${message.events.length}`;
  return { ok: false, code: "INVALID_REQUEST", errors: [{ path: "", message: came }] };
};

/** Events that are recorded together: so many that those of a run meet, so few that the last are not kept waiting. */
const EVENTS_AT_A_TIME = 500;

/** What is begun with less time than this left may not end: it is left to the next delivery. */
const TIME_TO_END_MS = 15_000;

/** Puts into quarantine that are under way at a time. */
const PUTS_AT_A_TIME = 32;

interface Opened {
  readonly record: SQSRecord;
  readonly events: readonly Delivered[];
  /** What names no tenant, or is no list of events: as it came. */
  readonly refused: readonly RefusedMessage[];
}

/** What names no tenant is known by its place alone. */
const NOBODYS = { tenantId: undefined, runId: undefined };

/** Opens a message: its events of known tenants, and the rest for the operator. */
const open = (record: SQSRecord, now: number): Opened => {
  const message = withinBounds(readMessage(record.body));
  if (!message.ok) {
    const { code, errors } = message;
    return {
      record,
      events: [],
      refused: [refusal(record, { ...NOBODYS, index: undefined, code, errors, body: record.body })],
    };
  }
  const events: Delivered[] = [];
  const refused: RefusedMessage[] = [];
  for (const [index, event] of message.events.entries()) {
    const reading = readEvent(event, { now, isFromQueue: true });
    if (reading.tenantId === undefined) {
      const { code, errors } = reading.ok ? { code: "INVALID_EVENT", errors: [] } : reading;
      refused.push(refusal(record, { ...NOBODYS, index, code, errors, body: event.text }));
    } else {
      const { text, redaction } = event;
      events.push({ record, index, received: { tenantId: reading.tenantId, text, reading, redaction } });
    }
  }
  return { record, events, refused };
};

const outcomeOf = (result: EventResult): "done" | "drop" | "quarantine" | "retry" => {
  if (result.status === "accepted") return "done";
  if (result.status === "unavailable") return "retry";
  const outcome = OUTCOMES[result.code as Code];
  return "queue" in outcome ? outcome.queue : "quarantine";
};

const refusedEvent = ({ record, index }: Delivered, redacted: RedactedEvent, result: EventResult): RefusedMessage => {
  const { code, errors } = result.status === "rejected" ? result : { code: "INVALID_EVENT", errors: [] };
  const { tenantId, text: body, redaction } = redacted;
  return refusal(record, { tenantId, index, runId: result.runId, code, errors, body, redaction });
};

const NO_TIME = new Error("no time was left in this batch");

const sizeOf = ({ events, refused }: Opened): number => events.length + refused.length;

function* slicesOf(events: readonly Delivered[]): Generator<readonly Delivered[]> {
  for (let from = 0; from < events.length; from += EVENTS_AT_A_TIME) yield events.slice(from, from + EVENTS_AT_A_TIME);
}

/**
 * Takes events off the queue. Events of a batch that belong to one run become one ledger entry. A refused event goes to
 * quarantine, or nowhere where its run is gone, and is done with; a message whose events the store did not take, or that
 * found no time, fails alone and comes again whole: recording the same event twice changes nothing. Small messages go
 * first, so that one with thousands of events keeps only itself waiting.
 */
export const consumeFunction = (dependencies: RecordingDependencies): QueueHandler => {
  const { log, clock, quarantine } = dependencies;

  const handle = async (batch: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const hasTime = (): boolean => context.getRemainingTimeInMillis() > TIME_TO_END_MS;
    const goneAs = goneRuns(dependencies);
    const failed = new Set<string>();
    const fail = (messageId: string, error: unknown): void => {
      if (failed.has(messageId)) return;
      failed.add(messageId);
      log({ level: "error", message: "message not recorded", message_id: messageId, error });
    };
    const keep = async (refused: RefusedMessage): Promise<void> => {
      const { code, messageId, tenantId } = refused;
      if (!hasTime()) return fail(messageId, NO_TIME);
      try {
        if (tenantId !== undefined && (await goneAs(tenantId, refused.runId)) !== undefined) return;
        await quarantine.put(refused);
        log({ level: "warn", message: "event refused", code, message_id: messageId, tenant_id: tenantId });
      } catch (error) {
        // Whatever it is, it must not take the batch's other messages with it.
        fail(messageId, error);
      }
    };

    /** What of a message names no tenant, as far as it may be kept. */
    const nobodys = async ({ record, refused }: Opened): Promise<RefusedMessage[]> => {
      if (refused.length === 0) return [];
      try {
        const redact = await unnamedRedactor(dependencies.settings, record.body);
        return refused.map((one) => ({ ...one, body: redact({ text: one.body, isEvent: one.index !== undefined }) }));
      } catch (error) {
        fail(record.messageId, error);
        return [];
      }
    };

    const opened = batch.Records.map((record) => open(record, clock.now())).sort((a, b) => sizeOf(a) - sizeOf(b));
    const events = opened.flatMap((message) => message.events);
    const refused: RefusedMessage[] = [];
    for (const slice of slicesOf(events)) {
      if (!hasTime()) {
        for (const { record } of slice) fail(record.messageId, NO_TIME);
        continue;
      }
      const received = slice.map((event) => event.received);
      const redacted = await redactEvents(dependencies, received);
      const results = await recordEvents(dependencies, redacted, "queue");
      for (const [position, result] of results.entries()) {
        const event = slice[position] as Delivered;
        const outcome = outcomeOf(result);
        if (outcome === "retry") {
          fail(event.record.messageId, result.status === "unavailable" ? result.fault : undefined);
        }
        if (outcome === "quarantine") refused.push(refusedEvent(event, redacted[position] as RedactedEvent, result));
      }
    }
    const unnamed = await Promise.all(opened.map(nobodys));
    await sideBySide([...refused, ...unnamed.flat()], PUTS_AT_A_TIME, keep);
    log({
      level: "info",
      message: "batch",
      messages: batch.Records.length,
      events: events.length,
      failed: failed.size,
    });
    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
  };

  const wrapped = middy<SQSEvent, SQSBatchResponse>().handler(handle);
  return (event, context) => wrapped(event, context) as Promise<SQSBatchResponse>;
};
