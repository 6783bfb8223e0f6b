import type { RunKey } from "../../contract/identifiers.ts";
import { millisecondsOf } from "../../contract/instant.ts";
import { TERMINAL_STATUSES } from "../../contract/run-status.ts";
import type { RunPolicy } from "../../domain/app-settings.ts";
import { type Arrival, entryOf, type LedgerEntry } from "../../domain/fold/ledger.ts";
import { compareText } from "../../domain/fold/member.ts";
import { isRunLevel, smallestApp } from "../../domain/fold/run-fold.ts";
import { finishOf, type Header, headerOf, isSameHeader, standsFor } from "../../domain/header.ts";
import { hasExpiredEver } from "../../domain/past-expiry.ts";
import { entryExpiry, NEVER } from "../../domain/retention.ts";
import type { AppRegistry } from "../../ports/app-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import { isTombstone, type RunStore, type StoredHeader } from "../../ports/run-store.ts";
import { buryExpired } from "../retention/bury.ts";
import { keepRun } from "../retention/keep-run.ts";
import { type GoneAs, goneAs, isThere } from "./gone-run.ts";
import { type PolicyStores, policyFor } from "./run-policy.ts";
import { untilWritten } from "./until-written.ts";

/** The stores that recording writes to. */
export interface RecordStores extends PolicyStores {
  readonly ledger: LedgerStore;
  readonly runs: RunStore;
  readonly apps: AppRegistry;
  readonly clock: Clock;
}

/** An arrival of one run, and how it is kept. */
interface Recording {
  readonly run: RunKey;
  readonly entry: LedgerEntry;
  readonly policy: RunPolicy;
}

/** What an arrival found: a run that is kept as any, one on hold, one that was deleted, or one that has expired. */
type Finding = "kept" | "held" | GoneAs;

const findingOf = ({ hold }: Pick<StoredHeader, "hold">): Finding => (hold === undefined ? "kept" : "held");

/** What follows an ended run (its statistics, its failures) is told that there may be more of it. */
const tellOfMore = async (stores: RecordStores, { run, entry }: Recording, present: StoredHeader): Promise<Finding> => {
  const hasMore = entry.events.some(({ type }) => !type.startsWith("run."));
  if (hasMore && TERMINAL_STATUSES.has(present.row.status)) await stores.runs.touch(run);
  return findingOf(present);
};

/**
 * Folds the ledger into the header. The header is read before the ledger: a writer that adds to the ledger after our
 * look also changes the header after it, and then our write does not take effect and we look again. A run that has
 * expired does not come back with what comes late for it: it is buried.
 */
const refold = (stores: RecordStores, recording: Recording): Promise<Finding> =>
  untilWritten<Finding>(stores.clock, async () => {
    const { run, entry, policy } = recording;
    const present = await stores.runs.find(run);
    if (isTombstone(present)) return goneAs(present, stores.clock.now());
    const expire = async () => {
      const longestDays = policy.longestRetentionDays(present?.row.appId);
      return (await buryExpired(stores, run, { present, longestDays })) ? "expired" : undefined;
    };
    const isOver = (): boolean => goneAs(present, stores.clock.now()) !== undefined;
    if (isOver()) return expire();
    if (present !== undefined && standsFor(present, entry)) return tellOfMore(stores, recording, present);
    const { entries } = await stores.ledger.readAll(run);
    // Without a header it never had one, or the one it had was collected.
    const earlier = entries.filter(({ ulid }) => ulid !== entry.ulid);
    const wasOver = present === undefined && hasExpiredEver(earlier, policy, stores.clock.now());
    if (wasOver || isOver()) return expire();
    const header = headerOf(entries, policy);
    if (present !== undefined && isSameHeader(present, header)) return tellOfMore(stores, recording, present);
    const isWritten =
      present === undefined ? await stores.runs.create(run, header) : await stores.runs.replace(run, header, present);
    if (!isWritten) return undefined;
    return present === undefined ? "kept" : findingOf(present);
  });

/** Whether an arrival of node events could tell the app of a run whose own events have not. The fold has the last word. */
const mayTellApp = (header: StoredHeader, entry: LedgerEntry): boolean => {
  const app = smallestApp(entry.events);
  if (header.phase !== "folded" || app === undefined) return false;
  return header.row.appId === undefined || compareText(app, header.row.appId) < 0;
};

/** A run that began so long ago may have been here and have expired since: no run is kept for less than a day. */
const LATE_START_MS = 43_200_000;

const mayBeLate = ({ listedAt }: Header, now: number): boolean => now - millisecondsOf(listedAt) > LATE_START_MS;

/**
 * Brings the header up to date. The plain path, a start or a finish of a run, is one write and no read, unless the run
 * began long ago.
 */
const updateHeader = async (stores: RecordStores, recording: Recording): Promise<Finding> => {
  const { run, entry, policy } = recording;
  const now = stores.clock.now();
  if (!entry.events.some(isRunLevel)) {
    const present = await stores.runs.find(run);
    if (!isThere(present, now) || mayTellApp(present, entry)) return refold(stores, recording);
    return tellOfMore(stores, recording, present);
  }
  const finish = finishOf(entry, policy);
  if (finish !== undefined) {
    if (await stores.runs.finish(run, finish, now)) return "kept";
  } else {
    const header = headerOf([entry], policy);
    const isPlain = header.phase !== "folded" && !mayBeLate(header, now);
    if (isPlain && (await stores.runs.create(run, header))) return "kept";
  }
  return refold(stores, recording);
};

/** What became of an arrival. Of a run that was deleted or has expired nothing is left, that arrival included. */
export type ArrivalOutcome = "recorded" | GoneAs;

/** A run that is gone takes nothing in, not even what came while it was going. */
const settle = async (stores: RecordStores, run: RunKey, finding: Finding): Promise<ArrivalOutcome> => {
  if (finding === "held") await keepRun(stores, run, NEVER);
  if (finding === "kept" || finding === "held") return "recorded";
  // Who deletes a run finds its uploads by its copies of them.
  await stores.ledger.removeAll(run, { uploads: finding === "deleted" });
  return finding;
};

/**
 * Opens an epoch by the claim that the arrival holds; `claimed`: somebody else has opened it. Throws StoreFault; after that
 * the claim may stand, and trying again tells.
 */
export const recordClaim = async (
  stores: RecordStores,
  run: RunKey,
  claim: { arrival: Arrival; epoch: number },
): Promise<ArrivalOutcome | "claimed"> => {
  const { arrival, epoch } = claim;
  const policy = await policyFor(stores, run.tenantId);
  const expiresAt = entryExpiry(arrival.receivedAt, policy.longestRetentionDays(undefined));
  if (!(await stores.ledger.claim(run, { ...arrival, appId: undefined, expiresAt }, epoch))) return "claimed";
  return settle(stores, run, await updateHeader(stores, { run, entry: entryOf(arrival), policy }));
};

/**
 * Makes an arrival durable and visible: one ledger entry, then the header. It is accepted only after both. Throws
 * StoreFault; repeating the same events then is safe.
 */
export const recordArrival = async (stores: RecordStores, run: RunKey, arrival: Arrival): Promise<ArrivalOutcome> => {
  const policy = await policyFor(stores, run.tenantId);
  const appId = arrival.events.find(isRunLevel)?.appId ?? smallestApp(arrival.events);
  // Each that is named: which of them the run is of, the fold of all arrivals says. Where none is, upkeep has to know too.
  const named = new Set(arrival.events.flatMap((event) => event.appId ?? []));
  const registeredAt = arrival.receivedAt;
  const apps = named.size === 0 ? [undefined] : [...named];
  const registrations = apps.map((appId) => stores.apps.register(run.tenantId, { appId, registeredAt }));
  const expiresAt = entryExpiry(arrival.receivedAt, policy.longestRetentionDays(appId));
  await Promise.all([stores.ledger.append(run, { ...arrival, appId, expiresAt }), ...registrations]);
  return settle(stores, run, await updateHeader(stores, { run, entry: entryOf(arrival), policy }));
};
