import type { TenantId } from "../../contract/identifiers.ts";
import { policyOf, shardsToRead } from "../../domain/app-settings.ts";
import type { KnownApp } from "../../ports/app-registry.ts";
import type { AppUpkeep, StoredUpkeep } from "../../ports/upkeep-store.ts";
import { closeStatistics } from "../statistics/close-statistics.ts";
import type { AppVisit, UpkeepStep, UpkeepStores } from "./app-visit.ts";
import { retentionApplier } from "./apply-retention.ts";
import { lostRunCloser } from "./close-lost-runs.ts";
import { beyondLastExpirer } from "./expire-beyond-last.ts";
import { outlivingKeeper } from "./keep-outliving.ts";

/** What visits have done: runs, and periods of statistics. */
export interface Done {
  /** Closed, as they went silent. */
  readonly lost: number;
  /** Given another expiry, as settings were changed. */
  readonly moved: number;
  /** Expired, as newer ones are as many as are kept. */
  readonly beyondLast: number;
  /** Kept longer than what is kept of them was to be. */
  readonly outliving: number;
  /** Summed up. */
  readonly quarters: number;
}

/** One of the things that a visit does. */
export type UpkeepTask = keyof Done;

/** How long a visit may go on, and what it is for. */
export interface VisitOrder {
  /** Whether there is no time to begin anything more. */
  readonly isOutOfTime: () => boolean;
  /** Undefined: everything. */
  readonly tasks?: readonly UpkeepTask[];
}

/** What became of a visit to an app. */
export interface AppVisited {
  readonly done: Partial<Done>;
  /** What there is more to do of at once. */
  readonly more: readonly UpkeepTask[];
  readonly failures: readonly unknown[];
  /** What is remembered of the app now. */
  readonly upkeep: StoredUpkeep;
}

/** Visits apps. */
export interface AppVisitor {
  /** Does a share of what there is to do for an app. What fails in one thing does not keep the others from being done. */
  visit(app: KnownApp, order: VisitOrder): Promise<AppVisited>;
  /** The same for a tenant's runs whose app is not known yet: of those only silent ones are closed. */
  visitUnknown(tenantId: TenantId, isOutOfTime: () => boolean): Promise<Pick<AppVisited, "done" | "failures">>;
}

const NOTHING_REMEMBERED: StoredUpkeep = {
  upkeep: {
    lostAfter: undefined,
    kept: undefined,
    retention: undefined,
    newest: undefined,
    outliving: undefined,
    span: undefined,
  },
  rev: 0,
};

/** What is remembered is small and of plain values. */
const isSame = (a: AppUpkeep, b: AppUpkeep): boolean => JSON.stringify(a) === JSON.stringify(b);

const stepsOf = (
  stores: UpkeepStores,
  closeLost: ReturnType<typeof lostRunCloser>,
): readonly (readonly [UpkeepTask, UpkeepStep])[] => [
  [
    "lost",
    async ({ app, settings, shards, isOutOfTime }, upkeep) => {
      const after = upkeep.lostAfter;
      const { closed, isOver, failures, ...visited } = await closeLost({
        ...app,
        shards,
        after,
        idleSeconds: settings?.idle_timeout,
        isOutOfTime,
      });
      const lostAfter = isOver ? undefined : (visited.after ?? after);
      return { upkeep: { ...upkeep, lostAfter }, changed: closed, hasMore: !isOver, failures };
    },
  ],
  ["moved", retentionApplier(stores)],
  ["beyondLast", beyondLastExpirer(stores)],
  ["outliving", outlivingKeeper(stores)],
  [
    "quarters",
    async ({ app, isOutOfTime }, upkeep) => {
      const { closed, hasMore } = await closeStatistics(stores, app, { now: stores.clock.now(), isOutOfTime });
      return { upkeep, changed: closed, hasMore, failures: [] };
    },
  ],
];

/** A visitor, which remembers from visit to visit what saves it work. */
export const appVisitor = (stores: UpkeepStores): AppVisitor => {
  const closeLost = lostRunCloser(stores);
  const steps = stepsOf(stores, closeLost);

  const visit = async (
    visited: AppVisit,
    stored: StoredUpkeep,
    tasks: readonly UpkeepTask[] | undefined,
  ): Promise<AppVisited> => {
    const done: Partial<Record<UpkeepTask, number>> = {};
    const more: UpkeepTask[] = [];
    const failures: unknown[] = [];
    let { upkeep } = stored;
    for (const [task, step] of steps) {
      if (visited.isOutOfTime()) break;
      if (tasks !== undefined && !tasks.includes(task)) continue;
      try {
        const result = await step(visited, upkeep);
        done[task] = result.changed;
        failures.push(...result.failures);
        if (result.hasMore) more.push(task);
        upkeep = result.upkeep;
      } catch (error) {
        // What is wrong with one thing must not keep the others from being done.
        failures.push(error);
      }
    }
    if (isSame(upkeep, stored.upkeep)) return { done, more, failures, upkeep: stored };
    const isKept = await stores.upkeep.keep(visited.app, upkeep, stored.rev);
    // Somebody else visits the app at the same time: what they remember stands, and the work goes on with them.
    return { done, more: isKept ? more : [], failures, upkeep: { upkeep, rev: stored.rev + 1 } };
  };

  return {
    visit: async ({ tenantId, appId, upkeep }, { isOutOfTime, tasks }) => {
      const tenant = await stores.settings.ofTenant(tenantId);
      const of = {
        app: { tenantId, appId },
        settings: tenant.apps.get(appId),
        shards: shardsToRead(tenant, appId),
        policy: policyOf(tenant, stores.retentionDays),
        isOutOfTime,
      };
      return visit(of, upkeep ?? NOTHING_REMEMBERED, tasks);
    },

    visitUnknown: async (tenantId, isOutOfTime) => {
      const of = { tenantId, appId: undefined, shards: 1, after: undefined, idleSeconds: undefined, isOutOfTime };
      const { closed, failures } = await closeLost(of);
      return { done: { lost: closed }, failures };
    },
  };
};
