import fc from "fast-check";
import * as v from "valibot";
import { listRuns, type RunListPage, type RunListQuery } from "../../shared/app/lists/list-runs.ts";
import { newestFirst } from "../../shared/app/lists/merge-lists.ts";
import { AppId, RunId } from "../../shared/contract/identifiers.ts";
import { RUN_STATUSES, type RunStatus } from "../../shared/contract/run-status.ts";
import type { AppSettings } from "../../shared/domain/app-settings.ts";
import { type Header, headerOf } from "../../shared/domain/header.ts";
import { ANY_RUN, type RunFilter } from "../../shared/domain/run-filter.ts";
import type { ListedHeader, ListPage, RunStore } from "../../shared/ports/run-store.ts";
import { instant, ledger, sent, ZERO } from "../support/builders.ts";
import { manualClock } from "../support/manual-clock.ts";
import { memoryRunStore } from "../support/memory-run-store.ts";
import { runKey } from "../support/service.ts";

const CASES = Number(process.env["RUNSTONE_PROPERTY_CASES"] ?? 500);
const SEED = 20_261_122;

const TENANT = runKey("pager", "any").tenantId;
const PARENT = v.parse(RunId, "parent");
const LONG = "a long word that no row has room for, ".repeat(3);

/** Few moments and values, so that many are equal. */
const status = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(...RUN_STATUSES) },
  { weight: 2, arbitrary: fc.constantFrom<RunStatus>("running", "paused", "failed", "stopped") },
);
const anyRun = fc.record({
  /** The last is none: the app is not known yet. */
  app: fc.nat({ max: 4 }),
  shard: fc.nat({ max: 2 }),
  second: fc.integer({ min: 0, max: 5 }),
  status,
  triggeredFrom: fc.constantFrom("webhook", `${LONG}1`, `${LONG}2`),
  tags: fc.subarray(["a", "b", `${LONG}3`, `${LONG}4`]),
  exceptions: fc.nat({ max: 1 }),
  elapsed: fc.constantFrom(0.5, 2, 10),
  hasParent: fc.boolean(),
  expiresAfter: fc.option(fc.integer({ min: 1, max: 20 }), { nil: 1_000_000 }),
});
type AnyRun = typeof anyRun extends fc.Arbitrary<infer T> ? T : never;

const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("insert" as const), run: anyRun }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("change" as const), which: fc.nat(), status }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 8 }) }) },
);

/** Mostly nothing: all filters at once leave no run. */
const maybe = <T>(some: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: some });
const question = fc.record({
  app: fc.option(fc.nat({ max: 3 }), { nil: undefined, freq: 2 }),
  statuses: fc.oneof(
    fc.constant<RunStatus[]>([]),
    fc.subarray([...RUN_STATUSES]),
    fc.subarray<RunStatus>(["running", "paused", "failed"], { minLength: 1 }),
    fc.constant<RunStatus[]>(["failed", "stopped"]),
  ),
  triggeredFrom: maybe(fc.constantFrom("webhook", `${LONG}1`)),
  tags: maybe(fc.subarray(["a", `${LONG}3`])),
  hasExceptions: maybe(fc.boolean()),
  minElapsed: maybe(fc.constantFrom(1, 2)),
  from: maybe(fc.integer({ min: 0, max: 3 })),
  before: maybe(fc.integer({ min: 3, max: 6 })),
  isOfParent: maybe(fc.constant(true)),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

const schedule = fc.record({
  shards: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 4 }),
  runs: fc.array(anyRun, { maxLength: 80, size: "max" }),
  actions: fc.array(action, { maxLength: 40, size: "max" }),
  pace: fc.infiniteStream(fc.nat({ max: 3 })),
  question,
  limit: fc.integer({ min: 1, max: 6 }),
  mostRows: fc.constantFrom(12, 30, 100, 3000),
});

const appOf = (app: number): AppId => v.parse(AppId, `app-${app}`);

/** What this test holds of a run: the store's own matching is not asked. */
interface Model extends AnyRun {
  readonly runId: string;
  readonly header: Header;
}

const isMatch = (run: Model, asked: Question): boolean =>
  (asked.app === undefined || run.app === asked.app) &&
  (asked.statuses.length === 0 || asked.statuses.includes(run.status)) &&
  (asked.triggeredFrom === undefined || run.triggeredFrom === asked.triggeredFrom) &&
  (asked.tags ?? []).every((tag) => run.tags.includes(tag)) &&
  (asked.hasExceptions === undefined || run.exceptions > 0 === asked.hasExceptions) &&
  (asked.minElapsed === undefined || run.elapsed >= asked.minElapsed) &&
  (asked.from === undefined || run.second >= asked.from) &&
  (asked.before === undefined || run.second < asked.before) &&
  (asked.isOfParent === undefined || run.hasParent);

const filterOf = (asked: Question): RunFilter => ({
  ...ANY_RUN,
  statuses: asked.statuses,
  triggeredFrom: asked.triggeredFrom,
  tags: asked.tags ?? [],
  hasExceptions: asked.hasExceptions,
  minElapsedSeconds: asked.minElapsed,
  created: {
    after: asked.from === undefined ? undefined : instant(asked.from),
    before: asked.before === undefined ? undefined : instant(asked.before),
  },
  parentRunId: asked.isOfParent ? PARENT : undefined,
});

const modelOf = (runId: string, run: AnyRun, shards: readonly number[]): Model => {
  const start = sent("run.started", {
    app_id: appOf(run.app),
    at: run.second,
    triggered_from: run.triggeredFrom,
    tags: run.tags,
    ...(run.hasParent ? { parent_run_id: PARENT } : {}),
  });
  const header = headerOf(ledger(start));
  const appId = run.app > 3 ? undefined : header.row.appId;
  const row = { ...header.row, appId, status: run.status, exceptionsCount: run.exceptions, elapsedTime: run.elapsed };
  const shard = run.shard % (shards[run.app] ?? 1);
  return { ...run, runId, header: { ...header, row, shard, expiresAt: ZERO / 1000 + run.expiresAfter } };
};

const withStatus = (run: Model, changed: RunStatus): Model => ({
  ...run,
  status: changed,
  header: { ...run.header, row: { ...run.header.row, status: changed } },
});

type Schedule = typeof schedule extends fc.Arbitrary<infer T> ? T : never;

/** Runs of a store that change as a schedule says, whenever the store is read. */
const startWorld = (given: Schedule) => {
  const clock = manualClock(new Date(ZERO).toISOString());
  const store = memoryRunStore();
  const runs = new Map<string, Model>();
  /** Runs that were there and matched all the time. */
  const steady = new Set<string>();
  const waiting = [...given.actions];
  const counted = { rows: 0, actions: 0 };
  let touched = new Set<string>();
  let names = 0;

  const insert = async (run: AnyRun): Promise<string> => {
    const model = modelOf(`run-${String(++names * 7919).slice(-4)}-${names}`, run, given.shards);
    runs.set(model.runId, model);
    await store.create(runKey(TENANT, model.runId), model.header);
    return model.runId;
  };
  const revOf = async (runId: string): Promise<number> => (await store.find(runKey(TENANT, runId)))?.rev ?? 0;
  const change = async (run: Model, changed: RunStatus): Promise<void> => {
    const model = withStatus(run, changed);
    runs.set(run.runId, model);
    if (!isMatch(model, given.question)) steady.delete(run.runId);
    const present = { rev: await revOf(run.runId), touches: 0, hold: undefined };
    expect(await store.replace(runKey(TENANT, run.runId), model.header, present)).toBe(true);
  };

  const act = async (isReading: boolean): Promise<void> => {
    const next = waiting.shift();
    if (next === undefined) return;
    counted.actions++;
    if (next.kind === "insert") touched.add(await insert(next.run));
    if (next.kind === "wait") clock.advance(next.seconds * 1000);
    if (next.kind !== "change" && next.kind !== "remove") return;
    const run = [...runs.values()][next.which % Math.max(1, runs.size)];
    // One change of a run while a request reads: two could hide it from any two looks.
    if (run === undefined || (isReading && touched.has(run.runId))) return;
    touched.add(run.runId);
    if (next.kind === "remove") {
      runs.delete(run.runId);
      steady.delete(run.runId);
      await store.bury(runKey(TENANT, run.runId), { rev: await revOf(run.runId), deletedAt: 0, expiresAt: 0 });
    } else {
      await change(run, next.status);
    }
  };

  const reading = async (read: () => Promise<ListPage>): Promise<ListPage> => {
    if (given.pace.next().value === 0) await act(true);
    const page = await read();
    counted.rows += page.headers.length;
    if (given.pace.next().value === 0) await act(true);
    return page;
  };
  const watched: RunStore = {
    ...store,
    list: (query) => reading(() => store.list(query)),
    listOffspring: (query) => reading(() => store.listOffspring(query)),
  };
  const settings = new Map(
    given.shards.map((readShards, app) => [appOf(app), { readShards } as unknown as AppSettings] as const),
  );
  const stores = {
    runs: watched,
    clock,
    apps: { list: async () => [0, 1, 2, 3].map((app) => ({ appId: appOf(app), registeredAt: 0 })) },
    settings: { ofTenant: async () => ({ apps: settings }) },
  };
  return {
    runs,
    steady,
    counted,
    clock,
    insert,
    act,
    request: async (query: RunListQuery): Promise<RunListPage> => {
      touched = new Set();
      counted.rows = 0;
      return listRuns(stores, query, given.mostRows);
    },
  };
};

const LISTS_AT_MOST = 13 * RUN_STATUSES.length;

test(`pages hold every run that was there throughout, once and in order, whatever happens meanwhile (${CASES} schedules)`, async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (given) => {
      const world = startWorld(given);
      for (const run of given.runs) {
        const runId = await world.insert(run);
        if (isMatch(world.runs.get(runId) as Model, given.question)) world.steady.add(runId);
      }
      const { app } = given.question;
      const query: RunListQuery = {
        tenantId: TENANT,
        appId: app === undefined ? undefined : appOf(app),
        filter: filterOf(given.question),
        after: undefined,
        limit: given.limit,
        minVersions: new Map(),
      };

      const shown: ListedHeader[] = [];
      let page: RunListPage | undefined;
      let isRunExpected = false;
      for (let pages = 0; page === undefined || page.next !== undefined; pages++) {
        if (pages > 2_000) throw new Error("expected the pages to end");
        const actionsBefore: number = world.counted.actions;
        const now: number = world.clock.now();
        page = await world.request({ ...query, after: page?.next });
        const headers: ListedHeader[] = page.runs.map(({ header }) => header);

        expect(world.counted.rows).toBeLessThanOrEqual(given.mostRows + 2 * LISTS_AT_MOST);
        expect(headers.length).toBeLessThanOrEqual(given.limit);
        if (page.hasMore) expect(headers).not.toEqual([]);
        if (isRunExpected && world.counted.actions === actionsBefore) expect(headers).not.toEqual([]);
        if (!page.hasMore && page.next !== undefined) expect(page.searchedUntil).toBe(page.next.listedAt);
        for (const { expiresAt } of headers) expect(expiresAt * 1000).toBeGreaterThan(now);
        // What the reading saw last may have gone before its answer was there.
        isRunExpected = page.hasMore && world.counted.actions === actionsBefore;
        shown.push(...headers);
        if (given.pace.next().value === 0) {
          await world.act(false);
          isRunExpected = false;
        }
      }

      const ids = shown.map(({ runId }) => runId as string);
      expect(new Set(ids).size).toBe(ids.length);
      expect(shown.toSorted(newestFirst)).toEqual(shown);
      const end = world.clock.now();
      const expected = [...world.steady].filter((runId) => (world.runs.get(runId)?.header.expiresAt ?? 0) * 1000 > end);
      expect(expected.filter((runId) => !ids.includes(runId))).toEqual([]);
      for (const header of shown) {
        const asked = { ...given.question, app: undefined };
        const model = world.runs.get(header.runId);
        if (model !== undefined) expect(isMatch({ ...model, status: header.row.status }, asked)).toBe(true);
      }
    }),
    { numRuns: CASES, seed: SEED },
  );
}, 300_000);
