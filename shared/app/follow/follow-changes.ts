import type { RunKey } from "../../contract/identifiers.ts";
import { foldRun } from "../../domain/fold/run-fold.ts";
import { isOpen } from "../../domain/statistics/finality.ts";
import { summaryOfRow, summaryOfRun } from "../../domain/statistics/run-summary.ts";
import type { FailureStore } from "../../ports/failure-store.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import { mayHaveFailures, noteFailures } from "../failures/note-failures.ts";
import { readFailures } from "../failures/read-failures.ts";
import { sideBySide } from "../side-by-side.ts";
import {
  type Counting,
  type CountingPlace,
  type CountStores,
  compareMoments,
  contribute,
  isCountedAlike,
  lastCountings,
  placeName,
  type RunChange,
} from "../statistics/contribute.ts";

/** The stores that following runs needs. */
export interface FollowStores extends CountStores {
  readonly ledger: LedgerStore;
  readonly failures: FailureStore;
}

/** A run that could not be followed, and why. */
export interface Unfollowed {
  readonly run: RunKey;
  readonly error: unknown;
}

/** Brings up to date what is derived from runs whose headers have changed; answers those where it could not. */
export type ChangeFollower = (changes: readonly RunChange[]) => Promise<readonly Unfollowed[]>;

const RUNS_AT_A_TIME = 16;
const MARKS_AT_A_TIME = 16;
/** How many places a process remembers to have marked. */
const MOST_REMEMBERED = 10_000;

/**
 * Counts a run whose ledger is gone by what its changes show of it. What was counted of it before tells more, and stays
 * where status and place are the same.
 */
const followGone = (stores: FollowStores, run: RunKey, changes: readonly RunChange[]): Promise<CountingPlace[]> => {
  const telling = changes.filter((change) => !isCountedAlike(change));
  const last = telling
    .map(({ header }) => header)
    .sort(compareMoments)
    .at(-1);
  return contribute(stores, run.runId, {
    countings: lastCountings(telling),
    summary: last === undefined ? undefined : summaryOfRow(last.row),
  });
};

/** Folds a run once, for its failures and for statistics. A run that is gone keeps what was counted. */
const followRun = async (stores: FollowStores, changes: readonly RunChange[]): Promise<CountingPlace[]> => {
  const [first] = changes;
  const countings = lastCountings(changes);
  const mayHaveFailed = changes.some(({ header }) => mayHaveFailures(header));
  if (first === undefined || (countings.length === 0 && !mayHaveFailed)) return [];
  const { run } = first;
  const { header, entries, failures: rows } = await stores.ledger.readAll(run);
  const state = foldRun(entries);
  if (mayHaveFailed) await noteFailures(stores, run, { header, failures: rows, state });
  if (header === undefined || entries.length === 0) return followGone(stores, run, changes);
  const isCounted = countings.some(({ isHere }: Counting) => isHere);
  const summary = isCounted ? summaryOfRun(state, await readFailures(stores.ledger, run, state)) : undefined;
  return contribute(stores, run.runId, { countings, summary });
};

/** Marks places to be summed up. One that is open is marked once: it is not summed up before it is open no more. */
const startMarking = ({ statistics, clock }: CountStores) => {
  const remembered = new Set<string>();
  return (places: Iterable<CountingPlace>): Promise<void> => {
    const byName = new Map([...places].map((place) => [placeName(place), place]));
    return sideBySide(byName, MARKS_AT_A_TIME, async ([name, { app, quarter }]) => {
      const isStillOpen = isOpen(quarter, clock.now());
      if (isStillOpen && remembered.has(name)) return;
      await statistics.mark(app, quarter);
      if (!isStillOpen) return;
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      remembered.add(name);
    });
  };
};

/**
 * Follows changes of headers: statistics and lists of failures become what the runs' ledgers say. Changes may come
 * repeatedly, late, in any order and cut in any way; a call that threw or could not follow a run is to be repeated with
 * the same changes, and may have done a part. Costs a run that ends one read of its ledger and at most two write units.
 */
export const changeFollower = (stores: FollowStores): ChangeFollower => {
  const mark = startMarking(stores);
  return async (changes) => {
    const byRun = Map.groupBy(changes, ({ run }) => `${run.tenantId}#${run.runId}`);
    const places: CountingPlace[] = [];
    const unfollowed: Unfollowed[] = [];
    await sideBySide(byRun.values(), RUNS_AT_A_TIME, async (ofRun) => {
      try {
        places.push(...(await followRun(stores, ofRun)));
      } catch (error) {
        // What is wrong with one run must not take the others with it.
        for (const { run } of ofRun.slice(0, 1)) unfollowed.push({ run, error });
      }
    });
    await mark(places);
    return unfollowed;
  };
};
