import { type ClosingOrder, closeStatistics } from "../../shared/app/statistics/close-statistics.ts";
import { GRAIN_MS } from "../../shared/domain/statistics/period.ts";
import { sumOf } from "../../shared/domain/statistics/summary.ts";
import type { StatisticsStore } from "../../shared/ports/statistics-store.ts";
import { appKey } from "../contract/statistics-store.ts";
import { memoryStatisticsStore } from "../support/memory-statistics-store.ts";

const APP = appKey("demo", "shop");
const TEN = Date.parse("2026-11-22T10:00:00Z");
const MINUTE = 60_000;
const MOST_APART = 3;

let store: { -readonly [Name in keyof StatisticsStore]: StatisticsStore[Name] };
/** What was written, in order. */
let writes: string[];
beforeEach(() => {
  const memory = memoryStatisticsStore();
  writes = [];
  store = {
    ...memory,
    put: (...args) => {
      writes.push(`${args[1].grain} sum`);
      return memory.put(...args);
    },
    unmark: (...args) => {
      writes.push("mark taken away");
      return memory.unmark(...args);
    },
  };
});

const quarter = (number: number): number => TEN + number * GRAIN_MS.quarter;

let names = 0;
/** Counts so many new runs in a quarter. */
const count = async (number: number, of: number): Promise<void> => {
  const summary = { ...sumOf([]), runs: new Map([["succeeded", 1]]) };
  for (let run = 0; run < of; run++) {
    const contribution = { run: `run-${++names}`, moment: { rev: 1, touches: 0 }, summary, expiresAt: 9e9 };
    await store.contribute(APP, quarter(number), contribution);
  }
  await store.mark(APP, quarter(number));
};

const close = async (minute: number, more: Pick<ClosingOrder, "isOutOfTime"> = {}) => {
  writes = [];
  const closing = await closeStatistics({ statistics: store }, APP, {
    now: TEN + minute * MINUTE,
    mostApart: MOST_APART,
    ...more,
  });
  return closing.closed;
};

/** Time for so many looks at it. */
const timeFor = (looks: number) => {
  let left = looks;
  return { isOutOfTime: () => left-- <= 0 };
};

const sumsOf = async (grain: "quarter" | "hour" | "day") => {
  const span = { from: TEN - GRAIN_MS.day, to: TEN + GRAIN_MS.day };
  const sums = await Array.fromAsync(store.list(APP, grain, span));
  return sums.map(({ summary }) => summary.runs.get("succeeded"));
};

describe("a pass", () => {
  it("writes nothing where nothing was added to an open quarter of many runs", async () => {
    await count(0, 5);
    await close(5);
    expect(writes).toEqual(["quarter sum"]);

    for (const minute of [10, 15, 45]) {
      await close(minute);
      expect(writes).toEqual([]);
    }
    await count(0, 1);
    await close(46);
    expect(writes).toEqual(["quarter sum"]);
    await close(47);
    expect(writes).toEqual([]);

    expect(await close(50)).toBe(1);
    expect(writes).toEqual(["quarter sum", "hour sum", "day sum", "mark taken away"]);
  });

  it("of no time at all looks at no quarter", async () => {
    await count(0, 5);
    await count(9, 5);
    store.find = () => Promise.reject(new Error("expected nobody to look"));

    expect(await close(180, timeFor(0))).toBe(0);
    expect(writes).toEqual([]);
    expect(await store.marks(APP, {})).toHaveLength(2);
  });

  it("that runs out of time sums up a part of many large quarters, and the next ones the rest", async () => {
    const quarters = [0, 1, 2, 3, 4, 5, 6, 7];
    for (const number of quarters) await count(number, 20);

    let passes = 0;
    // One large quarter is read to its end, though all are begun.
    for (; (await store.marks(APP, {})).length > 0 && passes < 20; passes++) await close(600, timeFor(60));

    expect(passes).toBeGreaterThan(1);
    expect(passes).toBeLessThanOrEqual(quarters.length);
    expect(await sumsOf("quarter")).toEqual(quarters.map(() => 20));
    expect(await sumsOf("hour")).toEqual([80, 80]);
    expect(await sumsOf("day")).toEqual([160]);
  });

  it("that runs out of time within an open quarter leaves its sum as it was", async () => {
    await count(0, 5);
    await close(5);
    await count(0, 10);

    await close(10, timeFor(8));
    expect(writes).toEqual([]);
    expect(await sumsOf("quarter")).toEqual([5]);
    await close(15);
    expect(await sumsOf("quarter")).toEqual([15]);
  });

  it("sums up small quarters side by side while large ones take turns", async () => {
    const reading = { now: 0, most: 0, large: 0 };
    const memory = store;
    store = {
      ...memory,
      contributions: async function* (app, from) {
        reading.most = Math.max(reading.most, ++reading.now);
        let read = 0;
        for await (const one of memory.contributions(app, from)) {
          await new Promise(setImmediate);
          if (read++ === MOST_APART + 1) expect(++reading.large).toBe(1);
          yield one;
        }
        if (read > MOST_APART) reading.large--;
        reading.now--;
      },
    };
    for (const number of [0, 1, 2, 3]) await count(number, number % 2 === 0 ? 2 : 20);

    expect(await close(600)).toBe(4);
    expect(reading).toEqual({ now: 0, most: 4, large: 0 });
    expect(await sumsOf("hour")).toEqual([44]);
  });
});
