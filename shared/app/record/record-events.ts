import type { RunKey } from "../../contract/identifiers.ts";
import type { IdentifiedEvent, Source } from "../../domain/fold/ledger.ts";
import { StoreFault } from "../../ports/store-fault.ts";
import type { UploadStore } from "../../ports/upload-store.ts";
import type { RedactedEvent } from "../redaction/redact-event.ts";
import { sideBySide } from "../side-by-side.ts";
import { findUploads, type UploadFinding } from "../uploads/find-uploads.ts";
import { GONE, type GoneAs, goneAs } from "./gone-run.ts";
import type { EventResult } from "./received-event.ts";
import { type RecordStores, recordArrival } from "./record-arrival.ts";

/** What recording needs beside the stores. */
export interface RecordDependencies extends RecordStores {
  readonly uploads: UploadStore;
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

const accepted = (event: IdentifiedEvent): EventResult => ({
  status: "accepted",
  id: event.id ?? event.digest,
  runId: event.runId,
});

const runGone = (event: IdentifiedEvent, as: GoneAs): EventResult => ({
  status: "rejected",
  id: event.id ?? event.digest,
  runId: event.runId,
  ...GONE[as],
});

const withoutUpload = (event: IdentifiedEvent, { code, errors }: UploadFinding & { ok: false }): EventResult => ({
  status: "rejected",
  id: event.id ?? event.digest,
  runId: event.runId,
  code,
  errors,
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
    const opened = group.events.filter(({ event }) => !unopened.has(event.epoch)).map(({ event }) => event);
    const uploads = await findUploads(dependencies, group.run, opened);
    const isRefused = unopened.size > 0 || [...uploads.values()].some(({ ok }) => !ok);
    // What a run that is gone once had, its claims among it, is gone too: there is nothing else to say.
    const found = isRefused ? await dependencies.runs.find(group.run) : undefined;
    const gone = goneAs(found, dependencies.clock.now());
    if (gone !== undefined) return group.events.map(({ index, event }) => [index, runGone(event, gone)]);
    const events = opened.flatMap((event) => {
      const finding = uploads.get(event);
      return finding === undefined ? event : finding.ok ? finding.event : [];
    });
    const outcome =
      events.length === 0
        ? "recorded"
        : await recordArrival(dependencies, group.run, { ...receipt, actor: "engine", events });
    const resultOf = (event: IdentifiedEvent): EventResult => {
      if (unopened.has(event.epoch)) return unknownEpoch(event);
      const finding = uploads.get(event);
      if (finding?.ok === false) return withoutUpload(event, finding);
      return outcome === "recorded" ? accepted(event) : runGone(event, outcome);
    };
    return group.events.map(({ index, event }) => [index, resultOf(event)]);
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

const groupsOf = (redacted: readonly RedactedEvent[]): Group[] => {
  const groups = new Map<string, Group>();
  for (const [index, { tenantId, reading }] of redacted.entries()) {
    if (reading.status !== "read") continue;
    const { event } = reading;
    const name = `${tenantId}#${event.runId}`;
    const group = groups.get(name) ?? { run: { tenantId, runId: event.runId }, events: [] };
    group.events.push({ index, event });
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
  redacted: readonly RedactedEvent[],
  source: Source,
): Promise<EventResult[]> => {
  const receivedAt = dependencies.clock.now();
  const results = new Map<number, EventResult>();
  for (const [index, { reading }] of redacted.entries()) {
    if (reading.status !== "read") results.set(index, reading);
  }
  // Fixed before the first write: what is tried again meets its own entry.
  const groups = groupsOf(redacted).map((group) => ({ group, ulid: dependencies.newUlid(receivedAt) }));
  await sideBySide(groups, RUNS_AT_A_TIME, async ({ group, ulid }) => {
    const recorded = await recordGroup(dependencies, group, { source, receivedAt, ulid });
    for (const [index, result] of recorded) results.set(index, result);
  });
  return redacted.map((_, index) => results.get(index) as EventResult);
};
