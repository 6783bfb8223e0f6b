import type { TenantId } from "../../contract/identifiers.ts";
import { type QuarantinePosition, quarantineBegin, quarantinePositionOf } from "../../domain/quarantine.ts";
import type { QuarantinedMessage } from "../../ports/quarantine-store.ts";
import { type QuarantinedEvent, type RedriveDependencies, type RedriveResult, redriveEvents } from "./redrive-event.ts";

/** What one call redrives at the most. API Gateway waits 29 seconds. */
const MOST_EVENTS = 500;
const MOST_MS = 20_000;
/** Events that are recorded together. */
const BATCH_EVENTS = 50;
const BATCH_CHARACTERS = 4 * 1024 * 1024;

/** How far a call came. */
export interface RedrivePass {
  readonly results: readonly RedriveResult[];
  /** Where the next call goes on; undefined: all that was there has had its turn, or nothing at all has. */
  readonly next: QuarantinePosition | undefined;
}

interface Batch {
  readonly events: readonly QuarantinedEvent[];
  readonly last: QuarantinePosition;
  readonly hasMore: boolean;
}

/** A batch is cut off where another message follows, so that it knows whether it is the last. */
async function* batchesOf(messages: AsyncIterable<QuarantinedMessage>): AsyncGenerator<Batch> {
  let events: QuarantinedEvent[] = [];
  let characters = 0;
  let taken = 0;
  let last: QuarantinePosition | undefined;
  for await (const message of messages) {
    if (last !== undefined && (events.length === BATCH_EVENTS || characters >= BATCH_CHARACTERS)) {
      yield { events, last, hasMore: true };
      events = [];
      characters = 0;
    }
    if (taken++ === MOST_EVENTS) break;
    last = quarantinePositionOf(message);
    const text = await message.readBody();
    if (text === undefined) continue;
    events.push({ position: last, text, redaction: message.redaction });
    characters += text.length;
  }
  if (last !== undefined) yield { events, last, hasMore: taken > MOST_EVENTS };
}

/**
 * Redrives a tenant's quarantine from a position on, oldest first, as much as fits one request. It passes over what stays
 * refused, so calls that follow `next` come to an end. Where the store takes nothing of a batch, it stops before that.
 */
export const redriveQuarantine = async (
  dependencies: RedriveDependencies,
  tenantId: TenantId,
  after: QuarantinePosition | undefined,
): Promise<RedrivePass> => {
  const { quarantine, clock } = dependencies;
  const beganAt = clock.now();
  const query = { sentSince: quarantineBegin(beganAt), after, limit: MOST_EVENTS + 1, isOldestFirst: true };
  const results: RedriveResult[] = [];
  let reached = after;
  let next: QuarantinePosition | undefined;
  for await (const batch of batchesOf(quarantine.list(tenantId, query))) {
    if (results.length > 0 && clock.now() - beganAt >= MOST_MS) return { results, next: reached };
    const done = await redriveEvents(dependencies, tenantId, batch.events);
    results.push(...done);
    if (done.length > 0 && done.every(({ status }) => status === "unavailable")) return { results, next: reached };
    reached = batch.last;
    next = batch.hasMore ? reached : undefined;
  }
  return { results, next };
};
