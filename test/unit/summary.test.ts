import fc from "fast-check";
import { MOST_STORED_NAMES } from "../../shared/app/statistics/close-statistics.ts";
import { addDecimals } from "../../shared/domain/statistics/decimal.ts";
import { latencyOf, NO_LATENCIES, totalOfLatencies } from "../../shared/domain/statistics/latency-sketch.ts";
import {
  COUNTED_STATUSES,
  NO_CURRENCY,
  OTHER,
  type Summary,
  sumOf,
  withFewNames,
} from "../../shared/domain/statistics/summary.ts";
import { readSummary, writeSummary } from "../../shared/domain/statistics/summary-text.ts";
import { addUsers, USER_REGISTERS, userOf } from "../../shared/domain/statistics/user-sketch.ts";

const count = fc.integer({ min: 1, max: 1_000_000 });
const name = fc.oneof(fc.constantFrom("a", "b", OTHER, "__proto__", "constructor", ""), fc.string({ unit: "binary" }));
const counts = (names: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(names, count), { maxLength: 6 }).map((all) => new Map(all));
const price = fc.tuple(fc.integer(), fc.nat(999_999)).map(([whole, part]) => addDecimals(`${whole}.${part}`, "0"));

/** Of any runs, the likely and the odd. */
const anySummary: fc.Arbitrary<Summary> = fc.record({
  runs: counts(fc.constantFrom(...COUNTED_STATUSES)),
  tokens: fc.bigInt({ min: 0n, max: 2n ** 70n }),
  prices: fc
    .array(fc.tuple(fc.constantFrom("USD", "EUR", "JPY", NO_CURRENCY), price), { maxLength: 4 })
    .map((all) => new Map(all)),
  latency: fc.array(fc.nat(), { maxLength: 20 }).map((times) => {
    const total = totalOfLatencies();
    for (const time of times) total.add(latencyOf(time));
    return total.sum();
  }),
  users: fc.array(fc.string(), { maxLength: 20 }).map((users) => {
    const sketch = new Map<number, number>();
    for (const user of users) addUsers(sketch, userOf(user));
    return sketch;
  }),
  triggers: counts(name),
  versions: counts(name),
  failures: counts(fc.constantFrom("llm\nabc", "tool\nabc", "\nabc", OTHER)),
});

const NOTHING = sumOf([]);

/** Equal summaries are equal texts: maps remember in which order they were filled. */
const text = (...summaries: readonly Summary[]): string => writeSummary(sumOf(summaries));

describe("summaries", () => {
  it("add up to the same in any order and grouping", () => {
    fc.assert(
      fc.property(anySummary, anySummary, anySummary, (a, b, c) => {
        const all = text(a, b, c);

        expect(text(c, a, b)).toBe(all);
        expect(text(sumOf([a, b]), c)).toBe(all);
        expect(text(b, sumOf([c, a]))).toBe(all);
        expect(text(NOTHING, a, b, NOTHING, c)).toBe(all);
      }),
    );
  });

  it("are what their text says", () => {
    fc.assert(
      fc.property(anySummary, (summary) => {
        expect(readSummary(writeSummary(summary))).toEqual(summary);
      }),
    );
  });

  it.each([0, 1, 799, 800, 801, USER_REGISTERS])("are what their text says with %i registers of users", (registers) => {
    const users = new Map(Array.from({ length: registers }, (_, register) => [register, (register % 53) + 1]));

    expect(readSummary(writeSummary({ ...NOTHING, users }))).toEqual({ ...NOTHING, users });
  });

  it("are read from texts of any age", () => {
    expect(readSummary('[[],"0",[0,"0",0,0,[]]]')).toEqual(NOTHING);
    expect(readSummary('[[["failed",1]],"7",[1,"2000",2000,2000,[381,1]],[5]]')).toEqual({
      ...NOTHING,
      runs: new Map([["failed", 1]]),
      tokens: 7n,
      latency: latencyOf(2000),
      users: new Map([[0, 5]]),
    });
    expect(writeSummary(NOTHING)).toBe('[[],"0",[0,"0",0,0,[]]]');
  });

  it("of one run take little room", () => {
    const summary: Summary = {
      runs: new Map([["failed", 1]]),
      tokens: 1234n,
      prices: new Map([["USD", "0.0012345"]]),
      latency: latencyOf(2345),
      users: userOf("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"),
      triggers: new Map([["app-run", 1]]),
      versions: new Map([["2026-11-22 10:00:00.123456", 1]]),
      failures: new Map([["1733290000000\nAbC_-1234567", 1]]),
    };

    expect(writeSummary(summary).length).toBeLessThan(200);
  });
});

describe("a summary with few names", () => {
  const MOST = { names: 2, failures: 2, currencies: 2 };
  const named = (...all: [string, number][]): Summary => ({
    ...NOTHING,
    triggers: new Map(all),
    versions: new Map(all),
    failures: new Map(all),
  });

  it("keeps those that count most, equal ones in order, and the rest as one", () => {
    const few = withFewNames(named(["d", 1], ["c", 5], ["b", 3], ["a", 3]), MOST);

    for (const kept of [few.triggers, few.versions, few.failures]) {
      expect([...kept]).toEqual([
        ["c", 5],
        ["a", 3],
        [OTHER, 4],
      ]);
    }
  });

  it("stays as it is where they are few, but for what was put together before", () => {
    for (const summary of [named(["a", 1], ["b", 2]), named(["a", 1], [OTHER, 9], ["b", 2])]) {
      expect(withFewNames(summary, MOST)).toEqual(summary);
    }
    const twice = withFewNames(named([OTHER, 9], ["a", 1], ["b", 2], ["c", 3]), MOST);
    expect(twice.triggers.get(OTHER)).toBe(10);
  });

  it("keeps the first currencies, and adds no two of them up", () => {
    const prices = new Map([
      ["USD", "1.1"],
      ["JPY", "2.2"],
      [NO_CURRENCY, "0.5"],
      ["EUR", "3"],
    ]);

    expect(Object.fromEntries(withFewNames({ ...NOTHING, prices }, MOST).prices)).toEqual({
      EUR: "3",
      JPY: "2.2",
      [NO_CURRENCY]: "0.5",
    });
  });

  it("loses no count, and is the same however it was put together", () => {
    const sum = (all: ReadonlyMap<string, number>): number => [...all.values()].reduce((a, b) => a + b, 0);
    fc.assert(
      fc.property(anySummary, anySummary, (a, b) => {
        const few = withFewNames(sumOf([a, b]), MOST);

        expect(sum(few.triggers)).toBe(sum(a.triggers) + sum(b.triggers));
        expect(sum(few.failures)).toBe(sum(a.failures) + sum(b.failures));
        for (const [currency, price] of few.prices) {
          expect(price).toBe(addDecimals(a.prices.get(currency) ?? "0", b.prices.get(currency) ?? "0"));
        }
        const parts = sumOf([withFewNames(a, MOST), withFewNames(b, MOST)]);
        expect(new Map(withFewNames(parts, MOST).prices)).toEqual(new Map(few.prices));
        expect(writeSummary(withFewNames(sumOf([b, a]), MOST))).toBe(writeSummary(few));
      }),
    );
  });

  it("fits an item, whatever it is of", () => {
    const many = (letter: string, bytes: number) =>
      new Map(Array.from({ length: 900 }, (_, index) => [`${index}`.padEnd(bytes, letter), 1_000_000_000] as const));
    const latency = { ...NO_LATENCIES, buckets: new Map(Array.from({ length: 1600 }, (_, index) => [index, 1e9])) };
    const users = new Map(Array.from({ length: USER_REGISTERS }, (_, register) => [register, 9]));
    const [words, failures] = [many("\u0001", 48), many("x", 141)];
    const large: Summary = { ...NOTHING, triggers: words, versions: words, failures, latency, users };

    expect(Buffer.byteLength(writeSummary(withFewNames(large, MOST_STORED_NAMES)))).toBeLessThan(300_000);
  });
});
