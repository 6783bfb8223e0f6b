import type { AppKey } from "../../contract/identifiers.ts";
import { canClose, canStillClose, finalAt } from "../../domain/statistics/finality.ts";
import { endOf, type Grain, type Period, periodOf } from "../../domain/statistics/period.ts";
import { type MostNames, type Summary, totalOfSummaries, withFewNames } from "../../domain/statistics/summary.ts";
import { writeSummary } from "../../domain/statistics/summary-text.ts";
import type { Mark, PeriodSummary, StatisticsStore, StoredSummary } from "../../ports/statistics-store.ts";
import { sideBySide } from "../side-by-side.ts";
import { takeTurns, type WaitForTurn } from "../take-turns.ts";

/** So many names a sum tells apart: it stays far below the size of an item. */
export const MOST_STORED_NAMES: MostNames = { names: 200, failures: 500, currencies: 100 };

/**
 * An open quarter of at most so many runs, about 0.8 MB and one request, is left to be read run by run, which is exact to
 * the second: nearly three runs a second.
 */
export const MOST_RUNS_APART = 2500;

/** Quarters of an hour that one call sums up at the most: a day of them. */
const MOST_QUARTERS = 96;
const PERIODS_AT_A_TIME = 8;

/** What one call has done. */
export interface Closing {
  /** Quarters whose sums are up to date now. */
  readonly closed: number;
  /** Whether there is more to do at once. */
  readonly hasMore: boolean;
}

interface Stores {
  readonly statistics: StatisticsStore;
}

/** A provisional sum that is what it was stays as of when it was made: that is true, and costs no write. */
const isSame = (a: PeriodSummary | undefined, b: PeriodSummary): boolean =>
  a !== undefined &&
  a.finalAt === b.finalAt &&
  (a.asOf === undefined) === (b.asOf === undefined) &&
  writeSummary(a.summary) === writeSummary(b.summary);

/** Nothing is written where the sum is what it was. False: somebody else has written meanwhile. */
const putIfChanged = async (
  { statistics }: Stores,
  app: AppKey,
  of: { readonly period: Period; readonly present: StoredSummary | undefined; readonly sum: PeriodSummary },
): Promise<boolean> => isSame(of.present, of.sum) || statistics.put(app, of.period, of.sum, of.present?.version ?? 0);

/** What runs add to a quarter. */
export interface QuarterSum {
  readonly summary: Summary;
  readonly runs: number;
  /** When the first of it may be collected (seconds since 1970). */
  readonly firstExpiry: number;
  /** Else reading was stopped: there may be more. */
  readonly isWhole: boolean;
}

/** Sums up what runs add to a quarter, as long as `mayGoOn`, which is told how many were read so far. */
export const sumQuarter = async (
  { statistics }: Stores,
  app: AppKey,
  of: { readonly quarter: number; readonly mayGoOn?: (runs: number) => boolean | Promise<boolean> },
): Promise<QuarterSum> => {
  const { quarter, mayGoOn = () => true } = of;
  const total = totalOfSummaries();
  let [runs, firstExpiry, isWhole] = [0, Number.POSITIVE_INFINITY, true];
  for await (const { summary, expiresAt } of statistics.contributions(app, quarter)) {
    isWhole = await mayGoOn(runs);
    if (!isWhole) break;
    if (summary !== undefined) total.add(summary);
    runs++;
    firstExpiry = Math.min(firstExpiry, expiresAt);
  }
  return { summary: withFewNames(total.sum(), MOST_STORED_NAMES), runs, firstExpiry, isWhole };
};

/** What to sum up, and within which bounds. */
interface QuartersToSum {
  readonly now: number;
  /** An open quarter of more runs is summed up provisionally. */
  readonly mostApart: number;
  readonly isOutOfTime: () => boolean;
  /** Quarters of more runs are read one after the other: where there is no time for all, some are done. */
  readonly waitForTurn: WaitForTurn;
}

const sumInTurn = async (stores: Stores, app: AppKey, of: QuartersToSum & { quarter: number }): Promise<QuarterSum> => {
  let endTurn: (() => void) | undefined;
  const mayGoOn = async (runs: number): Promise<boolean> => {
    if (runs === of.mostApart) endTurn = await of.waitForTurn();
    return !of.isOutOfTime();
  };
  try {
    return await sumQuarter(stores, app, { quarter: of.quarter, mayGoOn });
  } finally {
    endTurn?.();
  }
};

/**
 * Sums up a quarter; false where there was no time, or somebody else has written meanwhile. The sum is read before what it
 * is made of: whoever writes it in between makes this write fail.
 */
const sumUpQuarter = async (stores: Stores, app: AppKey, of: QuartersToSum & { quarter: number }): Promise<boolean> => {
  if (of.isOutOfTime()) return false;
  const period: Period = { grain: "quarter", from: of.quarter };
  const present = await stores.statistics.find(app, period);
  // What it was made of is about to be collected: it stays as it is.
  if (present?.finalAt !== undefined && !canStillClose(present.finalAt, of.now)) return true;
  const made = await sumInTurn(stores, app, of);
  if (!made.isWhole) return false;
  const isProvisional = !canClose(of.quarter, of.now);
  if (made.runs === 0 || (isProvisional && made.runs <= of.mostApart)) return true;
  const sum: PeriodSummary = {
    summary: made.summary,
    finalAt: Math.min(present?.finalAt ?? Number.POSITIVE_INFINITY, finalAt(made.firstExpiry)),
    asOf: isProvisional ? of.now : undefined,
  };
  return putIfChanged(stores, app, { period, present, sum });
};

const PART_OF: Readonly<Record<Exclude<Grain, "quarter">, Grain>> = { hour: "quarter", day: "hour" };

/** The sum of the sums that a period is made of. */
export const sumPeriod = async (
  { statistics }: Stores,
  app: AppKey,
  period: Period & { readonly grain: Exclude<Grain, "quarter"> },
): Promise<Summary> => {
  const total = totalOfSummaries();
  const span = { from: period.from, to: endOf(period) };
  for await (const { summary } of statistics.list(app, PART_OF[period.grain], span)) total.add(summary);
  return withFewNames(total.sum(), MOST_STORED_NAMES);
};

const closePeriod = async (
  stores: Stores,
  app: AppKey,
  period: Period & { readonly grain: Exclude<Grain, "quarter"> },
): Promise<boolean> => {
  const present = await stores.statistics.find(app, period);
  const summary = await sumPeriod(stores, app, period);
  return putIfChanged(stores, app, { period, present, sum: { summary, finalAt: undefined } });
};

/** Sums up the periods of a grain that hold these quarters; answers the quarters where nobody came in between. */
const closeAbove = async (
  stores: Stores,
  app: AppKey,
  of: { readonly grain: Exclude<Grain, "quarter">; readonly marks: readonly Mark[] },
): Promise<Mark[]> => {
  const byPeriod = Map.groupBy(of.marks, ({ quarter }) => periodOf(of.grain, quarter).from);
  const closed: Mark[] = [];
  await sideBySide(byPeriod, PERIODS_AT_A_TIME, async ([from, marks]) => {
    if (await closePeriod(stores, app, { grain: of.grain, from })) closed.push(...marks);
  });
  return closed;
};

/** Up to when, and within which bounds, an app's statistics are summed up. */
export interface ClosingOrder {
  readonly now: number;
  /** An open quarter of more runs is summed up provisionally; left out: {@link MOST_RUNS_APART}. */
  readonly mostApart?: number;
  /** Whether there is no time to read on; left out: there always is. */
  readonly isOutOfTime?: () => boolean;
}

/**
 * Sums up the quarters of an app that have been marked and are open no more: the quarter from what its runs add, its hour
 * from quarters, its day from hours, and then takes the mark away. It may be stopped anywhere and run in several places
 * at once: a sum is written only over the one that was read before its parts, so the last to write has seen all, and a
 * mark that cannot be taken away makes the next pass do it again. Marked quarters that are still open, and of more than
 * `mostApart` runs, then get a provisional sum, and keep their marks; one to which nothing was added keeps the sum that it
 * has. Bounded: `hasMore` says to call again at once. Where time runs out, a quarter that is not read to its end keeps its
 * mark, and what was summed up by then is finished. Throws what went wrong with a quarter after the others are done;
 * calling again is safe.
 */
export const closeStatistics = async (
  stores: Stores,
  app: AppKey,
  { now, mostApart = MOST_RUNS_APART, isOutOfTime = () => false }: ClosingOrder,
): Promise<Closing> => {
  const found = await stores.statistics.marks(app, { limit: MOST_QUARTERS + 1 });
  const failures: unknown[] = [];
  const waitForTurn = takeTurns();
  const sumUp = async (marks: readonly Mark[]): Promise<Mark[]> => {
    const summed: Mark[] = [];
    await sideBySide(marks, PERIODS_AT_A_TIME, async (mark) => {
      const of = { quarter: mark.quarter, now, mostApart, isOutOfTime, waitForTurn };
      try {
        if (await sumUpQuarter(stores, app, of)) summed.push(mark);
      } catch (error) {
        // What is wrong with one quarter must not keep the others from being summed up.
        failures.push(error);
      }
    });
    return summed;
  };
  const marks = found.slice(0, MOST_QUARTERS);
  const quarters = await sumUp(marks.filter(({ quarter }) => canClose(quarter, now)));
  const hours = await closeAbove(stores, app, { grain: "hour", marks: quarters });
  const days = await closeAbove(stores, app, { grain: "day", marks: hours });
  await sideBySide(days, PERIODS_AT_A_TIME, (mark) => stores.statistics.unmark(app, mark));
  await sumUp(marks.filter(({ quarter }) => !canClose(quarter, now)));
  if (failures.length > 0) throw failures[0];
  return { closed: days.length, hasMore: found.length > MOST_QUARTERS && days.length > 0 };
};
