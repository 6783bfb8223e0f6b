import type { EventReading, InputError } from "../contract/event.ts";
import type { RunId, RunKey, TenantId } from "../contract/identifiers.ts";
import { identify } from "../domain/identity.ts";
import type { IdentifiedEvent, Source } from "../domain/ledger.ts";
import { StoreFault } from "../ports/store-fault.ts";
import { type RecordStores, recordArrival } from "./record-arrival.ts";

/** An event of a request or a queue batch, as it was read. */
export interface ReceivedEvent {
  /** Its tenant: from the credential, or from the event itself where it came by queue. */
  readonly tenantId: TenantId;
  readonly text: string;
  readonly reading: EventReading;
}

/** What became of one event. */
export type EventResult =
  | { readonly status: "accepted"; readonly id: string; readonly runId: string }
  | {
      readonly status: "rejected";
      readonly id: string | undefined;
      readonly runId: string | undefined;
      readonly code: string;
      readonly errors: readonly InputError[];
    }
  | { readonly status: "unavailable"; readonly id: string; readonly runId: string; readonly fault: StoreFault };

/** What recording needs beside the stores. */
export interface RecordDependencies extends RecordStores {
  /** A ULID of this time (milliseconds since 1970). */
  readonly newUlid: (time: number) => string;
}

/** How many runs of one request are written at a time. */
const RUNS_AT_A_TIME = 16;

interface Group {
  readonly run: RunKey;
  readonly events: { readonly index: number; readonly event: IdentifiedEvent }[];
}

const unknownEpoch = (event: IdentifiedEvent): EventResult => ({
  status: "rejected",
  id: event.id ?? event.digest,
  runId: event.runId,
  code: "UNKNOWN_EPOCH",
  errors: [{ path: "epoch", message: `expected an epoch that a claim has opened, came ${event.epoch}` }],
});

/** Epochs of a group that no claim has opened. The first needs none. */
const unopenedEpochs = async (stores: RecordStores, group: Group): Promise<Set<number>> => {
  const later = new Set(group.events.map(({ event }) => event.epoch).filter((epoch) => epoch > 1));
  const unopened = new Set<number>();
  for (const epoch of later) {
    if (!(await stores.ledger.hasClaim(group.run, epoch))) unopened.add(epoch);
  }
  return unopened;
};

interface Receipt {
  readonly source: Source;
  readonly receivedAt: number;
}

const recordGroup = async (
  dependencies: RecordDependencies,
  group: Group,
  receipt: Receipt & { ulid: string },
): Promise<[index: number, result: EventResult][]> => {
  try {
    const unopened = await unopenedEpochs(dependencies, group);
    const events = group.events.filter(({ event }) => !unopened.has(event.epoch)).map(({ event }) => event);
    if (events.length > 0) await recordArrival(dependencies, group.run, { ...receipt, actor: "engine", events });
    return group.events.map(({ index, event }) => [
      index,
      unopened.has(event.epoch)
        ? unknownEpoch(event)
        : { status: "accepted", id: event.id ?? event.digest, runId: event.runId },
    ]);
  } catch (error) {
    // What is wrong with one run, in us too, must not take the others with it.
    const fault =
      error instanceof StoreFault
        ? error
        : new StoreFault("the run could not be recorded", { cause: error, isRetryable: true });
    return group.events.map(({ index, event }) => [
      index,
      { status: "unavailable", id: event.id ?? event.digest, runId: event.runId, fault },
    ]);
  }
};

const groupsOf = (received: readonly ReceivedEvent[]): Group[] => {
  const groups = new Map<string, Group>();
  for (const [index, { tenantId, text, reading }] of received.entries()) {
    if (!reading.ok) continue;
    const runId: RunId = reading.event.runId;
    const name = `${tenantId}#${runId}`;
    const group = groups.get(name) ?? { run: { tenantId, runId }, events: [] };
    group.events.push({ index, event: identify(reading.event, text) });
    groups.set(name, group);
  }
  return [...groups.values()];
};

/**
 * Records events that arrived together, run by run. One result an event, in their order; `accepted` means durable and
 * visible to the next read. A run whose store failed is `unavailable` as a whole and can be sent again; others are not
 * touched by it.
 */
export const recordEvents = async (
  dependencies: RecordDependencies,
  received: readonly ReceivedEvent[],
  source: Source,
): Promise<EventResult[]> => {
  const receivedAt = dependencies.clock.now();
  const results = new Map<number, EventResult>();
  for (const [index, { reading }] of received.entries()) {
    if (!reading.ok) results.set(index, { status: "rejected", ...reading });
  }
  // Fixed before the first write: what is tried again meets its own entry.
  const groups = groupsOf(received).map((group) => ({ group, ulid: dependencies.newUlid(receivedAt) }));
  const waiting = groups.values();
  const work = async (): Promise<void> => {
    for (const { group, ulid } of waiting) {
      const recorded = await recordGroup(dependencies, group, { source, receivedAt, ulid });
      for (const [index, result] of recorded) results.set(index, result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(RUNS_AT_A_TIME, groups.length) }, work));
  return received.map((_, index) => results.get(index) as EventResult);
};
