import * as v from "valibot";
import { MOST_ROWS } from "../../shared/app/lists/list-runs.ts";
import { AppId, RunId } from "../../shared/contract/identifiers.ts";
import { ANY_RUN } from "../../shared/domain/run-filter.ts";
import { instant } from "../support/builders.ts";
import { idsOf, startLists, type ToList } from "../support/listed-runs.ts";

const appId = v.parse(AppId, "app-1");
const id = (runId: string) => v.parse(RunId, runId);
const named = (second: number): string => `run-${String(second).padStart(5, "0")}`;

/** Runs of one app, a second apart, of which those that `isRare` says have failed. */
const startMany = async (count: number, isRare: (second: number) => boolean = () => false) => {
  const lists = startLists();
  for (let second = 0; second < count; second++) {
    await lists.put(named(second), { second, row: { triggeredFrom: isRare(second) ? "rare" : "usual" } });
  }
  return lists;
};
const RARE = { ...ANY_RUN, triggeredFrom: "rare" };

describe("a page of runs", () => {
  it("of one list costs one read of one row more than it shows", async () => {
    const lists = await startMany(100);

    const page = await lists.list({ appId });

    expect(idsOf(page)).toEqual(Array.from({ length: 20 }, (_, index) => named(99 - index)));
    expect(page).toMatchObject({ hasMore: true, searchedUntil: undefined });
    expect(lists.read).toEqual({ rows: 21, queries: 1, atOnce: 1 });
  });

  it("of many lists reads a little of each, and goes on only where the newest are", async () => {
    const apps = Array.from({ length: 40 }, (_, index) => `app-${index}`);
    const lists = startLists({ apps });
    for (const [index, app] of apps.entries()) {
      for (let second = 0; second < 50; second++) {
        // The runs of one app are newer than all others.
        await lists.put(`${app}-${second}`, { app, second: index === 7 ? 1000 + second : second });
      }
    }

    const page = await lists.list();

    expect(idsOf(page)).toEqual(Array.from({ length: 20 }, (_, index) => `app-7-${49 - index}`));
    expect(lists.read.queries).toBe(41 + 2);
    expect(lists.read.rows).toBe(40 * 6 + 12 + 24);
    expect(lists.read.atOnce).toBeLessThanOrEqual(16);
  });

  it("merges shards, statuses and runs of no known app", async () => {
    const lists = startLists({ shards: 3 });
    await lists.put("a", { second: 5, shard: 2 });
    await lists.put("b", { second: 4, shard: 0, row: { status: "failed" } });
    await lists.put("c", { second: 3, shard: 1, row: { status: "paused" } });
    await lists.put("d", { second: 2, row: { appId: undefined } });
    await lists.put("e", { second: 1, shard: 1, row: { status: "succeeded" } });

    expect(idsOf(await lists.list())).toEqual(["a", "b", "c", "d", "e"]);
    expect(idsOf(await lists.list({ appId }))).toEqual(["a", "b", "c", "e"]);
    expect(idsOf(await lists.list({ filter: { ...ANY_RUN, statuses: ["failed", "running"] } }))).toEqual([
      "a",
      "b",
      "d",
    ]);
    expect(idsOf(await lists.list({ filter: { ...ANY_RUN, statuses: ["failed", "succeeded"] } }))).toEqual(["b", "e"]);
  });

  it("passes over what has expired, and says that there is more only where there is", async () => {
    const lists = startLists();
    for (let second = 0; second < 30; second++) {
      await lists.put(named(second), { second, expiresAfter: second < 28 ? 1 : 100 });
    }
    lists.clock.advance(1000);

    const page = await lists.list({ appId, limit: 2 });

    expect(idsOf(page)).toEqual([named(29), named(28)]);
    expect(page).toMatchObject({ hasMore: false, next: undefined, searchedUntil: undefined });
  });

  it("reads no further than the time that is asked for", async () => {
    const lists = await startMany(100);
    const created = { after: instant(50), before: instant(53) };

    const page = await lists.list({ appId, filter: { ...ANY_RUN, created } });

    expect(idsOf(page)).toEqual([52, 51, 50].map(named));
    expect(lists.read.rows).toBe(3);
  });

  it("shows a run once, in its later state, where it changes lists while they are read", async () => {
    const lists = startLists();
    for (const second of [1, 2, 3]) await lists.put(named(second), { second });
    let reads = 0;
    lists.beforeEachRead(async () => {
      if (++reads === 2) await lists.change(named(2), { second: 2, row: { status: "failed" } });
    });

    // The list of running runs is read before, that of the failed after the change.
    const page = await lists.list({ appId, filter: { ...ANY_RUN, statuses: ["running", "failed"] } });

    expect(idsOf(page)).toEqual([3, 2, 1].map(named));
    expect(page.runs[1]?.header.row.status).toBe("failed");
  });

  it("does not lose a run that leaves a list for one that was read before", async () => {
    const lists = startLists();
    for (const second of [1, 2, 3]) await lists.put(named(second), { second });
    let reads = 0;
    lists.beforeEachRead(async () => {
      if (++reads === 2) await lists.change(named(2), { second: 2, row: { status: "failed" } });
    });

    const page = await lists.list({ appId, filter: { ...ANY_RUN, statuses: ["failed", "running"] } });

    expect(idsOf(page)).toEqual([3, 2, 1].map(named));
  });

  it.each([
    [["failed"], 1],
    [["running", "running"], 1],
    [["succeeded", "running"], 1],
    // Runs pass from one into the other: a second look.
    [["running", "failed"], 4],
    [["failed", "stopped"], 4],
  ] as const)("of %j takes %i queries of one app", async (statuses, queries) => {
    const lists = startLists();
    await lists.list({ appId, filter: { ...ANY_RUN, statuses } });

    expect(lists.read.queries).toBe(queries);
  });

  it("is of one moment: a run that expires while it is read is shown or not by the time of the request", async () => {
    const lists = startLists();
    await lists.put("a", { expiresAfter: 5 });
    lists.beforeEachRead(async () => lists.clock.advance(10_000));

    expect(idsOf(await lists.list())).toEqual(["a"]);
    expect(idsOf(await lists.list())).toEqual([]);
  });
});

describe("a search for what is rare", () => {
  it("ends at its bound with nothing, and says how far it came and where to go on", async () => {
    const lists = await startMany(7_000, (second) => second === 10);

    const first = await lists.list({ appId, filter: RARE });
    expect(lists.read.rows).toBe(MOST_ROWS);
    expect(first).toMatchObject({ runs: [], hasMore: false, next: { runId: named(4_000) } });
    expect(first.searchedUntil).toBe(instant(4_000));

    const second = await lists.list({ appId, filter: RARE, after: first.next });
    expect(lists.read.rows).toBe(MOST_ROWS);
    expect(second).toMatchObject({ runs: [], hasMore: false, searchedUntil: instant(1_000) });

    const third = await lists.list({ appId, filter: RARE, after: second.next });
    expect(idsOf(third)).toEqual([named(10)]);
    expect(third).toMatchObject({ hasMore: false, next: undefined, searchedUntil: undefined });
  });

  it("that found one shows it, and cannot know of another", async () => {
    const lists = await startMany(100, (second) => second === 90 || second === 10);

    const first = await lists.list({ appId, filter: RARE }, 50);
    expect(idsOf(first)).toEqual([named(90)]);
    expect(first).toMatchObject({ hasMore: false, next: { runId: named(50) }, searchedUntil: instant(50) });

    const second = await lists.list({ appId, filter: RARE, after: first.next }, 50);
    expect(idsOf(second)).toEqual([named(10)]);
    expect(second.next).toBeDefined();

    expect(await lists.list({ appId, filter: RARE, after: second.next }, 50)).toMatchObject({
      runs: [],
      next: undefined,
    });
  });

  it("that found several keeps the last for the next page, so that this is not empty", async () => {
    const lists = await startMany(200, (second) => [190, 180, 160, 20].includes(second));

    const first = await lists.list({ appId, filter: RARE }, 50);
    expect(idsOf(first)).toEqual([named(190), named(180)]);
    expect(first).toMatchObject({ hasMore: true, searchedUntil: instant(150) });

    const second = await lists.list({ appId, filter: RARE, after: first.next }, 50);
    expect(idsOf(second)).toEqual([named(160)]);
    expect(second).toMatchObject({ hasMore: false, searchedUntil: instant(111) });
  });

  it("starts the next page at the run that is known to follow, without searching for it again", async () => {
    const lists = await startMany(2_000, (second) => second >= 1_990 || second < 10);

    const first = await lists.list({ appId, filter: RARE, limit: 10 });
    expect(first).toMatchObject({ hasMore: true, next: { runId: named(9), isIncluded: true } });

    const second = await lists.list({ appId, filter: RARE, limit: 10, after: first.next });
    expect(idsOf(second)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map(named));
    expect(lists.read.rows).toBe(10);
  });

  it("never looks at more than its bound, in however many lists", async () => {
    const apps = Array.from({ length: 30 }, (_, index) => `app-${index}`);
    const lists = startLists({ apps, shards: 2 });
    for (const app of apps) {
      for (let second = 0; second < 40; second++) {
        await lists.put(`${app}-${second}`, { app, second, shard: second % 2 });
      }
    }

    const statuses = ["running" as const, "failed" as const];
    for (const [mostRows, filter, bound = mostRows] of [
      ...[122, 500, 1000].map((most) => [most, RARE] as const),
      ...[488, 1000].map((most) => [most, { ...RARE, statuses }] as const),
      // A row of each list is more than half of it: 61 lists, and 122 of them read twice.
      [40, RARE, 61 + 20] as const,
      [100, { ...RARE, statuses }, 2 * 122 + 50] as const,
    ]) {
      const page = await lists.list({ filter }, mostRows);
      expect(page).toMatchObject({ runs: [], hasMore: false, next: expect.anything() });
      expect(lists.read.rows).toBeGreaterThan(59);
      expect(lists.read.rows).toBeLessThanOrEqual(bound);
      expect(lists.read.atOnce).toBeLessThanOrEqual(16);
    }
  });
});

describe("a version that is asked for", () => {
  /** Lists that lag: they show what was there before `change`. */
  const startLagging = async (before: readonly [string, ToList][], after: readonly [string, ToList][]) => {
    const lists = startLists();
    for (const [runId, run] of before) await lists.put(runId, run);
    const { store, stores } = lists;
    const old = startLists();
    for (const [runId, run] of before) await old.put(runId, run);
    for (const [runId, run] of after) {
      const isNew = !before.some(([other]) => other === runId);
      await (isNew ? lists.put(runId, run) : lists.change(runId, run));
    }
    stores.runs = { ...store, list: old.store.list, listOffspring: old.store.listOffspring };
    return lists;
  };
  const RUNNING: readonly [string, ToList][] = [4, 3, 2].map((second) => [named(second), { second }]);
  const versions = (...of: [string, number][]) => new Map(of.map(([runId, rev]) => [id(runId), rev]));
  const failed = { row: { status: "failed" as const } };

  it("is read where the list lags", async () => {
    const lists = await startLagging(RUNNING, [[named(3), { second: 3, ...failed }]]);

    const page = await lists.list({ appId, minVersions: versions([named(3), 2]) });

    expect(idsOf(page)).toEqual([4, 3, 2].map(named));
    expect(page.runs[1]).toMatchObject({ isStale: false, header: { rev: 2, row: { status: "failed" } } });
    expect((await lists.list({ appId })).runs[1]).toMatchObject({ isStale: false, header: { rev: 1 } });
  });

  it("that is not there yet makes its run stale", async () => {
    const lists = await startLagging(RUNNING, []);

    const page = await lists.list({ appId, minVersions: versions([named(3), 2]) });

    expect(page.runs.map(({ isStale }) => isStale)).toEqual([false, true, false]);
  });

  it("leaves a run out that does not match any more, and the page is filled all the same", async () => {
    const lists = await startLagging(RUNNING, [[named(4), { second: 4, ...failed }]]);
    const query = {
      appId,
      limit: 1,
      minVersions: versions([named(4), 2]),
      filter: { ...ANY_RUN, statuses: ["running" as const] },
    };

    const page = await lists.list(query);

    expect(idsOf(page)).toEqual([named(3)]);
    expect(page.hasMore).toBe(true);
  });

  it("puts a run in its place that the list does not show yet", async () => {
    const lists = await startLagging(RUNNING, [
      [named(3), { second: 3, ...failed }],
      ["new", { second: 3.5, ...failed }],
    ]);
    const minVersions = versions([named(3), 2], ["new", 1]);

    expect(idsOf(await lists.list({ appId, minVersions }))).toEqual([named(4), "new", named(3), named(2)]);
    const filter = { ...ANY_RUN, statuses: ["failed" as const] };
    expect(idsOf(await lists.list({ appId, minVersions, filter }))).toEqual(["new", named(3)]);
    expect(idsOf(await lists.list({ minVersions, filter }))).toEqual(["new", named(3)]);
  });

  it("shows its run on one page only", async () => {
    const lists = await startLagging(RUNNING, [["new", { second: 3.5 }]]);
    const query = { appId, limit: 1, minVersions: versions(["new", 1]) };
    const pages: string[] = [];
    for (let after: Awaited<ReturnType<typeof lists.list>>["next"]; ; ) {
      const page = await lists.list({ ...query, after });
      pages.push(...idsOf(page));
      after = page.next;
      if (after === undefined) break;
    }

    expect(pages).toEqual([named(4), "new", named(3), named(2)]);
  });

  it("shows no run of another app, of another time, expired, deleted or unknown", async () => {
    const lists = await startLagging(RUNNING, [
      ["other", { app: "app-2", second: 9 }],
      ["old", { second: 8, expiresAfter: 0 }],
      ["late", { second: 7 }],
    ]);
    await lists.store.bury(
      { tenantId: id("lister") as never, runId: id(named(3)) },
      { rev: 1, deletedAt: 0, expiresAt: 0 },
    );
    const minVersions = versions(["other", 1], ["old", 1], ["late", 1], ["nobody", 1], [named(3), 1]);
    const created = { after: undefined, before: instant(7) };

    expect(idsOf(await lists.list({ appId, minVersions, filter: { ...ANY_RUN, created } }))).toEqual([4, 2].map(named));
  });

  it("gives way to a later one that the list shows already", async () => {
    const lists = startLists();
    await lists.put("a", { second: 1 });
    lists.beforeEachRead(() => lists.change("a", { second: 1, ...failed }));

    const page = await lists.list({ appId, minVersions: versions(["a", 2]) });

    expect(page.runs).toMatchObject([{ isStale: false, header: { rev: 2, row: { status: "failed" } } }]);
  });
});
