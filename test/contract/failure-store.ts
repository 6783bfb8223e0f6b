import * as v from "valibot";
import { AppId, type RunKey, TenantId } from "../../shared/contract/identifiers.ts";
import { NEVER } from "../../shared/domain/retention.ts";
import type {
  FailurePosition,
  FailureQuery,
  FailureRow,
  FailureStore,
  RunMoment,
  StoredFailure,
} from "../../shared/ports/failure-store.ts";
import { instant } from "../support/builders.ts";
import { runKey } from "../support/service.ts";
import { expectRetryableFault, type Subject } from "./stored-faults.ts";

/** What the suite works on: the store, and how the ledger gives a run's rows back. */
export interface FailureStoreSubject extends Subject<FailureStore> {
  rowsOf(run: RunKey): Promise<readonly StoredFailure[]>;
}

const app = (id: string) => v.parse(AppId, id);

/** A row with everything in it. */
export const failureRow = (of: Partial<FailureRow> & { run?: string; app?: string } = {}): FailureRow => {
  const { run = "run-1", app: appId = "app-1", ...more } = of;
  return {
    runId: runKey("demo", run).runId,
    nodeExecutionId: "node-1",
    appId: app(appId),
    shard: 0,
    nodeId: "llm",
    nodeType: "llm",
    title: "Antwort — 回答 \u0000 \ud800",
    epoch: 2,
    finishedAt: instant("2026-11-22T10:00:00.123456789Z"),
    elapsedTime: 0.1,
    attempts: 3,
    error: 'boom "quoted" #1',
    fingerprint: "AbC_-1234567",
    workflowVersion: "7",
    runStatus: "failed",
    expiresAt: 1_795_341_600,
    ...more,
  };
};

const FIRST: RunMoment = { rev: 2, touches: 0 };

/** What every FailureStore keeps of its port's promises. */
export const failureStoreContract = (name: string, start: () => Promise<FailureStoreSubject>): void => {
  describe(`${name} as a failure store`, () => {
    let subject: FailureStoreSubject;
    let store: FailureStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    let names = 0;
    const newRun = (tenant = "demo"): RunKey => runKey(tenant, `failing-${++names}`);
    const newApp = (): string => `failing-${++names}`;
    const put = (run: RunKey, of: Partial<FailureRow> & { app?: string } = {}, moment = FIRST) =>
      store.put(run, { row: failureRow({ ...of, run: run.runId }), moment });
    const list = (appId: string, of: Partial<FailureQuery> & { tenant?: string } = {}) => {
      const { tenant = "demo", ...more } = of;
      return store.list({
        tenantId: v.parse(TenantId, tenant),
        appId: app(appId),
        shard: 0,
        since: undefined,
        before: undefined,
        after: undefined,
        limit: 100,
        ...more,
      });
    };
    const idsOf = ({ rows }: { rows: readonly FailureRow[] }) => rows.map(({ nodeExecutionId }) => nodeExecutionId);
    const positionOf = ({ finishedAt, runId, nodeExecutionId }: FailureRow): FailurePosition => ({
      finishedAt,
      runId,
      nodeExecutionId,
    });

    it("gives back all that is known of a failure, with its run and in lists", async () => {
      const [run, appId] = [newRun(), newApp()];
      await put(run, { app: appId }, { rev: 3, touches: 2 });

      const row = failureRow({ run: run.runId, app: appId });
      expect(await subject.rowsOf(run)).toEqual([{ row, moment: { rev: 3, touches: 2 } }]);
      expect(await list(appId)).toEqual({ rows: [row], hasMore: false });
    });

    it("gives back a failure of which little is known", async () => {
      const [run, appId] = [newRun(), newApp()];
      const little = {
        nodeId: undefined,
        nodeType: undefined,
        title: undefined,
        elapsedTime: undefined,
        error: "",
        workflowVersion: undefined,
        expiresAt: NEVER,
      };
      await put(run, { ...little, app: appId });

      expect((await list(appId)).rows).toEqual([failureRow({ ...little, run: run.runId, app: appId })]);
    });

    it("keeps one row a node execution, of any id", async () => {
      const run = newRun();
      const ids = ["a", "a.b", "A:1", "~".replace("~", "_"), "RUN", "L", "x".repeat(128)];
      for (const nodeExecutionId of [...ids, ...ids]) expect(await put(run, { nodeExecutionId })).toBe(true);

      const found = (await subject.rowsOf(run)).map(({ row }) => row.nodeExecutionId);
      expect(found.sort()).toEqual([...ids].sort());
    });

    describe("of two states of a run", () => {
      const moments: [string, RunMoment, RunMoment][] = [
        ["an earlier rev", { rev: 2, touches: 0 }, { rev: 3, touches: 0 }],
        ["an earlier rev with more touches", { rev: 2, touches: 9 }, { rev: 3, touches: 0 }],
        ["fewer touches", { rev: 2, touches: 0 }, { rev: 2, touches: 1 }],
        ["fewer touches, but some", { rev: 2, touches: 1 }, { rev: 2, touches: 2 }],
      ];

      it.each(moments)("the later one overwrites that of %s", async (_name, earlier, later) => {
        const run = newRun();
        await put(run, { error: "first" }, earlier);

        expect(await put(run, { error: "second" }, later)).toBe(true);
        expect(await subject.rowsOf(run)).toMatchObject([{ row: { error: "second" }, moment: later }]);
      });

      it.each(moments)("the later one is not overwritten by that of %s", async (_name, earlier, later) => {
        const run = newRun();
        await put(run, { error: "second" }, later);

        expect(await put(run, { error: "first" }, earlier)).toBe(false);
        expect(await subject.rowsOf(run)).toMatchObject([{ row: { error: "second" }, moment: later }]);
      });

      it.each(moments)("the row of the later one is not removed by that of %s", async (_name, earlier, later) => {
        const run = newRun();
        await put(run, {}, later);

        expect(await store.remove(run, "node-1", earlier)).toBe(false);
        expect(await subject.rowsOf(run)).toHaveLength(1);
        expect(await store.remove(run, "node-1", later)).toBe(true);
        expect(await subject.rowsOf(run)).toEqual([]);
      });
    });

    it("changes nothing where the same is put again", async () => {
      const [run, appId] = [newRun(), newApp()];
      for (let times = 0; times < 3; times++) expect(await put(run, { app: appId })).toBe(true);

      expect((await list(appId)).rows).toHaveLength(1);
    });

    it("removes a row from lists too, and what is not there without a word", async () => {
      const [run, appId] = [newRun(), newApp()];
      await put(run, { app: appId });

      expect(await store.remove(run, "node-1", FIRST)).toBe(true);
      expect(await store.remove(run, "node-1", FIRST)).toBe(true);
      expect(await list(appId)).toEqual({ rows: [], hasMore: false });
    });

    it("removes all rows of a run from lists too, of whatever state, and none of another run", async () => {
      const [run, other, appId] = [newRun(), newRun(), newApp()];
      for (let at = 0; at < 30; at++) await put(run, { app: appId, nodeExecutionId: `node-${at}` });
      await put(other, { app: appId });

      for (let times = 0; times < 2; times++) {
        await store.removeAll(run);
        expect(await subject.rowsOf(run)).toEqual([]);
        expect((await list(appId)).rows.map(({ runId }) => runId)).toEqual([other.runId]);
      }
    });

    it("moves a row whose end, app or shard turns out to be another", async () => {
      const [run, appId, other] = [newRun(), newApp(), newApp()];
      await put(run, { app: appId });
      await put(run, { app: other, shard: 3, finishedAt: instant(9) });

      expect(idsOf(await list(appId))).toEqual([]);
      expect(idsOf(await list(other))).toEqual([]);
      expect(idsOf(await list(other, { shard: 3 }))).toEqual(["node-1"]);
    });

    describe("list", () => {
      const ENDS: [run: string, node: string, end: string][] = [
        ["b", "n2", "2026-11-22T10:00:00.000000002Z"],
        ["b", "n1", "2026-11-22T10:00:00.000000002Z"],
        ["a", "n9", "2026-11-22T10:00:00.000000002Z"],
        ["a-", "n1", "2026-11-22T10:00:00.000000001Z"],
        ["a", "n8", "2026-11-22T10:00:00.000000001Z"],
        ["a", "n7", "2026-11-22T09:59:59Z"],
      ];
      const fill = async (appId: string): Promise<string[]> => {
        for (const [run, nodeExecutionId, end] of ENDS.toSorted(() => -1)) {
          await put(runKey("demo", `${appId}-${run}`), { nodeExecutionId, app: appId, finishedAt: instant(end) });
        }
        return ENDS.map(([, node]) => node);
      };

      it("is newest first, to the nanosecond, then by run and node execution", async () => {
        const appId = newApp();
        const order = await fill(appId);

        expect(idsOf(await list(appId))).toEqual(order);
      });

      it.each([1, 2, 3, 5, 6])("is the same in pages of %i", async (limit) => {
        const appId = newApp();
        const order = await fill(appId);

        const found: string[] = [];
        let after: FailurePosition | undefined;
        for (let hasMore = true; hasMore; ) {
          const page = await list(appId, { limit, after });
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          found.push(...idsOf(page));
          hasMore = page.hasMore;
          after = page.rows.length === 0 ? after : positionOf(page.rows.at(-1) as FailureRow);
        }
        expect(found).toEqual(order);
      });

      it("begins with a failure where it is asked to", async () => {
        const appId = newApp();
        const order = await fill(appId);
        const third = (await list(appId)).rows[2] as FailureRow;
        const after = { ...positionOf(third), isIncluded: true };

        expect(idsOf(await list(appId, { after }))).toEqual(order.slice(2));
        expect(await list(appId, { after, limit: 1 })).toEqual({ rows: [third], hasMore: true });
      });

      it("goes on after a failure that is not there any more", async () => {
        const appId = newApp();
        await fill(appId);
        const after = { finishedAt: instant(ENDS[1]?.[2] ?? ""), runId: runKey("demo", `${appId}-b`).runId };

        expect(idsOf(await list(appId, { after: { ...after, nodeExecutionId: "n15" } }))).toEqual([
          "n1",
          "n9",
          "n1",
          "n8",
          "n7",
        ]);
      });

      it("is of a half-open span of time, from any place in it", async () => {
        const appId = newApp();
        await fill(appId);
        const [late, early] = [instant("2026-11-22T10:00:00.000000002Z"), instant("2026-11-22T10:00:00.000000001Z")];
        const first = (await list(appId)).rows[0] as FailureRow;

        expect(idsOf(await list(appId, { since: late }))).toEqual(["n2", "n1", "n9"]);
        expect(idsOf(await list(appId, { before: late }))).toEqual(["n1", "n8", "n7"]);
        expect(idsOf(await list(appId, { since: early, before: late }))).toEqual(["n1", "n8"]);
        expect(idsOf(await list(appId, { since: early, before: late, after: positionOf(first) }))).toEqual([
          "n1",
          "n8",
        ]);
        expect(idsOf(await list(appId, { since: late, after: positionOf(first) }))).toEqual(["n1", "n9"]);
        expect(await list(appId, { since: late, before: late })).toEqual({ rows: [], hasMore: false });
        expect(await list(appId, { since: late, before: early })).toEqual({ rows: [], hasMore: false });
      });

      it("holds failures of one tenant, app and shard only", async () => {
        const appId = newApp();
        await put(newRun(), { app: appId, nodeExecutionId: "own" });
        await put(newRun("acme"), { app: appId, nodeExecutionId: "theirs" });
        await put(newRun(), { app: `${appId}1`, nodeExecutionId: "other" });
        await put(newRun(), { app: appId, shard: 1, nodeExecutionId: "shard-1" });

        expect(idsOf(await list(appId))).toEqual(["own"]);
        expect(idsOf(await list(appId, { tenant: "acme" }))).toEqual(["theirs"]);
        expect(idsOf(await list(appId, { shard: 1 }))).toEqual(["shard-1"]);
      });

      it("is empty for an app that nobody knows", async () => {
        expect(await list(newApp())).toEqual({ rows: [], hasMore: false });
      });
    });

    it("fails with a fault that can be tried again where its storage is out of reach", async () => {
      const run = newRun();
      const { broken } = subject;
      await expectRetryableFault(broken.put(run, { row: failureRow(), moment: FIRST }));
      await expectRetryableFault(broken.remove(run, "node-1", FIRST));
      await expectRetryableFault(broken.removeAll(run));
      const { tenantId } = run;
      const query = { tenantId, appId: app("a"), shard: 0, since: undefined, before: undefined, after: undefined };
      await expectRetryableFault(broken.list({ ...query, limit: 1 }));
    });
  });
};
