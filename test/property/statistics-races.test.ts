import { closeStatistics } from "../../shared/app/statistics/close-statistics.ts";
import { readStatistics } from "../../shared/app/statistics/read-statistics.ts";
import { contributionExpiry } from "../../shared/domain/statistics/finality.ts";
import { GRAIN_MS, GRAINS, periodOf } from "../../shared/domain/statistics/period.ts";
import { type Summary, sumOf } from "../../shared/domain/statistics/summary.ts";
import { writeSummary } from "../../shared/domain/statistics/summary-text.ts";
import type { StatisticsStore } from "../../shared/ports/statistics-store.ts";
import { appKey } from "../contract/statistics-store.ts";
import { type Actor, interleave, type Step } from "../support/interleaving.ts";
import { memoryStatisticsStore } from "../support/memory-statistics-store.ts";
import { randomNumbers } from "../support/random-runs.ts";
import { runByRun } from "../support/run-by-run.ts";

const APP = appKey("demo", "shop");
const DAY = Date.parse("2026-11-22T00:00:00Z");
const NOW = DAY + 2 * GRAIN_MS.day;
/** Two of one hour, one of the same day, one of another. */
const QUARTERS = [0, 1, 5, 96].map((number) => DAY + number * GRAIN_MS.quarter);

const runs = (count: number): Summary => ({ ...sumOf([]), runs: new Map([["failed", count]]) });

/** The same store, whose calls begin and end in steps. */
const stepwise = (store: StatisticsStore, step: Step): StatisticsStore => {
  async function* iterate<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
    await step();
    const read = await Array.fromAsync(items);
    await step();
    yield* read;
  }
  const call =
    <Args extends unknown[], Result>(method: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await step();
      const result = await method(...args);
      await step();
      return result;
    };
  return {
    contribute: call(store.contribute),
    contributions: (app, quarter) => iterate(store.contributions(app, quarter)),
    mark: call(store.mark),
    marks: call(store.marks),
    unmark: call(store.unmark),
    find: call(store.find),
    list: (app, grain, span) => iterate(store.list(app, grain, span)),
    put: call(store.put),
  };
};

/** Counts runs that ended late, each in its quarter: what it adds first, then the mark. */
const contributor = async (store: StatisticsStore, late: readonly { quarter: number; run: string; rev: number }[]) => {
  for (const { quarter, run, rev } of late) {
    const contribution = { run, moment: { rev, touches: 0 }, summary: runs(rev), expiresAt: contributionExpiry(NOW) };
    await store.contribute(APP, quarter, contribution);
    await store.mark(APP, quarter);
  }
};

const CASES = Number(process.env["RUNSTONE_PROPERTY_CASES"] ?? 2000);
const SEED = Number(process.env["RUNSTONE_STATISTICS_SEED"] ?? 1);

const texts = (of: Iterable<Summary>): string[] => [...of].map(writeSummary);

/** Sums up all that is marked for the time being, as if every quarter were open. */
const closeProvisionally = (statistics: StatisticsStore) =>
  closeStatistics({ statistics }, APP, { now: DAY, mostApart: 0 });

test("sums are right whoever sums up at once, and whatever comes in between", async () => {
  const random = randomNumbers(SEED);
  const lateRuns = () =>
    Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
      quarter: QUARTERS[Math.floor(random() * QUARTERS.length)] ?? DAY,
      run: random() < 0.5 ? "a" : "b",
      rev: 1 + Math.floor(random() * 4),
    }));
  for (let round = 0; round < CASES; round++) {
    const store = memoryStatisticsStore();
    await contributor(store, lateRuns());
    const closer: Actor = (step) => closeStatistics({ statistics: stepwise(store, step) }, APP, { now: NOW });
    const during = lateRuns();
    const others: Actor = (step) => contributor(stepwise(store, step), during);
    const early: Actor = (step) => closeProvisionally(stepwise(store, step));
    await interleave([closer, closer, early, others], { random, changes: 4, steps: 80 });

    const spans = QUARTERS.map((from) => ({ from, to: from + GRAIN_MS.quarter }));
    const expected = await Promise.all(
      QUARTERS.map(async (quarter) =>
        sumOf((await Array.fromAsync(store.contributions(APP, quarter))).flatMap(({ summary }) => summary ?? [])),
      ),
    );
    const read = async (statistics: StatisticsStore): Promise<string[]> => {
      const found = spans.map((span) => readStatistics({ statistics }, APP, { spans: [span], now: 0 }));
      return texts((await Promise.all(found)).flatMap(({ sums }) => sums));
    };
    expect(await read(runByRun(store))).toEqual(texts(expected));
    await closeProvisionally(store);
    expect(await read(store)).toEqual(texts(expected));

    while ((await store.marks(APP, {})).length > 0) await closeStatistics({ statistics: store }, APP, { now: NOW });
    for (const grain of GRAINS) {
      const stored = await Array.fromAsync(store.list(APP, grain, { from: DAY, to: NOW }));
      for (const { from, summary } of stored) {
        const parts = expected.filter((_, index) => periodOf(grain, QUARTERS[index] ?? 0).from === from);
        expect(writeSummary(summary)).toBe(writeSummary(sumOf(parts)));
      }
    }
    const whole = await readStatistics({ statistics: store }, APP, { spans: [{ from: DAY, to: NOW }], now: 0 });
    expect(whole).toMatchObject({ isComplete: true, asOf: undefined });
    expect(texts(whole.sums)).toEqual(texts([sumOf(expected)]));
  }
});
