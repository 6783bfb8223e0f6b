import { closeStatistics, MOST_RUNS_APART } from "../../shared/app/statistics/close-statistics.ts";
import {
  MOST_SUMS,
  type MostUnsummed,
  readStatistics,
  sumsToRead,
} from "../../shared/app/statistics/read-statistics.ts";
import { GRAIN_MS, GRAINS, type Span } from "../../shared/domain/statistics/period.ts";
import { type Summary, sumOf } from "../../shared/domain/statistics/summary.ts";
import type { StatisticsStore } from "../../shared/ports/statistics-store.ts";
import { appKey } from "../contract/statistics-store.ts";
import { memoryStatisticsStore } from "../support/memory-statistics-store.ts";

const APP = appKey("demo", "shop");
const TEN = Date.parse("2026-11-22T10:00:00Z");
const MINUTE = 60_000;

let store: StatisticsStore;
beforeEach(() => {
  store = memoryStatisticsStore();
});

const quarter = (number: number): number => TEN + number * GRAIN_MS.quarter;
const runs = (succeeded: number): Summary => ({ ...sumOf([]), runs: new Map([["succeeded", succeeded]]) });

let names = 0;
/** Counts so many new runs in a quarter. */
const count = async (number: number, of: number): Promise<void> => {
  for (let run = 0; run < of; run++) {
    const contribution = { run: `run-${++names}`, moment: { rev: 1, touches: 0 }, summary: runs(1), expiresAt: 9e9 };
    await store.contribute(APP, quarter(number), contribution);
  }
  await store.mark(APP, quarter(number));
};

const close = (minute: number, mostApart?: number) =>
  closeStatistics({ statistics: store }, APP, {
    now: TEN + minute * MINUTE,
    ...(mostApart !== undefined && { mostApart }),
  });

const DAY: Span = { from: TEN - 10 * GRAIN_MS.hour, to: TEN + 14 * GRAIN_MS.hour };

/** What is read of the day. */
const read = async (minute: number, most?: MostUnsummed) => {
  const { sums, ...told } = await readStatistics({ statistics: store }, APP, {
    spans: [DAY],
    now: TEN + minute * MINUTE,
    ...(most && { most }),
  });
  return { ...told, runs: sums[0]?.runs.get("succeeded") ?? 0 };
};

const whole = (count: number) => ({ runs: count, isComplete: true, asOf: undefined });
const partial = (count: number) => ({ runs: count, isComplete: false, asOf: undefined });
const asOf = (minute: number, count: number) => ({ runs: count, isComplete: false, asOf: TEN + minute * MINUTE });

describe("an open quarter of few runs", () => {
  it("is read run by run, before and after each pass, and gets no sum", async () => {
    await count(0, 3);
    expect(await close(5, 3)).toEqual({ closed: 0, hasMore: false });
    await count(0, 0);

    expect(await read(5)).toEqual(whole(3));
    expect(await store.find(APP, { grain: "quarter", from: TEN })).toBeUndefined();
  });

  it("is one of up to 2,500 runs", async () => {
    expect(MOST_RUNS_APART).toBe(2500);
    await count(0, MOST_RUNS_APART);
    await close(5);
    expect(await read(5)).toEqual(whole(MOST_RUNS_APART));

    await count(0, 1);
    await close(10);
    expect(await read(10)).toEqual(asOf(10, MOST_RUNS_APART + 1));
  });
});

describe("an open quarter of many runs", () => {
  it("is read as the last pass summed it up, and says as of when", async () => {
    await count(0, 4);
    await close(5, 3);
    await count(0, 2);
    expect(await read(7)).toEqual(asOf(5, 4));

    await close(10, 3);
    expect(await read(12)).toEqual(asOf(10, 6));
  });

  it("is as of when it was summed up last, also where passes have found nothing new since", async () => {
    await count(0, 4);
    await close(5, 3);
    await close(10, 3);

    expect(await read(12)).toEqual(asOf(5, 4));
  });

  it("stays marked until it is over, and is then summed up for good", async () => {
    await count(0, 4);
    expect(await close(49, 3)).toEqual({ closed: 0, hasMore: false });
    expect(await store.marks(APP, {})).toHaveLength(1);
    expect(await read(50)).toEqual(asOf(49, 4));

    expect(await close(50, 3)).toEqual({ closed: 1, hasMore: false });
    expect(await store.marks(APP, {})).toEqual([]);
    expect(await read(50)).toEqual(whole(4));
    expect((await store.find(APP, { grain: "quarter", from: TEN }))?.asOf).toBeUndefined();
  });

  it("is read as the last pass summed it up also where it is over and no pass has come since", async () => {
    await count(0, 4);
    await close(40, 3);
    await count(0, 1);

    expect(await read(300)).toEqual(asOf(40, 4));
  });

  it("is as old as the oldest of several", async () => {
    await count(0, 4);
    await close(16, 3);
    await count(1, 2);
    await store.put(
      APP,
      { grain: "quarter", from: quarter(1) },
      { summary: runs(2), finalAt: 9e12, asOf: quarter(2) },
      0,
    );

    expect(await read(31)).toEqual(asOf(16, 6));
  });

  it("counts neither twice nor not at all in the sums of its hour and day while others close", async () => {
    await count(0, 4);
    await count(3, 4);
    await close(51, 3);
    expect(await read(52)).toEqual(asOf(51, 8));

    await count(3, 1);
    await close(95, 3);
    expect(await read(95)).toEqual(whole(9));
  });

  it("shows as many runs as a query reads while it has no sum yet, the newest quarters first", async () => {
    for (const number of [0, 1, 2]) await count(number, 4);

    expect(await read(45, { quarters: 9, runs: 12 })).toEqual(whole(12));
    expect(await read(45, { quarters: 9, runs: 11 })).toEqual(partial(11));
    expect(await read(45, { quarters: 9, runs: 4 })).toEqual(partial(4));
  });
});

describe("quarters that are to be summed up anew", () => {
  it("are read as they were summed up before, which is not all", async () => {
    await count(0, 4);
    await close(60);
    await count(0, 1);

    expect(await read(61)).toEqual(partial(4));
    await close(65);
    expect(await read(65)).toEqual(whole(5));
  });

  it("are looked at up to a number, the newest first; of the others their sums are taken", async () => {
    for (const number of [-20, -10, -5]) await count(number, 2);
    await close(60);
    for (const number of [-20, -10, -5]) await count(number, 1);
    for (const number of [-19, -9]) await count(number, 1);

    expect(await read(61, { quarters: 5, runs: 100 })).toEqual(partial(8));
    expect(await read(61, { quarters: 2, runs: 100 })).toEqual(partial(7));
    while ((await close(61)).hasMore);
    expect(await read(61, { quarters: 2, runs: 100 })).toEqual(whole(11));
  });
});

describe("sums of a long span", () => {
  const HOURS = 720;
  const FIRST = TEN - HOURS * GRAIN_MS.hour;

  /** So many days before the one of the clock. */
  const days = (number: number): Span[] =>
    Array.from({ length: number }, (_, day) => {
      const from = DAY.from - (number - day) * GRAIN_MS.day;
      return { from, to: from + GRAIN_MS.day };
    });

  /** A sum of each grain, of two, six and nine runs, wherever one is asked for; tells how many were. */
  const fullStore = () => {
    const of = { quarter: runs(2), hour: runs(6), day: runs(9) };
    const told = { sums: 0 };
    const statistics: StatisticsStore = {
      ...store,
      list: async function* (_app, grain, { from, to }) {
        for (let at = from; at < to; at += GRAIN_MS[grain]) {
          told.sums++;
          yield { from: at, version: 1, summary: of[grain], finalAt: undefined, asOf: undefined };
        }
      },
    };
    return { statistics, told };
  };
  const succeeded = (sums: readonly Summary[]) => sums.map((sum) => sum.runs.get("succeeded"));

  it.each([30, 70, 100])(
    "are no more than the bound where each of the last %d days has a marked quarter",
    async (marked) => {
      const { statistics, told } = fullStore();
      const spans = days(1000);
      for (const { from } of spans.slice(-marked)) await store.mark(APP, from + 12 * GRAIN_MS.hour);
      const { sums, ...read } = await readStatistics({ statistics }, APP, { spans, now: TEN });

      expect(MOST_SUMS).toBe(3000);
      expect(told.sums).toBeLessThanOrEqual(MOST_SUMS);
      expect(read).toEqual({ isComplete: false, asOf: undefined });
      // A day that is looked at is made of 23 hours and four quarters, the others are taken as they were summed up.
      const lookedAt = marked > 70 ? marked / 2 : marked;
      expect(succeeded(sums)).toEqual(spans.map((_, day) => (day < 1000 - lookedAt ? 9 : 23 * 6 + 4 * 2)));
    },
  );

  it("are not all where marked quarters were never summed up and are too many to look at", async () => {
    const { statistics } = fullStore();
    const without: StatisticsStore = {
      ...statistics,
      list: (app, grain, span) => statistics.list(app, grain, grain === "quarter" ? { from: 0, to: 0 } : span),
    };
    const spans = days(1000);
    for (const { from } of spans.slice(-70)) await store.mark(APP, from);
    const isComplete = async () => (await readStatistics({ statistics: without }, APP, { spans, now: TEN })).isComplete;

    expect(await isComplete()).toBe(true);
    for (const { from } of spans.slice(-100)) await store.mark(APP, from);
    expect(await isComplete()).toBe(false);
  });

  it("are as many as were said before where no quarter is marked", async () => {
    for (const shift of GRAINS) {
      const { statistics, told } = fullStore();
      const spans = days(90).map(({ from, to }) => ({ from: from + GRAIN_MS[shift], to: to + GRAIN_MS[shift] }));
      const { isComplete } = await readStatistics({ statistics }, APP, { spans, now: TEN });

      expect([isComplete, told.sums]).toEqual([true, sumsToRead(spans)]);
    }
    expect(sumsToRead(days(90))).toBe(90);
  });

  it("are read in several places at once, each once", async () => {
    for (let at = FIRST; at < TEN; at += GRAIN_MS.hour) {
      await store.put(APP, { grain: "hour", from: at }, { summary: runs(1), finalAt: undefined }, 0);
    }
    let [reading, most] = [0, 0];
    const statistics: StatisticsStore = {
      ...store,
      list: async function* (app, grain, span) {
        most = Math.max(most, ++reading);
        await new Promise(setImmediate);
        yield* store.list(app, grain, span);
        reading--;
      },
    };
    // Days of two hours past UTC's are made of hours.
    const spans = Array.from({ length: HOURS / 24 }, (_, day) => {
      const from = FIRST + day * GRAIN_MS.day;
      return { from, to: from + GRAIN_MS.day };
    });
    const { sums } = await readStatistics({ statistics }, APP, { spans, now: TEN });

    expect(sums.map((sum) => sum.runs.get("succeeded"))).toEqual(spans.map(() => 24));
    expect(most).toBe(4);
  });
});
