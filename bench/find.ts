import { MOST_ROWS } from "../shared/app/lists/list-runs.ts";
import type { ClosingPrice } from "./closing-price.ts";
import { type Asked, type Bench, type FindPrice, pricesOf } from "./find-price.ts";
import { appsOf, RARE_TRIGGER, type SeededApp, seedRuns } from "./find-seed.ts";
import { type Query, startMeteredService } from "./metered-service.ts";
import { statisticsPrices } from "./statistics-price.ts";

/** What finding costs among so many runs, and whether it keeps what it promises. */
export interface FindReport {
  readonly runs: number;
  readonly apps: number;
  readonly largestApp: number;
  readonly prices: readonly FindPrice[];
  readonly closing: readonly ClosingPrice[];
  /** Page 500 of an app by its first page. */
  readonly deepPage: { readonly readUnits: number; readonly time: number };
  readonly isKept: Readonly<Record<string, boolean>>;
}

const NOW = Date.parse("2026-11-22T12:00:00.000Z");
const PAGE = 20;
/** The page that is to cost what the first one does. */
const DEEP_PAGE = 500;
/** What the first page of failures may cost. */
const MOST_FAILURE_UNITS = 2;
/** Cursors are bound to their question, not to the size of its pages: the way there is walked in large ones. */
const WALKED_PAGE = 100;
const REPETITIONS = 15;
/** What a deep page may take of the first one's time: medians of one machine's noise lie well within. */
const MOST_TIMES = 2;
const FAILURES = "first page of failures";

const listOf = (app: SeededApp, query: Query["query"] = {}): Query => ({
  resource: "/v1/apps/{app_id}/runs",
  path: { app_id: app.appId },
  query: { limit: String(PAGE), ...query },
});

/** The same question from the page on that begins after so many runs. Throws where there are not as many. */
const after = async ({ plain }: Bench, query: Query, runs: number): Promise<Query> => {
  let cursor: Record<string, string> = {};
  for (let left = runs; left > 0; ) {
    const limit = Math.min(left, WALKED_PAGE);
    const { body } = await plain.get({ ...query, query: { ...query.query, ...cursor, limit: String(limit) } });
    const page = JSON.parse(body) as { data: unknown[]; next_cursor: string | null };
    left -= page.data.length;
    if (page.next_cursor === null) throw new Error(`expected more than ${runs} runs to page through`);
    cursor = { cursor: page.next_cursor };
  }
  return { ...query, query: { ...query.query, ...cursor } };
};

/** How deep a list of so many runs is paged: {@link DEEP_PAGE}, or nearly to its end where it is shorter. */
const deepPageOf = (runs: number): number => Math.max(2, Math.min(DEEP_PAGE, Math.floor(runs / PAGE)));

/**
 * Seeds runs of apps of uneven size and asks for them as operators do. `tell` is told how it goes. Times are those of an
 * emulator on this machine: they compare with one another, not with DynamoDB's.
 */
export const findPrices = async (
  endpoint: string,
  of: { readonly runs: number; readonly apps: number; readonly tell: (line: string) => void },
): Promise<FindReport> => {
  const metered = await startMeteredService(endpoint, { startsAt: NOW });
  const plain = await startMeteredService(endpoint, {
    startsAt: NOW,
    isMetered: false,
    tableName: metered.tableName,
  });
  const bench = { metered, plain };
  try {
    const apps = appsOf(of);
    const [largest, ...others] = apps as [SeededApp, ...SeededApp[]];
    const smallest = others.at(-1) ?? largest;
    await seedRuns(metered, apps, { now: NOW, tell: of.tell });

    const all = { resource: "/v1/runs", path: {}, query: { limit: String(PAGE) } };
    const [deepInApp, deepInAll] = [deepPageOf(largest.runs), deepPageOf(of.runs)];
    const questions: readonly (readonly [string, () => Promise<Query> | Query])[] = [
      [`first page of an app (${largest.runs} runs)`, () => listOf(largest)],
      [`page ${deepInApp} of the same`, () => after(bench, listOf(largest), (deepInApp - 1) * PAGE)],
      [`first page of a small app (${smallest.runs} runs)`, () => listOf(smallest)],
      ["first page of failed runs", () => listOf(largest, { status: "failed" })],
      [FAILURES, () => ({ ...listOf(largest), resource: "/v1/apps/{app_id}/failures" })],
      ["first page by a rare trigger", () => listOf(largest, { triggered_from: RARE_TRIGGER })],
      [
        `the same of all ${of.apps} apps and three statuses`,
        () => ({
          ...all,
          query: { ...all.query, triggered_from: RARE_TRIGGER, status: ["failed", "stopped", "running"] },
        }),
      ],
      ["count of the app", () => ({ resource: "/v1/apps/{app_id}/runs/count", path: { app_id: largest.appId } })],
      [`first page of all ${of.apps} apps`, () => all],
      [`page ${deepInAll} of the same`, () => after(bench, all, (deepInAll - 1) * PAGE)],
    ];
    const asked: Asked[] = [];
    for (const [question, queryOf] of questions) {
      of.tell(`finding the ${question}`);
      asked.push({ question, query: await queryOf() });
    }
    of.tell("measuring");
    const prices = await pricesOf(bench, asked, REPETITIONS);
    const statistics = await statisticsPrices(bench, { now: NOW, tell: of.tell });
    const [first, deep] = prices as [FindPrice, FindPrice];
    const failures = prices.find(({ question }) => question === FAILURES);
    const [rare, rareInAll] = prices.slice(prices.findIndex(({ question }) => question.includes("rare")));
    const rows = Math.max(rare?.rows ?? 0, rareInAll?.rows ?? 0);
    return {
      runs: of.runs,
      apps: of.apps,
      largestApp: largest.runs,
      prices: [...prices, ...statistics.prices],
      closing: statistics.closing,
      deepPage: { readUnits: deep.readUnits / first.readUnits, time: deep.medianMs / first.medianMs },
      isKept: {
        "a deep page costs no more read units than the first": deep.readUnits <= first.readUnits,
        [`the ${FAILURES} costs at most ${MOST_FAILURE_UNITS} read units`]:
          (failures?.readUnits ?? 0) <= MOST_FAILURE_UNITS,
        [`a deep page takes at most ${MOST_TIMES} times the first one's time`]:
          deep.medianMs <= MOST_TIMES * first.medianMs,
        [`a sparse filter looks at ${MOST_ROWS} rows at the most`]: rows <= MOST_ROWS,
        ...statistics.isKept,
      },
    };
  } finally {
    plain.stop();
    metered.stop();
  }
};
