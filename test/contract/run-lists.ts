import fc from "fast-check";
import * as v from "valibot";
import { AppId } from "../../shared/contract/identifiers.ts";
import type { Instant } from "../../shared/contract/instant.ts";
import { headerOf } from "../../shared/domain/header.ts";
import type { ListedHeader, ListPart, ListPosition, RunStore } from "../../shared/ports/run-store.ts";
import { instant, ledger, type Saying, sent } from "../support/builders.ts";
import { runKey } from "../support/service.ts";
import { expectRetryableFault, type Subject } from "./stored-faults.ts";

const TENANT = runKey("list-owner", "any").tenantId;

interface Listed {
  readonly runId: string;
  readonly second: number;
  readonly shard?: number;
  readonly saying?: Saying;
}

/** What every RunStore keeps of its port's promises about shards, parts of lists, offspring and states. */
export const runListsContract = (name: string, start: () => Promise<Subject<RunStore>>): void => {
  describe(`the lists of ${name} as a run store`, () => {
    let subject: Subject<RunStore>;
    let store: RunStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    let names = 0;
    const newName = (): string => `lists-${++names}`;
    const create = async (app: string, runs: readonly Listed[]): Promise<void> => {
      for (const { runId, second, shard = 0, saying = {} } of runs) {
        const header = headerOf(ledger(sent("run.started", { app_id: app, at: second, ...saying })));
        expect(await store.create(runKey(TENANT, runId), { ...header, shard })).toBe(true);
      }
    };
    const of = (app: string, shard = 0) => ({ tenantId: TENANT, appId: v.parse(AppId, app), shard });
    const whole: ListPart = { after: undefined, limit: 100 };
    const idsOf = ({ headers }: { headers: readonly ListedHeader[] }): string[] => headers.map(({ runId }) => runId);
    const list = async (app: string, part: Partial<ListPart> = {}, shard = 0): Promise<string[]> =>
      idsOf(await store.list({ ...of(app, shard), status: undefined, ...whole, ...part }));

    describe("a shard", () => {
      it("has the runs that were written to it, by time and by status", async () => {
        const app = newName();
        await create(app, [
          { runId: `${app}-a`, second: 1 },
          { runId: `${app}-b`, second: 2, shard: 1 },
          { runId: `${app}-c`, second: 3, shard: 1 },
          { runId: `${app}-d`, second: 4, shard: 10 },
        ]);

        expect(await list(app)).toEqual([`${app}-a`]);
        expect(await list(app, {}, 1)).toEqual([`${app}-c`, `${app}-b`]);
        expect(await list(app, {}, 10)).toEqual([`${app}-d`]);
        expect(await list(app, {}, 2)).toEqual([]);
        expect(idsOf(await store.list({ ...of(app, 1), status: "running", ...whole }))).toEqual([
          `${app}-c`,
          `${app}-b`,
        ]);
        expect(idsOf(await store.list({ ...of(app, 1), status: "failed", ...whole }))).toEqual([]);
      });

      it("is given back with the header", async () => {
        const app = newName();
        await create(app, [{ runId: app, second: 1, shard: 7 }]);

        expect(await store.find(runKey(TENANT, app))).toMatchObject({ shard: 7 });
      });
    });

    describe("a part of a list", () => {
      it("is half-open in time", async () => {
        const app = newName();
        await create(
          app,
          [1, 2, 3, 4].map((second) => ({ runId: `${app}-${second}`, second })),
        );
        const seconds = async (part: Partial<ListPart>) =>
          (await list(app, part)).map((runId) => Number(runId.slice(app.length + 1)));

        expect(await seconds({ from: instant(2) })).toEqual([4, 3, 2]);
        expect(await seconds({ before: instant(3) })).toEqual([2, 1]);
        expect(await seconds({ from: instant(2), before: instant(4) })).toEqual([3, 2]);
        expect(await seconds({ from: instant(3), before: instant(3) })).toEqual([]);
        expect(await seconds({ from: instant(4), before: instant(1) })).toEqual([]);
        expect(await seconds({ from: instant(2), before: instant(4), isOldestFirst: true })).toEqual([2, 3]);
      });

      it("goes on with a run where it is included, whether that is there or not", async () => {
        const app = newName();
        await create(app, [
          { runId: `${app}-a`, second: 1 },
          { runId: `${app}-c`, second: 1 },
        ]);
        const on = (letter: string): Partial<ListPart> => ({
          after: { listedAt: instant(1), runId: `${app}-${letter}`, isIncluded: true },
        });

        expect(await list(app, on("c"))).toEqual([`${app}-c`, `${app}-a`]);
        expect(await list(app, on("b"))).toEqual([`${app}-a`]);
        expect(await list(app, { ...on("b"), isOldestFirst: true })).toEqual([`${app}-c`]);
      });

      it("is what time and place leave of the whole, in both directions", async () => {
        const app = newName();
        const ids = ["0", "9", "A", "Z", "a", "z", "_", ":", ".", "-", "zz", "z-", "z:", "Z.a"];
        const runs = ids.map((id, index) => ({
          runId: `${app}${id}`,
          second: index % 4,
          listedAt: instant(index % 4),
        }));
        await create(app, runs);
        const newestFirst = await list(app);
        const byId = new Map(runs.map((run) => [run.runId, run]));
        const second = fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined });

        await fc.assert(
          fc.asyncProperty(
            fc.record({
              from: second,
              before: second,
              at: fc.option(
                fc.record({
                  listedAt: fc.integer({ min: 0, max: 3 }),
                  runId: fc.constantFrom(...ids, "y", "0-", "zzz"),
                  isIncluded: fc.boolean(),
                }),
                { nil: undefined },
              ),
              isOldestFirst: fc.boolean(),
              limit: fc.integer({ min: 1, max: 20 }),
            }),
            async ({ from, before, at, isOldestFirst, limit }) => {
              const after: ListPosition | undefined = at && {
                listedAt: instant(at.listedAt),
                runId: `${app}${at.runId}`,
                isIncluded: at.isIncluded,
              };
              const keyOf = (run: { listedAt: Instant; runId: string }) => `${run.listedAt}#${run.runId}`;
              const isIn = (runId: string): boolean => {
                const run = byId.get(runId) as (typeof runs)[number];
                if (from !== undefined && run.second < from) return false;
                if (before !== undefined && run.second >= before) return false;
                if (after === undefined) return true;
                if (keyOf(run) === keyOf(after)) return after.isIncluded === true;
                return isOldestFirst ? keyOf(run) > keyOf(after) : keyOf(run) < keyOf(after);
              };
              const expected = (isOldestFirst ? newestFirst.toReversed() : newestFirst).filter(isIn);

              const part = {
                after,
                from: from === undefined ? undefined : instant(from),
                before: before === undefined ? undefined : instant(before),
                isOldestFirst,
                limit,
              };
              expect(await list(app, part)).toEqual(expected.slice(0, limit));
            },
          ),
          { numRuns: 150 },
        );
      });
    });

    describe("offspring", () => {
      it("is what came out of a run, of any app, newest first, in parts", async () => {
        const parent = newName();
        const [one, two] = [newName(), newName()];
        await create(one, [{ runId: `${parent}-a`, second: 1, saying: { parent_run_id: parent } }]);
        await create(two, [
          { runId: `${parent}-b`, second: 2, shard: 3, saying: { parent_run_id: parent } },
          { runId: `${parent}-c`, second: 3 },
          { runId: `${parent}-d`, second: 4, saying: { parent_run_id: `${parent}-a` } },
        ]);
        const of = (part: Partial<ListPart> = {}) =>
          store.listOffspring({ parent: runKey(TENANT, parent), ...whole, ...part });

        expect(idsOf(await of())).toEqual([`${parent}-b`, `${parent}-a`]);
        expect(await of({ limit: 1 })).toMatchObject({ hasMore: true, headers: [{ row: { parentRunId: parent } }] });
        expect(idsOf(await of({ from: instant(2) }))).toEqual([`${parent}-b`]);
        expect(idsOf(await of({ after: { listedAt: instant(2), runId: `${parent}-b` } }))).toEqual([`${parent}-a`]);
        expect(await store.listOffspring({ parent: runKey("acme", parent), ...whole })).toEqual({
          headers: [],
          hasMore: false,
        });
      });
    });

    describe("states", () => {
      const states = (app: string, part: Partial<ListPart> = {}, shard = 0) =>
        store.listStates({ ...of(app, shard), ...whole, ...part });

      it("are status and expiry of the same runs, and say how far they reach", async () => {
        const app = newName();
        await create(
          app,
          [1, 2, 3].map((second) => ({ runId: `${app}-${second}`, second })),
        );
        const { headers } = await store.list({ ...of(app), status: undefined, ...whole });
        const expected = headers.map(({ row, expiresAt }) => ({ status: row.status, expiresAt }));

        expect(await states(app)).toEqual({ states: expected, reached: undefined });
        const first = await states(app, { limit: 2 });
        expect(first).toEqual({
          states: expected.slice(0, 2),
          reached: { listedAt: instant(2), runId: `${app}-2` },
        });
        expect((await states(app, { after: first.reached })).states).toHaveLength(1);
        expect((await states(app, { from: instant(2), before: instant(3) })).states).toHaveLength(1);
        expect(await states(app, {}, 1)).toEqual({ states: [], reached: undefined });
        expect(await states(app, { from: instant(3), before: instant(2) })).toEqual({ states: [], reached: undefined });
      });
    });

    it("fail with a fault that can be tried again where their storage is out of reach", async () => {
      const { broken } = subject;
      await expectRetryableFault(broken.listOffspring({ parent: runKey(TENANT, "run"), ...whole }));
      await expectRetryableFault(broken.listStates({ ...of("app"), ...whole }));
    });
  });
};
