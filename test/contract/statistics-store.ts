import * as v from "valibot";
import type { AppKey } from "../../shared/contract/identifiers.ts";
import { AppId, TenantId } from "../../shared/contract/identifiers.ts";
import { latencyOf } from "../../shared/domain/statistics/latency-sketch.ts";
import { GRAIN_MS, type Grain } from "../../shared/domain/statistics/period.ts";
import { OTHER, type Summary, sumOf } from "../../shared/domain/statistics/summary.ts";
import { userOf } from "../../shared/domain/statistics/user-sketch.ts";
import type { Contribution, StatisticsStore } from "../../shared/ports/statistics-store.ts";
import { ZERO } from "../support/builders.ts";
import { expectRetryableFault, type Subject, winnersAmong } from "./stored-faults.ts";

/** The key of an app. */
export const appKey = (tenant: string, app: string): AppKey => ({
  tenantId: v.parse(TenantId, tenant),
  appId: v.parse(AppId, app),
});

/** A summary with everything in it. */
const everything: Summary = {
  runs: new Map([
    ["succeeded", 2],
    ["partial-succeeded", 1],
  ]),
  tokens: 123_456_789_012_345_678_901n,
  prices: new Map([
    ["USD", "0.000000000000000000001"],
    ["EUR", "12345678901234567890.5"],
  ]),
  latency: sumOf([
    { ...sumOf([]), latency: latencyOf(0) },
    { ...sumOf([]), latency: latencyOf(86_400_000) },
  ]).latency,
  users: new Map([...userOf("ada"), ...userOf("bob")]),
  triggers: new Map([["webhook — \u0000\ud800", 3]]),
  versions: new Map([
    ["__proto__", 1],
    [OTHER, 2],
  ]),
  failures: new Map([["llm\nAbC_-1234567", 1]]),
};

const runs = (succeeded: number): Summary => ({ ...sumOf([]), runs: new Map([["succeeded", succeeded]]) });

/** What every StatisticsStore keeps of its port's promises. */
export const statisticsStoreContract = (name: string, start: () => Promise<Subject<StatisticsStore>>): void => {
  describe(`${name} as a statistics store`, () => {
    let subject: Subject<StatisticsStore>;
    let store: StatisticsStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    let apps = 0;
    const newApp = (tenant = "demo"): AppKey => appKey(tenant, `app-${++apps}`);
    const quarter = (number: number): number => ZERO + number * GRAIN_MS.quarter;
    const contribution = (of: Partial<Contribution> = {}): Contribution => ({
      run: "run-1",
      moment: { rev: 2, touches: 0 },
      summary: runs(1),
      expiresAt: ZERO / 1000 + 100,
      ...of,
    });
    const contributionsTo = async (app: AppKey, at: number): Promise<Contribution[]> =>
      (await Array.fromAsync(store.contributions(app, at))).sort((a, b) => (a.run < b.run ? -1 : 1));

    describe("contribute", () => {
      it("keeps what each run adds to a quarter, of this app and quarter alone", async () => {
        const [app, other] = [newApp(), newApp()];
        const both = [contribution({ summary: everything }), contribution({ run: "run-2", summary: undefined })];
        for (const one of both) expect(await store.contribute(app, quarter(0), one)).toBe(true);
        await store.contribute(app, quarter(1), contribution({ run: "run-3" }));
        await store.contribute(other, quarter(0), contribution({ run: "run-4" }));
        await store.contribute({ ...app, tenantId: newApp("acme").tenantId }, quarter(0), contribution());

        expect(await contributionsTo(app, quarter(0))).toEqual(both);
        expect(await contributionsTo(app, quarter(2))).toEqual([]);
      });

      const moments: [string, Contribution["moment"], Contribution["moment"]][] = [
        ["an earlier rev", { rev: 2, touches: 0 }, { rev: 3, touches: 0 }],
        ["an earlier rev with more touches", { rev: 2, touches: 9 }, { rev: 10, touches: 0 }],
        ["fewer touches", { rev: 2, touches: 9 }, { rev: 2, touches: 10 }],
      ];

      it.each(moments)("takes a later state of the run in the place of %s", async (_name, earlier, later) => {
        const app = newApp();
        await store.contribute(app, quarter(0), contribution({ moment: earlier }));
        const corrected = contribution({ moment: later, summary: runs(5), expiresAt: 7 });

        expect(await store.contribute(app, quarter(0), corrected)).toBe(true);
        expect(await contributionsTo(app, quarter(0))).toEqual([corrected]);
      });

      it.each(moments)("keeps the later state where %s comes after it", async (_name, earlier, later) => {
        const app = newApp();
        const kept = contribution({ moment: later });
        await store.contribute(app, quarter(0), kept);
        const stale = contribution({ moment: earlier, summary: runs(5) });

        expect(await store.contribute(app, quarter(0), stale)).toBe(false);
        expect(await store.contribute(app, quarter(0), stale, true)).toBe(false);
        expect(await contributionsTo(app, quarter(0))).toEqual([kept]);
      });

      it("keeps what is there where the same state comes again, but in a repair", async () => {
        const app = newApp();
        await store.contribute(app, quarter(0), contribution());

        expect(await store.contribute(app, quarter(0), contribution({ summary: runs(5) }))).toBe(false);
        expect(await contributionsTo(app, quarter(0))).toEqual([contribution()]);
        expect(await store.contribute(app, quarter(0), contribution({ summary: runs(5) }), true)).toBe(true);
        expect(await contributionsTo(app, quarter(0))).toEqual([contribution({ summary: runs(5) })]);
      });

      it("gives all that runs add, however many there are", async () => {
        const app = newApp();
        const many = Array.from({ length: 300 }, (_, index) => contribution({ run: `run-${index}` }));
        await Promise.all(many.map((one) => store.contribute(app, quarter(0), one)));

        expect((await contributionsTo(app, quarter(0))).map(({ run }) => run)).toEqual(
          many.map(({ run }) => run).sort(),
        );
      });
    });

    describe("marks", () => {
      it("are there until they are taken away, in order of time, each of its own app", async () => {
        const [app, other] = [newApp(), newApp()];
        for (const number of [3, -2, 100, 3]) await store.mark(app, quarter(number));
        await store.mark(other, quarter(5));

        const marks = await store.marks(app, {});
        expect(marks.map((one) => one.quarter)).toEqual([quarter(-2), quarter(3), quarter(100)]);
        await store.unmark(app, marks[1] ?? marks[0] ?? { quarter: 0, mark: "" });
        expect((await store.marks(app, {})).map((one) => one.quarter)).toEqual([quarter(-2), quarter(100)]);
        expect(await store.marks(newApp(), {})).toEqual([]);
      });

      it("are of a half-open span, and no more than asked for", async () => {
        const app = newApp();
        for (const number of [0, 1, 2, 3]) await store.mark(app, quarter(number));
        const found = async (of: Parameters<typeof store.marks>[1]) =>
          (await store.marks(app, of)).map((one) => (one.quarter - quarter(0)) / GRAIN_MS.quarter);

        expect(await found({ span: { from: quarter(1), to: quarter(3) } })).toEqual([1, 2]);
        expect(await found({ span: { from: quarter(1), to: quarter(1) } })).toEqual([]);
        expect(await found({ limit: 3 })).toEqual([0, 1, 2]);
        expect(await found({ span: { from: quarter(1), to: quarter(4) }, limit: 2 })).toEqual([1, 2]);
        expect(await found({ isNewestFirst: true })).toEqual([3, 2, 1, 0]);
        expect(await found({ span: { from: quarter(0), to: quarter(3) }, limit: 2, isNewestFirst: true })).toEqual([
          2, 1,
        ]);
      });

      it("stay where the quarter was marked again since, also after they were taken away", async () => {
        const app = newApp();
        await store.mark(app, quarter(0));
        const [first] = await store.marks(app, {});
        await store.mark(app, quarter(0));
        const [second] = await store.marks(app, {});
        if (first === undefined || second === undefined) throw new Error("expected marks");

        await store.unmark(app, first);
        expect(await store.marks(app, {})).toEqual([second]);
        await store.unmark(app, second);
        await store.mark(app, quarter(0));
        for (const old of [first, second]) await store.unmark(app, old);
        expect(await store.marks(app, {})).toHaveLength(1);
      });

      it("are marked and taken away many times at once", async () => {
        const app = newApp();
        await Promise.all(Array.from({ length: 10 }, () => store.mark(app, quarter(0))));
        const [mark] = await store.marks(app, {});
        await Promise.all(Array.from({ length: 10 }, () => mark && store.unmark(app, mark)));

        expect(await store.marks(app, {})).toEqual([]);
      });
    });

    describe("sums", () => {
      const GRAINS: Grain[] = ["quarter", "hour", "day"];

      it.each(GRAINS)("of a %s are found with all that was written, and their version", async (grain) => {
        const app = newApp();
        const period = { grain, from: Date.parse("2026-11-22T00:00:00Z") };
        expect(await store.find(app, period)).toBeUndefined();

        const first = { summary: everything, finalAt: 1_795_341_600_123 };
        expect(await store.put(app, period, first, 0)).toBe(true);
        expect(await store.find(app, period)).toEqual({ ...first, from: period.from, version: 1 });

        const second = { summary: sumOf([]), finalAt: undefined, asOf: 1_795_341_600_456 };
        expect(await store.put(app, period, second, 1)).toBe(true);
        expect(await store.find(app, period)).toEqual({ ...second, from: period.from, version: 2 });
        const third = { summary: sumOf([]), finalAt: undefined };
        expect(await store.put(app, period, third, 2)).toBe(true);
        expect((await store.find(app, period))?.asOf).toBeUndefined();
        for (const other of GRAINS.filter((one) => one !== grain)) {
          expect(await store.find(app, { grain: other, from: period.from })).toBeUndefined();
        }
      });

      it("are written only over the version that is there", async () => {
        const app = newApp();
        const period = { grain: "hour", from: quarter(0) } as const;
        const sum = { summary: runs(1), finalAt: undefined };
        expect(await store.put(app, period, sum, 1)).toBe(false);
        expect(await store.find(app, period)).toBeUndefined();
        await store.put(app, period, sum, 0);
        for (const version of [0, 2]) expect(await store.put(app, period, sum, version)).toBe(false);

        const many = Array.from({ length: 10 }, () => store.put(app, period, sum, 1));
        expect(await winnersAmong(many)).toBe(1);
        expect(await store.find(app, period)).toMatchObject({ version: 2 });
      });

      it("are listed by grain within a half-open span, in order of time", async () => {
        const app = newApp();
        const hours = [0, 1, 2, 3, 30].map((hour) => ZERO + hour * GRAIN_MS.hour);
        for (const [index, from] of hours.toReversed().entries()) {
          await store.put(app, { grain: "hour", from }, { summary: runs(index), finalAt: undefined }, 0);
        }
        await store.put(app, { grain: "quarter", from: hours[1] ?? 0 }, { summary: runs(9), finalAt: 1 }, 0);
        await store.put(newApp(), { grain: "hour", from: hours[1] ?? 0 }, { summary: runs(9), finalAt: 1 }, 0);

        const listed = await Array.fromAsync(store.list(app, "hour", { from: hours[1] ?? 0, to: hours[3] ?? 0 }));
        expect(listed).toEqual([
          { from: hours[1], version: 1, summary: runs(3), finalAt: undefined },
          { from: hours[2], version: 1, summary: runs(2), finalAt: undefined },
        ]);
        expect(await Array.fromAsync(store.list(app, "hour", { from: 5, to: 5 }))).toEqual([]);
      });
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      const { broken } = subject;
      const app = newApp();
      const period = { grain: "day", from: 0 } as const;
      await expectRetryableFault(broken.contribute(app, 0, contribution()));
      await expectRetryableFault(Array.fromAsync(broken.contributions(app, 0)));
      await expectRetryableFault(broken.mark(app, 0));
      await expectRetryableFault(broken.marks(app, {}));
      await expectRetryableFault(broken.unmark(app, { quarter: 0, mark: "m" }));
      await expectRetryableFault(broken.find(app, period));
      await expectRetryableFault(Array.fromAsync(broken.list(app, "day", { from: 0, to: GRAIN_MS.day })));
      await expectRetryableFault(broken.put(app, period, { summary: runs(1), finalAt: undefined }, 0));
    });
  });
};
