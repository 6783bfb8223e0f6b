import * as v from "valibot";
import { closeStatistics } from "../shared/app/statistics/close-statistics.ts";
import { MOST_UNSUMMED } from "../shared/app/statistics/read-statistics.ts";
import { AppId, type AppKey } from "../shared/contract/identifiers.ts";
import { GRAIN_MS } from "../shared/domain/statistics/period.ts";
import { type ClosingPrice, closingPrice } from "./closing-price.ts";
import { type Asked, type Bench, type FindPrice, pricesOf } from "./find-price.ts";
import { idOf } from "./find-seed.ts";
import { putItems } from "./put-items.ts";
import { historyOf, quarterOf } from "./statistics-seed.ts";

/** What statistics cost, and whether they keep what they promise. */
export interface StatisticsPrices {
  readonly prices: readonly FindPrice[];
  readonly closing: readonly ClosingPrice[];
  readonly isKept: Readonly<Record<string, boolean>>;
}

const SHORT_DAYS = 31;
const LONG_DAYS = 310;
/** A busy app's quarter: seventeen runs a second. */
const BUSY_RUNS = 15_000;
/** Those of the last hour are open. */
const OPEN_QUARTERS = 4;
/** In each of them. */
const OPEN_RUNS = 25;
/** Quarters of so many runs are watched from their first run until they are closed. */
const WATCHED_RUNS = [1, OPEN_RUNS, 2_400, 6_000];
/** Items of what runs add that a page of 1 MB holds, at the most. */
const RUNS_A_PAGE = 4_000;
/** What statistics of 30 days may cost while a quarter is as busy. */
const MOST_BUSY_UNITS = 20;
const REPETITIONS = 3;

/**
 * Seeds two apps that differ in the length of their history, and one with a busy quarter, and asks for statistics of the
 * last 30 days: the busy one before and after a pass of the upkeep.
 */
export const statisticsPrices = async (
  bench: Bench,
  of: { readonly now: number; readonly tell: (line: string) => void },
): Promise<StatisticsPrices> => {
  const { metered, plain } = bench;
  const { statistics } = metered.dependencies;
  const appOf = (name: number): AppKey => ({
    tenantId: metered.tenantId,
    appId: v.parse(AppId, idOf("statistics", name)),
  });
  const [short, long, busy] = [appOf(1), appOf(2), appOf(3)];
  const put = (items: Iterator<Record<string, unknown>>) =>
    putItems(metered, items, { for: "statistics", tell: of.tell });
  const openFrom = of.now - OPEN_QUARTERS * GRAIN_MS.quarter;
  for (const [app, days] of [
    [short, SHORT_DAYS],
    [long, LONG_DAYS],
  ] as const) {
    of.tell(`seeding statistics of ${days} days`);
    await put(historyOf(app, { days, until: openFrom }));
    for (let from = openFrom; from < of.now; from += GRAIN_MS.quarter) {
      await put(quarterOf(app, { from, runs: OPEN_RUNS }));
      await statistics.mark(app, from);
    }
  }
  of.tell(`seeding a quarter of an hour of ${BUSY_RUNS} runs`);
  const from = of.now - GRAIN_MS.quarter;
  await put(quarterOf(busy, { from, runs: BUSY_RUNS }));
  await statistics.mark(busy, from);

  const ask = (question: string, app: AppKey, query: Readonly<Record<string, string>> = {}): Asked => ({
    question,
    query: { resource: "/v1/apps/{app_id}/statistics", path: { app_id: app.appId }, query },
  });
  const berlin = { time_zone: "Europe/Berlin" };
  of.tell("measuring");
  const byHistory = await pricesOf(
    bench,
    [
      ask(`statistics of 30 days, of ${SHORT_DAYS} there are`, short),
      ask(`the same, of ${LONG_DAYS} there are`, long),
      ask(`30 days of Europe/Berlin, of ${SHORT_DAYS} there are`, short, berlin),
      ask(`the same, of ${LONG_DAYS} there are`, long, berlin),
    ],
    REPETITIONS,
  );
  const unsummed = await pricesOf(bench, [ask(`30 days with ${BUSY_RUNS} new runs in a quarter`, busy)], 1);
  for (const app of [short, long, busy]) await closeStatistics(plain.dependencies, app, { now: of.now });
  const summed = await pricesOf(bench, [ask("the same after a pass of the upkeep", busy)], REPETITIONS);

  const closing: ClosingPrice[] = [];
  for (const [index, runs] of WATCHED_RUNS.entries()) {
    of.tell(`summing up a quarter of an hour of ${runs} runs`);
    closing.push(await closingPrice(metered, appOf(4 + index), { from, runs, tell: of.tell }));
  }

  const [utc, utcLong, local, localLong] = byHistory.map(({ readUnits }) => readUnits);
  return {
    prices: [...byHistory, ...unsummed, ...summed],
    closing,
    isKept: {
      "statistics cost the same read units whatever the history": utc === utcLong && local === localLong,
      [`statistics read ${MOST_UNSUMMED.runs} runs one by one at the most, and what else is on their page`]:
        (unsummed[0]?.rows ?? 0) <= MOST_UNSUMMED.runs + RUNS_A_PAGE,
      [`a quarter of ${BUSY_RUNS} runs costs at most ${MOST_BUSY_UNITS} read units after a pass`]:
        (summed[0]?.readUnits ?? 0) <= MOST_BUSY_UNITS,
      "a pass that finds nothing new writes nothing": closing.every(({ idleWriteUnits }) => idleWriteUnits === 0),
    },
  };
};
