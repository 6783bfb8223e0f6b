import type { RunKey } from "../contract/identifiers.ts";
import { finishOf, headerOf, isSameHeader, standsFor } from "../domain/header.ts";
import { type Arrival, entryOf, type LedgerEntry } from "../domain/ledger.ts";
import { compareText } from "../domain/member.ts";
import { entryExpiry } from "../domain/retention.ts";
import { isRunLevel, smallestApp } from "../domain/run-fold.ts";
import type { AppRegistry } from "../ports/app-registry.ts";
import type { Clock } from "../ports/clock.ts";
import type { LedgerStore } from "../ports/ledger-store.ts";
import type { RunStore, StoredHeader } from "../ports/run-store.ts";
import { StoreFault } from "../ports/store-fault.ts";

/** The stores that recording writes to. */
export interface RecordStores {
  readonly ledger: LedgerStore;
  readonly runs: RunStore;
  readonly apps: AppRegistry;
  readonly clock: Clock;
  /** How long runs are kept (days). */
  readonly retentionDays: number;
}

/** Writers of one header that keep overtaking each other: each round, one of them wins. */
const MOST_ROUNDS = 12;

/**
 * Folds the ledger into the header. The header is read before the ledger: a writer that adds to the ledger after our
 * look also changes the header after it, and then our write does not take effect and we look again.
 */
const refold = async (stores: RecordStores, run: RunKey, entry: LedgerEntry): Promise<void> => {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const present = await stores.runs.find(run);
    if (present !== undefined && standsFor(present, entry)) return;
    const { entries } = await stores.ledger.readAll(run);
    const header = headerOf(entries, stores.retentionDays);
    if (present !== undefined && isSameHeader(present, header)) return;
    const isWritten =
      present === undefined
        ? await stores.runs.create(run, header)
        : await stores.runs.replace(run, header, present.rev);
    if (isWritten) return;
    await stores.clock.sleep(2 ** Math.min(round, 7));
  }
  throw new StoreFault("the run's header is written by too many at once", { cause: undefined, isRetryable: true });
};

/** Whether an arrival of node events could tell the app of a run whose own events have not. The fold has the last word. */
const mayTellApp = (header: StoredHeader, entry: LedgerEntry): boolean => {
  const app = smallestApp(entry.events);
  if (header.phase !== "folded" || app === undefined) return false;
  return header.row.appId === undefined || compareText(app, header.row.appId) < 0;
};

/** Brings the header up to date. The plain path, a start or a finish of a run, is one write and no read. */
const updateHeader = async (stores: RecordStores, run: RunKey, entry: LedgerEntry): Promise<void> => {
  if (!entry.events.some(isRunLevel)) {
    const present = await stores.runs.find(run);
    if (present === undefined || mayTellApp(present, entry)) await refold(stores, run, entry);
    return;
  }
  const finish = finishOf(entry, stores.retentionDays);
  if (finish !== undefined) {
    if (await stores.runs.finish(run, finish)) return;
  } else {
    const header = headerOf([entry], stores.retentionDays);
    if (header.phase !== "folded" && (await stores.runs.create(run, header))) return;
  }
  await refold(stores, run, entry);
};

/**
 * Opens an epoch by the claim that the arrival holds: false where somebody else has opened it. Throws StoreFault;
 * after that the claim may stand, and trying again tells.
 */
export const recordClaim = async (
  stores: RecordStores,
  run: RunKey,
  claim: { arrival: Arrival; epoch: number },
): Promise<boolean> => {
  const { arrival, epoch } = claim;
  const entry = { ...arrival, appId: undefined, expiresAt: entryExpiry(arrival.receivedAt, stores.retentionDays) };
  if (!(await stores.ledger.claim(run, entry, epoch))) return false;
  await updateHeader(stores, run, entryOf(arrival));
  return true;
};

/**
 * Makes an arrival durable and visible: one ledger entry, then the header. It is accepted only after both. Throws
 * StoreFault; repeating the same events then is safe.
 */
export const recordArrival = async (stores: RecordStores, run: RunKey, arrival: Arrival): Promise<void> => {
  const appId = arrival.events.find(isRunLevel)?.appId ?? smallestApp(arrival.events);
  const registration =
    appId === undefined ? undefined : stores.apps.register(run.tenantId, { appId, registeredAt: arrival.receivedAt });
  const expiresAt = entryExpiry(arrival.receivedAt, stores.retentionDays);
  await Promise.all([stores.ledger.append(run, { ...arrival, appId, expiresAt }), registration]);
  await updateHeader(stores, run, entryOf(arrival));
};
