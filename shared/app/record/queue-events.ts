import type { TenantId } from "../../contract/identifiers.ts";
import type { Redaction } from "../../contract/redaction.ts";
import type { EventQueue, QueueOutcome } from "../../ports/event-queue.ts";
import type { RedactedEvent } from "../redaction/redact-event.ts";
import type { FailedEvent } from "./received-event.ts";

/** What became of one event: on the queue, or not for one of the reasons that recording knows. */
export type QueueResult = { readonly status: "queued"; readonly id: string; readonly runId: string } | FailedEvent;

/** The event as the queue takes it: it names its tenant. All else is the text as it came. */
const withTenant = (text: string, tenantId: TenantId): string => {
  const begin = text.indexOf("{") + 1;
  return `${text.slice(0, begin)}"tenant_id":"${tenantId}",${text.slice(begin)}`;
};

const resultOf = (outcome: QueueOutcome, event: { readonly id: string; readonly runId: string }): QueueResult => {
  if (outcome.status === "queued") return { ...event, status: "queued" };
  if (outcome.status === "unavailable") return { ...event, status: "unavailable", fault: outcome.fault };
  const message = `expected at most ${outcome.mostBytes} bytes for the queue: send it without Prefer: respond-async`;
  return { ...event, status: "rejected", code: "EVENT_TOO_LARGE", errors: [{ path: "", message }] };
};

/**
 * Puts events of one tenant on the queue instead of recording them. One result an event, in their order. Queued is
 * durable; what only the ledger knows is found out when it is recorded: of an epoch that no claim opened the event then
 * goes to quarantine, of a run that was deleted nowhere. Safe to repeat.
 */
export const queueEvents = async (
  queue: EventQueue,
  tenantId: TenantId,
  redacted: readonly RedactedEvent[],
): Promise<QueueResult[]> => {
  const results = new Map<number, QueueResult>();
  const good: { index: number; text: string; id: string; runId: string }[] = [];
  const redactions = new Map<number, Redaction>();
  for (const [index, { reading, text, redaction }] of redacted.entries()) {
    if (reading.status !== "read") results.set(index, reading);
    else {
      const { id, digest, runId } = reading.event;
      if (redaction !== undefined) redactions.set(good.length, redaction);
      good.push({ index, text: withTenant(text, tenantId), id: id ?? digest, runId });
    }
  }
  const texts = good.map(({ text }) => text);
  const outcomes = await queue.send(tenantId, texts, redactions);
  for (const [place, { index, id, runId }] of good.entries()) {
    results.set(index, resultOf(outcomes[place] as QueueOutcome, { id, runId }));
  }
  return redacted.map((_, index) => results.get(index) as QueueResult);
};
