import * as v from "valibot";
import { AppId, type RunKey, TenantId } from "../../shared/contract/identifiers.ts";
import type { RunStatus } from "../../shared/contract/run-status.ts";
import { entryOf } from "../../shared/domain/fold/ledger.ts";
import { finishOf, type Header, type HeaderFinish, headerOf } from "../../shared/domain/header.ts";
import { NEVER } from "../../shared/domain/retention.ts";
import {
  isTombstone,
  type ListedHeader,
  type ListPosition,
  type ListQuery,
  type RunStore,
} from "../../shared/ports/run-store.ts";
import { arrivalOf, claimed, instant, ledger, type Saying, type Sent, sent, ZERO } from "../support/builders.ts";
import { runKey } from "../support/service.ts";
import { expectRetryableFault, type Subject, winnersAmong } from "./stored-faults.ts";

const header = (...events: readonly Sent[]): Header => headerOf(ledger(...events));

/** What a header that is neither touched nor on hold has beside its events. */
const at = (rev: number) => ({ rev, touches: 0, hold: undefined });

const started = (saying: Saying = {}): Sent => sent("run.started", { at: 1, ...saying });
const finished = (saying: Saying = {}): Sent =>
  sent("run.finished", { at: 4, app_id: "app-1", elapsed_time: 3, ...saying });

const finishBy = ({ event }: Sent): HeaderFinish => {
  const finish = finishOf(entryOf(arrivalOf([event])));
  if (finish === undefined) throw new Error("expected a plain finish");
  return finish;
};

const everything: Saying = {
  workflow_id: "w1",
  workflow_version: "v1",
  workflow_type: "chat",
  triggered_from: "webhook",
  created_by: "Zoë",
  created_by_role: "end_user",
  parent_run_id: "run-0",
  tags: ["a", "ß"],
  idle_timeout: 90.5,
};

/** What every RunStore keeps of its port's promises. Lists are read at once: a store that lags makes them wait. */
export const runStoreContract = (name: string, start: () => Promise<Subject<RunStore>>): void => {
  describe(`${name} as a run store`, () => {
    let subject: Subject<RunStore>;
    let store: RunStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    let runs = 0;
    const newRun = (tenantId = "demo"): RunKey => runKey(tenantId, `run-${++runs}`);
    const stored = (run: RunKey, of: Header, rev: number) => ({ ...of, runId: run.runId, ...at(rev) });

    let apps = 0;
    /** An app of its own for each test. */
    const newApp = (): string => `list-${++apps}`;
    const tenantId = v.parse(TenantId, "demo");
    const list = async (
      app: string,
      of: {
        status?: ListQuery["status"];
        after?: ListPosition;
        limit?: number;
        tenant?: string;
        isOldestFirst?: boolean;
      } = {},
    ) =>
      store.list({
        tenantId: of.tenant === undefined ? tenantId : v.parse(TenantId, of.tenant),
        appId: v.parse(AppId, app),
        shard: 0,
        status: of.status,
        after: of.after,
        limit: of.limit ?? 100,
        ...(of.isOldestFirst === undefined ? {} : { isOldestFirst: of.isOldestFirst }),
      });

    describe("find", () => {
      it.each<[string, Sent[]]>([
        ["a start", [started()]],
        ["a start that says all", [started(everything)]],
        [
          "an end that says all",
          [
            started(everything),
            finished({ status: "failed", error: "bö", total_tokens: 7, total_steps: 2, exceptions_count: 1 }),
          ],
        ],
        ["a run of which only nodes are known", [sent("node.started", { app_id: "app-1" })]],
        ["a run of which not even the app is known", [sent("node.started")]],
        ["an end alone", [sent("run.finished", { status: "stopped" })]],
        ["a schedule", [sent("run.scheduled", { at: 2 })]],
        ["a claim", [started(), finished({ status: "failed" }), claimed(2, 9)]],
        [
          "moments to the nanosecond",
          [started({ at: "2026-11-22T10:00:00.123456789Z" }), finished({ at: "2026-11-22T10:00:01.000000001Z" })],
        ],
      ])("gives back the header of %s", async (_name, events) => {
        const run = newRun();
        expect(await store.create(run, header(...events))).toBe(true);

        expect(await store.find(run)).toEqual(stored(run, header(...events), 1));
      });

      it("gives nothing for an unknown run", async () => {
        expect(await store.find(newRun())).toBeUndefined();
      });
    });

    describe("create", () => {
      it("takes effect once, and another time changes nothing", async () => {
        const run = newRun();
        expect(await store.create(run, header(started()))).toBe(true);
        expect(await store.create(run, header(started(), finished()))).toBe(false);

        expect(await store.find(run)).toEqual(stored(run, header(started()), 1));
      });

      it("takes effect for one of many at once", async () => {
        const run = newRun();
        const headers = Array.from({ length: 20 }, (_, second) => header(started({ at: second })));

        expect(await winnersAmong(headers.map((one) => store.create(run, one)))).toBe(1);
        expect((await store.find(run))?.rev).toBe(1);
      });

      it("knows the runs of one tenant from those of another", async () => {
        const [ours, theirs] = [runKey("demo", "same-run"), runKey("acme", "same-run")];
        await store.create(ours, header(started()));

        expect(await store.find(theirs)).toBeUndefined();
        expect(await store.create(theirs, header(started({ at: 2 })))).toBe(true);
        expect(await store.find(ours)).toEqual(stored(ours, header(started()), 1));
      });
    });

    describe("finish", () => {
      it.each<[string, Saying]>([
        ["that went well", {}],
        ["that says all", { status: "failed", error: "boom", total_tokens: 7, total_steps: 2, exceptions_count: 1 }],
        ["in part", { status: "partial-succeeded", exceptions_count: 1 }],
      ])("makes of a started header what the fold of start and finish is, for a finish %s", async (_name, saying) => {
        const run = newRun();
        await store.create(run, header(started(everything)));
        expect(await store.finish(run, finishBy(finished(saying)), ZERO)).toBe(true);

        expect(await store.find(run)).toEqual(stored(run, header(started(everything), finished(saying)), 2));
      });

      it("takes effect once", async () => {
        const run = newRun();
        await store.create(run, header(started()));
        expect(await store.finish(run, finishBy(finished()), ZERO)).toBe(true);
        expect(await store.finish(run, finishBy(finished()), ZERO)).toBe(false);
        expect(await store.finish(run, finishBy(finished({ status: "failed", at: 2 })), ZERO)).toBe(false);

        expect(await store.find(run)).toEqual(stored(run, header(started(), finished()), 2));
      });

      it("takes effect for one of many at once", async () => {
        const run = newRun();
        await store.create(run, header(started()));
        const finishes = Array.from({ length: 20 }, (_, second) => finishBy(finished({ at: second })));

        expect(await winnersAmong(finishes.map((one) => store.finish(run, one, ZERO)))).toBe(1);
        expect((await store.find(run))?.rev).toBe(2);
      });

      it.each<[string, Sent[]]>([
        ["has ended", [started(), finished({ status: "failed" })]],
        ["stands for more than a plain start", [started(), sent("run.paused", { at: 2 })]],
        ["has no start yet", [sent("node.started", { app_id: "app-1" })]],
        ["is of another app", [started({ app_id: "app-2" })]],
      ])("changes nothing of a run that %s", async (_name, events) => {
        const run = newRun();
        await store.create(run, header(...events));
        expect(await store.finish(run, finishBy(finished()), ZERO)).toBe(false);

        expect(await store.find(run)).toEqual(stored(run, header(...events), 1));
      });

      it("makes no header where there is none", async () => {
        const run = newRun();
        expect(await store.finish(run, finishBy(finished()), ZERO)).toBe(false);

        expect(await store.find(run)).toBeUndefined();
      });
    });

    describe("replace", () => {
      it("takes effect on the header of its rev, which rises by one", async () => {
        const run = newRun();
        const paused = header(started(everything), sent("run.paused", { at: 2 }));
        await store.create(run, header(started()));
        expect(await store.replace(run, paused, at(1))).toBe(true);
        expect(await store.find(run)).toEqual(stored(run, paused, 2));

        expect(await store.replace(run, header(started(), finished(), claimed(2, 9)), at(2))).toBe(true);
        expect(await store.find(run)).toEqual(stored(run, header(started(), finished(), claimed(2, 9)), 3));
      });

      it("leaves nothing of the header before", async () => {
        const run = newRun();
        await store.create(run, header(started(everything), finished({ status: "failed", error: "boom" })));
        const bare = header(sent("node.started"));
        await store.replace(run, bare, at(1));

        expect(await store.find(run)).toEqual(stored(run, bare, 2));
      });

      it("takes of a whole header that was found its rev, touches and hold, and nothing else", async () => {
        const run = newRun();
        await store.create(run, header(started(everything), finished({ status: "failed", error: "boom" })));
        await store.touch(run);
        const found = await store.find(run);
        if (found === undefined || isTombstone(found)) throw new Error("expected a header");
        const other = header(started({ at: 9, app_id: "app-2" }));
        await store.replace(run, other, found);

        expect(await store.find(run)).toEqual({ ...stored(run, other, 2), touches: 1 });
      });

      it.each([0, 1, 3])("changes nothing of a header of another rev (%i)", async (rev) => {
        const run = newRun();
        await store.create(run, header(started()));
        await store.replace(run, header(started(), sent("run.paused", { at: 2 })), at(1));
        expect(await store.replace(run, header(started(), finished()), at(rev))).toBe(false);

        expect(await store.find(run)).toMatchObject({ rev: 2, row: { status: "paused" } });
      });

      it("counts a finish as a rev", async () => {
        const run = newRun();
        await store.create(run, header(started()));
        await store.finish(run, finishBy(finished()), ZERO);

        expect(await store.replace(run, header(started()), at(1))).toBe(false);
        expect(await store.replace(run, header(started()), at(2))).toBe(true);
      });

      it("makes no header where there is none", async () => {
        const run = newRun();
        expect(await store.replace(run, header(started()), at(1))).toBe(false);
        expect(await store.replace(run, header(started()), at(0))).toBe(false);

        expect(await store.find(run)).toBeUndefined();
      });

      it("takes effect for one of many at once", async () => {
        const run = newRun();
        await store.create(run, header(started()));
        const headers = Array.from({ length: 20 }, (_, second) => header(started({ at: second }), sent("run.paused")));

        expect(await winnersAmong(headers.map((one) => store.replace(run, one, at(1))))).toBe(1);
        expect((await store.find(run))?.rev).toBe(2);
      });
    });

    describe("touch", () => {
      it("counts how often, and changes nothing else", async () => {
        const run = newRun();
        await store.create(run, header(started(), finished()));

        expect(await store.touch(run)).toBe(true);
        expect(await store.touch(run)).toBe(true);

        expect(await store.find(run)).toEqual({ ...stored(run, header(started(), finished()), 1), touches: 2 });
      });

      it("makes no header where there is none, nor of a deleted run", async () => {
        const run = newRun();
        expect(await store.touch(run)).toBe(false);
        expect(await store.find(run)).toBeUndefined();

        await store.create(run, header(started()));
        await store.bury(run, { rev: 1, deletedAt: 5, expiresAt: 9 });
        expect(await store.touch(run)).toBe(false);
      });

      it("is kept by what replaces the header as it was read", async () => {
        const run = newRun();
        await store.create(run, header(started()));
        await store.touch(run);

        expect(await store.replace(run, header(started(), finished()), { ...at(1), touches: 1 })).toBe(true);

        expect(await store.find(run)).toMatchObject({ rev: 2, touches: 1 });
      });
    });

    describe("a hold", () => {
      const hold = { heldAt: 7, reason: "case 7" };

      it("is kept with the header, which has no expiry meanwhile", async () => {
        const run = newRun();
        const app = newApp();
        await store.create(run, header(started({ app_id: app })));
        await store.replace(run, header(started({ app_id: app })), { ...at(1), hold });

        expect(await store.find(run)).toMatchObject({ rev: 2, hold, expiresAt: NEVER });
        expect((await list(app)).headers).toMatchObject([{ runId: run.runId, expiresAt: NEVER }]);
      });

      it("keeps a plain finish and a tombstone from taking effect", async () => {
        const run = newRun();
        await store.create(run, header(started({ app_id: "app-1" })));
        await store.replace(run, header(started({ app_id: "app-1" })), { ...at(1), hold });

        expect(await store.finish(run, finishBy(finished()), ZERO)).toBe(false);
        expect(await store.bury(run, { rev: 2, deletedAt: 5, expiresAt: 9 })).toBe(false);
        expect(await store.find(run)).toMatchObject({ rev: 2, hold, row: { status: "running" } });
      });
    });

    describe("bury", () => {
      it("leaves a tombstone, and no list shows the run", async () => {
        const run = newRun();
        const app = newApp();
        await store.create(run, header(started({ app_id: app, parent_run_id: "run-0" })));

        expect(await store.bury(run, { rev: 1, deletedAt: 5, expiresAt: 9 })).toBe(true);

        expect(await store.find(run)).toEqual({ isDeleted: true, rev: 2, deletedAt: 5, hadExpired: false });
        expect((await list(app)).headers).toEqual([]);
        expect((await list(app, { status: "running" })).headers).toEqual([]);
      });

      it("takes effect on the header of its rev, once", async () => {
        const run = newRun();
        expect(await store.bury(run, { rev: 1, deletedAt: 5, expiresAt: 9 })).toBe(false);
        await store.create(run, header(started()));

        expect(await store.bury(run, { rev: 2, deletedAt: 5, expiresAt: 9 })).toBe(false);
        expect(await store.bury(run, { rev: 1, deletedAt: 5, expiresAt: 9 })).toBe(true);
        expect(await store.bury(run, { rev: 2, deletedAt: 6, expiresAt: 9 })).toBe(false);
      });

      it("takes effect on a rev of 0 where there is no header, once", async () => {
        const [run, other] = [newRun(), newRun()];
        const tombstone = { rev: 0, deletedAt: 5, expiresAt: 9, hadExpired: true };
        await store.create(other, header(started()));

        expect(await store.bury(run, tombstone)).toBe(true);
        expect(await store.bury(run, tombstone)).toBe(false);
        expect(await store.bury(other, tombstone)).toBe(false);

        expect(await store.find(run)).toEqual({ isDeleted: true, rev: 1, deletedAt: 5, hadExpired: true });
        expect(await store.find(other)).toMatchObject({ rev: 1, row: { status: "running" } });
      });

      it("lets nobody write over it", async () => {
        const run = newRun();
        await store.create(run, header(started({ app_id: "app-1" })));
        await store.bury(run, { rev: 1, deletedAt: 5, expiresAt: 9 });

        expect(await store.create(run, header(started()))).toBe(false);
        expect(await store.finish(run, finishBy(finished()), ZERO)).toBe(false);
        expect(await store.replace(run, header(started()), at(1))).toBe(false);
        expect(await store.find(run)).toMatchObject({ isDeleted: true });
      });
    });

    describe("list", () => {
      const idsOf = ({ headers }: { headers: readonly ListedHeader[] }): string[] => headers.map(({ runId }) => runId);
      const create = async (app: string, runId: string, ...events: readonly Sent[]) => {
        const all = events.length === 0 ? [started({ app_id: app })] : events;
        expect(await store.create(runKey("demo", runId), header(...all))).toBe(true);
      };

      it("shows the light run, its rev and its place", async () => {
        const app = newApp();
        const run = newRun();
        const events = [
          started({ ...everything, app_id: app }),
          finished({ app_id: app, status: "failed", error: "bö" }),
        ] as const;
        await store.create(run, header(events[0]));
        await store.finish(run, finishBy(events[1]), ZERO);

        const { row, listedAt, expiresAt } = header(...events);
        const expected = { runId: run.runId, rev: 2, touches: 0, row, listedAt, expiresAt };
        expect(await list(app)).toEqual({ headers: [expected], hasMore: false });
        expect(await list(app, { status: "failed" })).toEqual({ headers: [expected], hasMore: false });
      });

      it("is newest first, to the nanosecond, and of one moment by run id", async () => {
        const app = newApp();
        const moments: [string, string][] = [
          ["a", "2026-11-22T10:00:00.000000002Z"],
          ["b", "2026-11-22T10:00:00.000000001Z"],
          ["d", "2026-11-22T10:00:00.000000001Z"],
          ["c", "2026-11-22T10:00:00.000000001Z"],
          ["e", "2026-11-22T12:00:01+01:00"],
        ];
        for (const [id, at] of moments) await create(app, `${app}-${id}`, started({ app_id: app, at }));

        expect(idsOf(await list(app))).toEqual(["e", "a", "d", "c", "b"].map((id) => `${app}-${id}`));
      });

      it.each([1, 2, 3, 100])(
        "is the same in pages of %i, each after the last run of the one before",
        async (limit) => {
          const app = newApp();
          for (let index = 0; index < 7; index++)
            await create(app, `${app}-${index}`, started({ app_id: app, at: index % 3 }));
          const all = idsOf(await list(app));

          const found: string[] = [];
          let after: ListPosition | undefined;
          for (;;) {
            const page = await list(app, { limit, ...(after === undefined ? {} : { after }) });
            expect(page.headers.length).toBeLessThanOrEqual(limit);
            found.push(...idsOf(page));
            if (!page.hasMore) break;
            const last = page.headers.at(-1) as ListedHeader;
            after = { listedAt: last.listedAt, runId: last.runId };
          }
          expect(found).toEqual(all);
          expect(all).toHaveLength(7);
        },
      );

      it("goes on after a place, whether its run is still there or not", async () => {
        const app = newApp();
        for (const [id, at] of [
          ["a", 1],
          ["c", 1],
          ["d", 2],
        ] as const)
          await create(app, `${app}-${id}`, started({ app_id: app, at }));

        expect(idsOf(await list(app, { after: { listedAt: instant(1), runId: `${app}-b` } }))).toEqual([`${app}-a`]);
        expect(idsOf(await list(app, { after: { listedAt: instant(1), runId: `${app}-c` } }))).toEqual([`${app}-a`]);
        expect(idsOf(await list(app, { after: { listedAt: instant(0), runId: "z" } }))).toEqual([]);
        expect(idsOf(await list(app, { after: { listedAt: instant(9), runId: "z" } }))).toHaveLength(3);
      });

      it("keeps its pages when a run is added or changes while it is read", async () => {
        const app = newApp();
        for (const index of [1, 2, 3, 4]) await create(app, `${app}-${index}`, started({ app_id: app, at: index }));
        const first = await list(app, { limit: 2 });
        await create(app, `${app}-new`, started({ app_id: app, at: 9 }));
        await store.finish(runKey("demo", `${app}-1`), finishBy(finished({ app_id: app })), ZERO);

        const last = first.headers.at(-1) as ListedHeader;
        expect(idsOf(await list(app, { after: { listedAt: last.listedAt, runId: last.runId } }))).toEqual([
          `${app}-2`,
          `${app}-1`,
        ]);
      });

      it("is of one status where asked, and a run changes lists with its status", async () => {
        const app = newApp();
        const run = runKey("demo", `${app}-1`);
        const start = started({ app_id: app });
        const states: [RunStatus, Header][] = [
          ["scheduled", header(sent("run.scheduled", { app_id: app }))],
          ["running", header(start)],
          ["paused", header(start, sent("run.paused", { at: 2 }))],
          ["failed", header(start, finished({ app_id: app, status: "failed" }))],
          ["running", header(start, finished({ app_id: app, status: "failed" }), claimed(2, 9))],
          ["stopped", header(start, finished({ app_id: app, status: "stopped" }))],
          ["partial-succeeded", header(start, finished({ app_id: app, status: "partial-succeeded" }))],
          ["succeeded", header(start, finished({ app_id: app }))],
        ];
        await create(app, `${app}-other`, start);
        for (const [index, [status, state]] of states.entries()) {
          if (index === 0) await store.create(run, state);
          else expect(await store.replace(run, state, at(index))).toBe(true);

          const lists = await Promise.all(
            (["scheduled", "running", "paused", "failed", "stopped", "partial-succeeded"] as const).map(async (one) => [
              one,
              idsOf(await list(app, { status: one })).includes(run.runId),
            ]),
          );
          expect(lists.filter(([, isListed]) => isListed)).toEqual(status === "succeeded" ? [] : [[status, true]]);
          expect(idsOf(await list(app))).toContain(run.runId);
        }
      });

      it("changes with a finish too", async () => {
        const app = newApp();
        for (const id of ["good", "bad"]) await create(app, `${app}-${id}`);
        await store.finish(runKey("demo", `${app}-good`), finishBy(finished({ app_id: app })), ZERO);
        await store.finish(runKey("demo", `${app}-bad`), finishBy(finished({ app_id: app, status: "failed" })), ZERO);

        expect(idsOf(await list(app, { status: "running" }))).toEqual([]);
        expect(idsOf(await list(app, { status: "failed" }))).toEqual([`${app}-bad`]);
        expect(idsOf(await list(app))).toEqual([`${app}-good`, `${app}-bad`]);
      });

      it("of one status has the same order and pages", async () => {
        const app = newApp();
        for (const index of [1, 2, 3]) await create(app, `${app}-${index}`, started({ app_id: app, at: index % 2 }));
        const page = await list(app, { status: "running", limit: 2 });

        const last = page.headers.at(-1) as ListedHeader;
        const rest = await list(app, { status: "running", after: { listedAt: last.listedAt, runId: last.runId } });
        expect([idsOf(page), idsOf(rest)]).toEqual([[`${app}-3`, `${app}-1`], [`${app}-2`]]);
      });

      it("holds runs of one tenant and app only", async () => {
        const app = newApp();
        await create(app, `${app}-1`);
        await create(`${app}1`, `${app}-2`, started({ app_id: `${app}1` }));
        await store.create(runKey("acme", `${app}-3`), header(started({ app_id: app })));

        expect(idsOf(await list(app))).toEqual([`${app}-1`]);
        expect(idsOf(await list(app, { tenant: "acme" }))).toEqual([`${app}-3`]);
        expect(idsOf(await list(app, { status: "running" }))).toEqual([`${app}-1`]);
      });

      it("holds a run as soon as its app is known", async () => {
        const app = newApp();
        const run = newRun();
        await store.create(run, header(sent("node.started")));
        expect(idsOf(await list(app))).toEqual([]);

        await store.replace(run, header(started({ app_id: app })), at(1));
        expect(idsOf(await list(app))).toEqual([run.runId]);
      });

      it("moves a run whose app or start turns out to be another", async () => {
        const [app, other] = [newApp(), newApp()];
        const run = newRun();
        await store.create(run, header(started({ app_id: app, at: 5 })));
        await create(other, `${other}-1`, started({ app_id: other, at: 3 }));
        await store.replace(run, header(started({ app_id: other, at: 1 })), at(1));

        expect(idsOf(await list(app))).toEqual([]);
        expect(idsOf(await list(other))).toEqual([`${other}-1`, run.runId]);
      });

      it("is the other way round where oldest are asked for first, also from after a place", async () => {
        const app = newApp();
        for (const index of [3, 1, 2, 4]) await create(app, `${app}-${index}`, started({ app_id: app, at: index % 3 }));
        const newest = idsOf(await list(app));

        expect(idsOf(await list(app, { isOldestFirst: true }))).toEqual(newest.toReversed());
        expect(idsOf(await list(app, { isOldestFirst: false }))).toEqual(newest);
        const after = { listedAt: instant(1), runId: `${app}-1` };
        expect(idsOf(await list(app, { isOldestFirst: true, after }))).toEqual([`${app}-4`, `${app}-2`]);
        expect(idsOf(await list(app, { isOldestFirst: true, after, limit: 1 }))).toEqual([`${app}-4`]);
      });

      it("is empty for an app that nobody knows", async () => {
        expect(await list(newApp())).toEqual({ headers: [], hasMore: false });
      });
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      const { broken } = subject;
      const run = newRun();
      await expectRetryableFault(broken.find(run));
      await expectRetryableFault(broken.create(run, header(started())));
      await expectRetryableFault(broken.finish(run, finishBy(finished()), ZERO));
      await expectRetryableFault(broken.replace(run, header(started()), at(1)));
      const query = {
        tenantId: run.tenantId,
        appId: v.parse(AppId, "app-1"),
        shard: 0,
        status: undefined,
        after: undefined,
        limit: 1,
      };
      await expectRetryableFault(broken.list(query));
    });
  });
};
