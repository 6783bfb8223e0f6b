import * as v from "valibot";
import { listRuns, type RunListPage, type RunListQuery } from "../../shared/app/lists/list-runs.ts";
import { AppId, type RunId, type RunKey } from "../../shared/contract/identifiers.ts";
import type { AppSettings } from "../../shared/domain/app-settings.ts";
import { type Header, headerOf } from "../../shared/domain/header.ts";
import { ANY_RUN } from "../../shared/domain/run-filter.ts";
import type { ListPage, RunStore } from "../../shared/ports/run-store.ts";
import { ledger, type Saying, sent, ZERO } from "./builders.ts";
import { manualClock } from "./manual-clock.ts";
import { memoryRunStore } from "./memory-run-store.ts";
import { runKey } from "./service.ts";

/** A run as a test puts it into lists: its start in seconds after {@link ZERO}, and what its row shows. */
export interface ToList {
  readonly app?: string | undefined;
  readonly second?: number;
  readonly row?: Partial<Header["row"]>;
  readonly shard?: number;
  /** Seconds after {@link ZERO}. */
  readonly expiresAfter?: number;
  readonly saying?: Saying;
}

/** The header of a run to be listed. */
export const listedHeader = (of: ToList = {}): Header => {
  const { app = "app-1", second = 0, row = {}, shard = 0, expiresAfter = 1_000_000, saying = {} } = of;
  const header = headerOf(ledger(sent("run.started", { app_id: app, at: second, ...saying })));
  return { ...header, row: { ...header.row, ...row }, shard, expiresAt: ZERO / 1000 + expiresAfter };
};

/** What was read for an answer. */
export interface ReadSoFar {
  rows: number;
  queries: number;
  atOnce: number;
}

/** Lists of one tenant over a store in memory. `shards` are read of every app. */
export const startLists = (of: { readonly shards?: number; readonly apps?: readonly string[] } = {}) => {
  const { shards = 1, apps = ["app-1"] } = of;
  const store = memoryRunStore();
  const clock = manualClock(new Date(ZERO).toISOString());
  const read: ReadSoFar = { rows: 0, queries: 0, atOnce: 0 };
  let underWay = 0;
  let beforeRead = async (): Promise<void> => undefined;
  const counted = async (query: () => Promise<ListPage>): Promise<ListPage> => {
    read.queries++;
    read.atOnce = Math.max(read.atOnce, ++underWay);
    await beforeRead();
    const page = await query();
    underWay--;
    read.rows += page.headers.length;
    return page;
  };
  const runs: RunStore = {
    ...store,
    list: (query) => counted(() => store.list(query)),
    listOffspring: (query) => counted(() => store.listOffspring(query)),
  };
  const settings = new Map(
    apps.map((app) => [v.parse(AppId, app), { readShards: shards } as unknown as AppSettings] as const),
  );
  const stores = {
    runs,
    clock,
    apps: {
      list: async () => apps.map((app) => ({ appId: v.parse(AppId, app), registeredAt: 0 })),
    },
    settings: { ofTenant: async () => ({ apps: settings }) },
  };
  const keyOf = (runId: string): RunKey => runKey("lister", runId);
  return {
    store,
    clock,
    stores,
    read,
    /** What happens before each page of a list is read. */
    beforeEachRead: (happens: () => Promise<void>) => {
      beforeRead = happens;
    },
    put: async (runId: string, run: ToList = {}): Promise<void> => {
      expect(await store.create(keyOf(runId), listedHeader(run))).toBe(true);
    },
    /** Puts another state in place of a run's. */
    change: async (runId: string, run: ToList): Promise<void> => {
      const present = { rev: (await store.find(keyOf(runId)))?.rev ?? 0, touches: 0, hold: undefined };
      expect(await store.replace(keyOf(runId), listedHeader(run), present)).toBe(true);
    },
    list: async (query: Partial<RunListQuery> = {}, mostRows?: number): Promise<RunListPage> => {
      Object.assign(read, { rows: 0, queries: 0, atOnce: 0 });
      const all = {
        tenantId: keyOf("any").tenantId,
        appId: undefined,
        filter: ANY_RUN,
        after: undefined,
        limit: 20,
        minVersions: new Map<RunId, number>(),
      };
      return listRuns(stores, { ...all, ...query }, mostRows);
    },
  };
};

/** Ids of a page's runs. */
export const idsOf = (page: RunListPage): string[] => page.runs.map(({ header }) => header.runId);
