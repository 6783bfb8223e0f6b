import * as v from "valibot";
import { type CountPosition, countRuns, MOST_COUNTED_ROWS, type RunCount } from "../../shared/app/lists/count-runs.ts";
import { AppId } from "../../shared/contract/identifiers.ts";
import { instantOf } from "../../shared/contract/instant.ts";
import type { AppSettings } from "../../shared/domain/app-settings.ts";
import type { ListedState, RunStore } from "../../shared/ports/run-store.ts";
import { ZERO } from "../support/builders.ts";
import { listedHeader } from "../support/listed-runs.ts";
import { manualClock } from "../support/manual-clock.ts";
import { memoryRunStore } from "../support/memory-run-store.ts";
import { runKey } from "../support/service.ts";

const { tenantId } = runKey("counter", "any");
const appId = v.parse(AppId, "app-1");
const ANY_TIME = { after: undefined, before: undefined };

const storesOf = (runs: Pick<RunStore, "listStates">, shards = 1) => ({
  runs,
  clock: manualClock(new Date(ZERO).toISOString()),
  settings: {
    ofTenant: async () => ({
      apps: new Map([[appId, { readShards: shards } as unknown as AppSettings]]),
    }),
  },
});

/** Shards of so many runs each, read some thousand at a time, as DynamoDB does. */
const manyRuns = (...sizes: readonly number[]): Pick<RunStore, "listStates"> & { rows: number } => {
  const state: ListedState = { status: "failed", expiresAt: ZERO };
  const store = {
    rows: 0,
    listStates: async ({ shard, after, limit }: Parameters<RunStore["listStates"]>[0]) => {
      const from = after === undefined ? 0 : Number(after.runId);
      const count = Math.min(limit, 2_300, (sizes[shard] ?? 0) - from);
      store.rows += count;
      const isAtEnd = from + count >= (sizes[shard] ?? 0) && count < limit;
      return {
        states: Array.from({ length: count }, () => state),
        reached: isAtEnd ? undefined : { listedAt: instantOf(ZERO), runId: String(from + count) },
      };
    },
  };
  return store;
};

const countAll = async (stores: ReturnType<typeof storesOf>): Promise<RunCount[]> => {
  const parts: RunCount[] = [];
  let position: CountPosition | undefined;
  do {
    const part = await countRuns(stores, { tenantId, appId, created: ANY_TIME, position });
    parts.push(part);
    position = part.next;
  } while (position !== undefined);
  return parts;
};

describe("counting", () => {
  it.each([
    [[100]],
    [[MOST_COUNTED_ROWS - 1]],
    [[MOST_COUNTED_ROWS]],
    [[MOST_COUNTED_ROWS + 1]],
    [[50_000]],
    [[0, 30_000, 0, 5]],
    [[19_999, 19_999, 19_999]],
  ])("of shards of %j runs comes in parts of a bounded size that add up", async (sizes) => {
    const runs = manyRuns(...sizes);
    const stores = storesOf(runs, sizes.length);
    const total = sizes.reduce((sum, size) => sum + size, 0);

    const parts = await countAll(stores);

    expect(parts.reduce((sum, { byStatus }) => sum + byStatus.failed, 0)).toBe(total);
    for (const { byStatus } of parts) expect(byStatus.failed).toBeLessThanOrEqual(MOST_COUNTED_ROWS);
    expect(runs.rows).toBe(total);
    expect(parts.length).toBeLessThanOrEqual(Math.floor(total / MOST_COUNTED_ROWS) + 1);
  });

  it("goes by one moment, however long it takes", async () => {
    const store = memoryRunStore();
    const stores = storesOf({
      listStates: (query) => {
        stores.clock.advance(10_000);
        return store.listStates(query);
      },
    });
    await store.create(runKey("counter", "a"), listedHeader({ expiresAfter: 5 }));

    expect((await countAll(stores))[0]?.byStatus.running).toBe(1);
    expect((await countAll(stores))[0]?.byStatus.running).toBe(0);
  });

  it("of a place that no shard has ends at once", async () => {
    const position = { shard: 9, after: undefined };

    expect(await countRuns(storesOf(manyRuns(5)), { tenantId, appId, created: ANY_TIME, position })).toMatchObject({
      byStatus: { failed: 0 },
      next: undefined,
    });
  });
});
