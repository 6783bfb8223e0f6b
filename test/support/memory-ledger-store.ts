import type { RunKey } from "../../shared/contract/identifiers.ts";
import { entryOf, type LedgerEntry, type PayloadPlace } from "../../shared/domain/fold/ledger.ts";
import { NEVER } from "../../shared/domain/retention.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { StoredFailure } from "../../shared/ports/failure-store.ts";
import { LATEST_WRITE_MS, type LedgerStore, type NewEntry } from "../../shared/ports/ledger-store.ts";
import { isTombstone, type RunStore } from "../../shared/ports/run-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";

/** What stands beside the entries of runs, and the time. */
export interface MemoryLedgerOptions {
  readonly runs: RunStore;
  readonly failuresOf?: (run: RunKey) => readonly StoredFailure[];
  readonly clock: Clock;
  readonly isBroken?: boolean;
}

interface Kept {
  readonly entry: LedgerEntry;
  readonly claimedEpoch: number | undefined;
  readonly expiresAt: number;
}

/** Longer texts are told by their place, as a store that keeps them apart would (characters). */
const LONGEST_TEXT = 4096;

const byUlid = (a: LedgerEntry, b: LedgerEntry): number => (a.ulid < b.ulid ? -1 : 1);

/** A ledger without a database: passes the contract of its port, and is quick. `isBroken`: every call fails. */
export const memoryLedgerStore = ({ runs, failuresOf, clock, isBroken }: MemoryLedgerOptions): LedgerStore => {
  const ledgers = new Map<string, Kept[]>();
  const texts = new Map<string, Map<string, string[]>>();
  const nameOf = ({ tenantId, runId }: RunKey): string => `${tenantId}#${runId}`;
  const fault = (message: string): StoreFault =>
    new StoreFault(message, { cause: new Error("memory"), isRetryable: true });
  const check = (): void => {
    if (isBroken) throw fault("nobody is there");
  };
  const keptOf = (run: RunKey): Kept[] => ledgers.get(nameOf(run)) ?? [];

  /** Puts long texts into an object of their own. */
  const stored = (run: RunKey, arrival: NewEntry): LedgerEntry => {
    const { appId: _, expiresAt: __, ...rest } = arrival;
    const object: string[] = [];
    const objectKey = `${nameOf(run)}/${arrival.ulid}`;
    const entry = entryOf(rest);
    const events = entry.events.map((event) => ({
      ...event,
      payload: event.payload.map(({ text = "", ...value }) =>
        text.length <= LONGEST_TEXT
          ? { ...value, text }
          : { ...value, place: { objectKey, position: object.push(text) - 1 } },
      ),
    }));
    const ofRun = texts.get(nameOf(run)) ?? new Map<string, string[]>();
    if (object.length > 0) texts.set(nameOf(run), ofRun.set(objectKey, object));
    return { ...entry, events };
  };

  const put = (run: RunKey, arrival: NewEntry, claimedEpoch: number | undefined): boolean => {
    check();
    if (clock.now() - arrival.receivedAt >= LATEST_WRITE_MS) throw fault("too late");
    const kept = keptOf(run);
    const isThere = kept.some(({ entry, claimedEpoch: epoch }) =>
      claimedEpoch === undefined ? entry.ulid === arrival.ulid : epoch === claimedEpoch,
    );
    if (!isThere)
      ledgers.set(nameOf(run), [...kept, { entry: stored(run, arrival), claimedEpoch, expiresAt: arrival.expiresAt }]);
    return !isThere;
  };

  const textAt = (run: RunKey, { objectKey, position }: PayloadPlace): string | undefined =>
    texts.get(nameOf(run))?.get(objectKey)?.[position];

  return {
    append: async (run, entry) => {
      put(run, entry, undefined);
    },
    claim: async (run, entry, epoch) =>
      put(run, entry, epoch) ||
      keptOf(run).some((kept) => kept.claimedEpoch === epoch && kept.entry.ulid === entry.ulid),
    hasClaim: async (run, epoch) => {
      check();
      return keptOf(run).some(({ claimedEpoch }) => claimedEpoch === epoch);
    },
    readAll: async (run) => {
      check();
      const claims = keptOf(run).filter(({ claimedEpoch }) => claimedEpoch !== undefined);
      const entries = keptOf(run).flatMap(({ entry, claimedEpoch }) => (claimedEpoch === undefined ? entry : []));
      claims.sort((a, b) => (a.claimedEpoch ?? 0) - (b.claimedEpoch ?? 0));
      const header = await runs.find(run);
      return {
        header: isTombstone(header) ? undefined : header,
        entries: [...claims.map(({ entry }) => entry), ...entries.sort(byUlid)],
        failures: [...(failuresOf?.(run) ?? [])],
      };
    },
    firstReceipt: async (run) => {
      check();
      const receipts = keptOf(run).flatMap(({ entry, claimedEpoch }) =>
        claimedEpoch === undefined ? entry.receivedAt : [],
      );
      return receipts.length === 0 ? undefined : Math.min(...receipts);
    },
    readFrom: async function* (run, { after }) {
      check();
      const entries = keptOf(run).map(({ entry }) => entry);
      yield* entries.filter(({ receivedAt }) => receivedAt > after).sort(byUlid);
    },
    removeAll: async (run) => {
      check();
      const kept = keptOf(run);
      const objects = texts.get(nameOf(run))?.size ?? 0;
      ledgers.delete(nameOf(run));
      texts.delete(nameOf(run));
      const events = kept.reduce((sum, { entry }) => sum + entry.events.length, 0);
      return { entries: kept.length, events, objects };
    },
    keepUntil: async (run, expiresAt) => {
      check();
      const later = (kept: Kept): Kept =>
        kept.expiresAt === NEVER || kept.expiresAt < expiresAt ? { ...kept, expiresAt } : kept;
      ledgers.set(nameOf(run), keptOf(run).map(later));
    },
    lastReceipt: async (run) => {
      check();
      const receipts = keptOf(run).map(({ entry }) => entry.receivedAt);
      return receipts.length === 0 ? undefined : Math.max(...receipts);
    },
    keptUntil: async (run) => {
      check();
      const expiries = keptOf(run).map(({ expiresAt }) => expiresAt);
      return expiries.length === 0 ? undefined : Math.min(...expiries);
    },
    readTexts: async (run, places) => {
      check();
      return places.map((place) => textAt(run, place));
    },
  };
};
