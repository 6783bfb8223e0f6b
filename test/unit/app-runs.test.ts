import * as v from "valibot";
import { type AppRunsQuery, appRuns } from "../../shared/app/upkeep/app-runs.ts";
import { visitRuns } from "../../shared/app/upkeep/visit-runs.ts";
import { AppId, TenantId } from "../../shared/contract/identifiers.ts";
import { headerOf } from "../../shared/domain/header.ts";
import type { ListedHeader, RunStore } from "../../shared/ports/run-store.ts";
import { instant, ledger, sent } from "../support/builders.ts";
import { memoryRunStore } from "../support/memory-run-store.ts";
import { runKey } from "../support/service.ts";

const QUERY: AppRunsQuery = {
  tenantId: v.parse(TenantId, "demo"),
  appId: v.parse(AppId, "app-1"),
  shards: 3,
  after: undefined,
};

/** So many runs in three shards, some of one moment; they are numbered in the order of lists, the oldest first. */
const storeOf = async (count: number): Promise<RunStore> => {
  const store = memoryRunStore();
  for (let index = 0; index < count; index++) {
    const header = headerOf(ledger(sent("run.started", { at: Math.floor(index / 2) })));
    const name = `run-${String(index).padStart(5, "0")}`;
    await store.create(runKey("demo", name), { ...header, shard: (index * 7) % 3 });
  }
  return store;
};

const numbersOf = async (runs: RunStore, query: Partial<AppRunsQuery> = {}): Promise<number[]> =>
  (await Array.fromAsync(appRuns({ runs }, { ...QUERY, ...query }))).map(({ runId }) => Number(runId.slice(4)));

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("the runs of an app", () => {
  it.each([0, 1, 5, 1000])("come from all shards in one order, newest or oldest first: %i", async (count) => {
    const runs = await storeOf(count);

    expect(await numbersOf(runs)).toEqual(upTo(count).reverse());
    expect(await numbersOf(runs, { isOldestFirst: true })).toEqual(upTo(count));
  });

  it("go on after the last one, in either order, and end where they shall", async () => {
    const runs = await storeOf(100);
    const after = { listedAt: instant(20), runId: "run-00040" };

    expect(await numbersOf(runs, { after })).toEqual(upTo(40).reverse());
    expect(await numbersOf(runs, { after, isOldestFirst: true })).toEqual(upTo(100).slice(41));
    expect(await numbersOf(runs, { after, isOldestFirst: true, before: instant(25) })).toEqual(upTo(50).slice(41));
  });

  it("are read as far as they are asked for", async () => {
    const runs = await storeOf(2000);
    let rows = 0;
    const counting: RunStore = {
      ...runs,
      list: async (query) => {
        const page = await runs.list(query);
        rows += page.headers.length;
        return page;
      },
    };
    for await (const { runId } of appRuns({ runs: counting }, QUERY)) if (runId === "run-01900") break;

    expect(rows).toBeLessThan(400);
  });
});

describe("a visit", () => {
  const visit = async (
    count: number,
    limits: { mostRuns?: number; turns?: number },
    work: (header: ListedHeader, index: number) => Promise<void> = async () => undefined,
  ) => {
    const runs = await storeOf(count);
    let turns = 0;
    const isOutOfTime = (): boolean => ++turns > (limits.turns ?? Number.POSITIVE_INFINITY);
    return visitRuns(appRuns({ runs }, QUERY), { mostRuns: limits.mostRuns ?? 1_000_000, isOutOfTime }, work);
  };

  it("deals with each run once, and counts them in order", async () => {
    const seen: [string, number][] = [];
    const visited = await visit(100, {}, async ({ runId }, index) => void seen.push([runId, index]));

    expect(visited).toMatchObject({ isOver: true, seen: 100, failures: [] });
    const inOrder = upTo(100).map((index) => [`run-${String(99 - index).padStart(5, "0")}`, index]);
    expect(seen.sort(([, a], [, b]) => a - b)).toEqual(inOrder);
  });

  it.each([1, 31, 32, 33, 99])("ends after %i runs, and says which was the last", async (mostRuns) => {
    let dealtWith = 0;
    const visited = await visit(100, { mostRuns }, async () => void dealtWith++);

    expect(visited).toMatchObject({ isOver: false, seen: mostRuns });
    expect(dealtWith).toBe(mostRuns);
    expect(visited.after?.runId).toBe(`run-${String(100 - mostRuns).padStart(5, "0")}`);
  });

  it("ends where time is over, after what it has begun", async () => {
    const visited = await visit(100, { turns: 1 });

    expect(visited).toMatchObject({ isOver: false, seen: 64 });
  });

  it("deals with the others where one cannot be dealt with, and says what went wrong", async () => {
    let dealtWith = 0;
    const visited = await visit(100, {}, async (_, index) => {
      if (index % 10 === 3) throw new Error(`run ${index}`);
      dealtWith++;
    });

    expect(dealtWith).toBe(90);
    expect(visited).toMatchObject({ isOver: true, seen: 100 });
    expect(visited.failures).toHaveLength(10);
  });
});
