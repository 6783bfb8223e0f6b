import { createHash } from "node:crypto";
import type { AppKey, RunId, RunKey } from "../../contract/identifiers.ts";
import { TERMINAL_STATUSES } from "../../contract/run-status.ts";
import { contributionExpiry, mayBeFinal } from "../../domain/statistics/finality.ts";
import { quarterOf } from "../../domain/statistics/period.ts";
import type { Summary } from "../../domain/statistics/summary.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RunMoment } from "../../ports/failure-store.ts";
import type { ListedHeader } from "../../ports/run-store.ts";
import type { StatisticsStore } from "../../ports/statistics-store.ts";

/** The stores that counting a run needs. */
export interface CountStores {
  readonly statistics: StatisticsStore;
  readonly clock: Clock;
}

/** A run's header, before a change of it and after. */
export interface RunChange {
  readonly run: RunKey;
  readonly before: ListedHeader | undefined;
  readonly header: ListedHeader;
}

/** Where a run is counted: the quarter of an hour of its app in which it began. */
export interface CountingPlace {
  readonly app: AppKey;
  readonly quarter: number;
}

/** The name of a place, the same for the same place. */
export const placeName = ({ app, quarter }: CountingPlace): string => `${app.tenantId}#${app.appId}#${quarter}`;

/**
 * Where a run is counted; undefined while it has not ended or belongs to no app. A run whose start is missing is counted
 * where it stands in lists.
 */
export const placeOf = (run: RunKey, header: ListedHeader | undefined): CountingPlace | undefined => {
  if (header?.row.appId === undefined || !TERMINAL_STATUSES.has(header.row.status)) return undefined;
  return { app: { tenantId: run.tenantId, appId: header.row.appId }, quarter: quarterOf(header.listedAt) };
};

const NAME_BYTES = 12;

/** Stands for a run in statistics: the same for the same run, and no way back from it. */
export const countedName = (runId: RunId): string =>
  createHash("sha256").update(runId).digest().subarray(0, NAME_BYTES).toString("base64url");

const momentOf = ({ rev, touches }: ListedHeader): RunMoment => ({ rev, touches });

/** Which of two states of a run is the later one: above zero where `a` is. */
export const compareMoments = (a: RunMoment, b: RunMoment): number => a.rev - b.rev || a.touches - b.touches;

/** Whether a run is counted by a change as it was before it: in one place, with one status. */
export const isCountedAlike = ({ run, before, header }: RunChange): boolean => {
  const [left, place] = [placeOf(run, before), placeOf(run, header)];
  if (left === undefined || place === undefined) return false;
  return placeName(left) === placeName(place) && before?.row.status === header.row.status;
};

/** What changes of one run's header do to statistics. */
export interface Counting {
  readonly place: CountingPlace;
  readonly moment: RunMoment;
  /** Else the run is counted elsewhere from then on, or not at all. */
  readonly isHere: boolean;
}

const countingsOf = ({ run, before, header }: RunChange): Counting[] => {
  const moment = momentOf(header);
  // The item was written for another reason: nothing of the run has changed.
  if (before !== undefined && compareMoments(momentOf(before), moment) === 0) return [];
  const [left, place] = [placeOf(run, before), placeOf(run, header)];
  const hasLeft = left !== undefined && (place === undefined || placeName(left) !== placeName(place));
  return [
    ...(hasLeft ? [{ place: left, moment, isHere: false }] : []),
    ...(place === undefined ? [] : [{ place, moment, isHere: true }]),
  ];
};

/** What several changes of one run come to: at each place what the latest of them says. */
export const lastCountings = (changes: readonly RunChange[]): Counting[] => {
  const last = new Map<string, Counting>();
  for (const counting of changes.flatMap(countingsOf)) {
    const present = last.get(placeName(counting.place));
    if (present === undefined || compareMoments(counting.moment, present.moment) > 0) {
      last.set(placeName(counting.place), counting);
    }
  }
  return [...last.values()];
};

/** Whether a place can be corrected no more. */
export const isFinal = async (
  { statistics, clock }: CountStores,
  { app, quarter }: CountingPlace,
): Promise<boolean> => {
  const now = clock.now();
  if (!mayBeFinal(quarter, now)) return false;
  const found = await statistics.find(app, { grain: "quarter", from: quarter });
  return found?.finalAt !== undefined && found.finalAt <= now;
};

/**
 * Counts a run at the places that its changes name, and answers those that must be summed up anew. `summary` is what the
 * run is now, read after the changes were made: whatever comes later has a change of its own. Each place holds what the
 * latest change says that was heard of, so neither order nor repetition matters. A place that is final stays as it is.
 */
export const contribute = async (
  stores: CountStores,
  runId: RunId,
  of: { readonly countings: readonly Counting[]; readonly summary: Summary | undefined },
): Promise<CountingPlace[]> => {
  const changed: CountingPlace[] = [];
  for (const { place, moment, isHere } of of.countings) {
    if (await isFinal(stores, place)) continue;
    await stores.statistics.contribute(place.app, place.quarter, {
      run: countedName(runId),
      moment,
      summary: isHere ? of.summary : undefined,
      expiresAt: contributionExpiry(stores.clock.now()),
    });
    // Also where it was there already: whoever put it may have been stopped before it could say so.
    changed.push(place);
  }
  return changed;
};
