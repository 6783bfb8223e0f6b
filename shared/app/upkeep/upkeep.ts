import type { AppKey, TenantId } from "../../contract/identifiers.ts";
import type { KnownApp, RegistryPlace, UnknownApp } from "../../ports/app-registry.ts";
import { sideBySide } from "../side-by-side.ts";
import type { UpkeepStores } from "./app-visit.ts";
import { type AppVisitor, appVisitor, type Done, type UpkeepTask } from "./visit-app.ts";

/** What could not be done, and for whom. */
export interface UpkeepFailure {
  readonly tenantId: TenantId;
  /** Undefined: for runs whose app is not known yet. */
  readonly appId: AppKey["appId"] | undefined;
  readonly error: unknown;
}

/** What a tick has done. */
export interface Tick extends Done {
  /** How many apps were visited. */
  readonly apps: number;
  /** Whether every app was visited; else the next tick goes on where this one stopped. */
  readonly isComplete: boolean;
  readonly failures: readonly UpkeepFailure[];
}

/** One share of the upkeep of all apps there are. */
export type Upkeep = (isOutOfTime: () => boolean) => Promise<Tick>;

const APPS_A_PAGE = 50;
const APPS_AT_A_TIME = 4;

/** Of a tenant, the place of no app comes first. */
const isAfter = (a: RegistryPlace, b: RegistryPlace | undefined): boolean =>
  b !== undefined && (a.tenantId > b.tenantId || (a.tenantId === b.tenantId && (a.appId ?? "") > (b.appId ?? "")));

const placeOf = ({ tenantId, appId }: RegistryPlace): RegistryPlace => ({ tenantId, appId });

/** What a tick has come to so far. */
const startTally = () => {
  const done: Record<keyof Done, number> = { lost: 0, moved: 0, beyondLast: 0, outliving: 0, quarters: 0 };
  const failures: UpkeepFailure[] = [];
  return {
    done,
    failures,
    fail: (of: Omit<UpkeepFailure, "error">, errors: readonly unknown[]): void => {
      for (const error of errors) failures.push({ tenantId: of.tenantId, appId: of.appId, error });
    },
    add: (some: Partial<Done>): void => {
      for (const [name, count] of Object.entries(some)) done[name as keyof Done] += count;
    },
  };
};

type Tally = ReturnType<typeof startTally>;

/** An app to visit, for some of what there is to do or for everything. */
interface Turn {
  readonly app: KnownApp;
  readonly tasks?: readonly UpkeepTask[];
}

/** Visits an app; what is wrong with it is noted. Its next turn, where there is more to do. */
const visitOne = async (
  visitor: AppVisitor,
  { app, ...tasks }: Turn,
  { tally, isOutOfTime }: { tally: Tally; isOutOfTime: () => boolean },
): Promise<Turn | undefined> => {
  try {
    const { done, failures, more, upkeep } = await visitor.visit(app, { isOutOfTime, ...tasks });
    tally.add(done);
    tally.fail(app, failures);
    return more.length > 0 ? { app: { ...app, upkeep }, tasks: more } : undefined;
  } catch (error) {
    // What is wrong with one app must not keep the others from being visited.
    tally.fail(app, [error]);
    return undefined;
  }
};

const visitUnknown = async (
  visitor: AppVisitor,
  tenantId: TenantId,
  { tally, isOutOfTime }: { tally: Tally; isOutOfTime: () => boolean },
): Promise<void> => {
  try {
    const { done, failures } = await visitor.visitUnknown(tenantId, isOutOfTime);
    tally.add(done);
    tally.fail({ tenantId, appId: undefined }, failures);
  } catch (error) {
    // The same for runs that belong to no app.
    tally.fail({ tenantId, appId: undefined }, [error]);
  }
};

/** Pages of the registry from a position to its end, then from its beginning up to that position. */
async function* pagesFrom(
  stores: UpkeepStores,
  position: RegistryPlace | undefined,
): AsyncGenerator<readonly (KnownApp | UnknownApp)[]> {
  for (const half of position === undefined ? ["whole"] : ["second", "first"]) {
    let after = half === "second" ? position : undefined;
    for (;;) {
      const page = await stores.apps.listAll({ after, limit: APPS_A_PAGE });
      const wanted = half === "first" ? page.filter((app) => !isAfter(app, position)) : page;
      if (wanted.length > 0) yield wanted;
      const last = wanted.at(-1);
      if (last === undefined || wanted.length < APPS_A_PAGE) break;
      after = placeOf(last);
    }
  }
}

/**
 * The upkeep of all apps, and of runs whose app is not known yet, a tick at a time: every app is visited once, in turn,
 * then those again that have more to do, as long as there is time. A tick that runs out of time says where it stopped, and
 * the next one goes on there. Several at once, and ticks that are cut off, do no harm: everything can be done again.
 */
export const upkeepOf = (stores: UpkeepStores): Upkeep => {
  const visitor = appVisitor(stores);
  return async (isOutOfTime) => {
    const tally = startTally();
    const of = { tally, isOutOfTime };
    const position = await stores.upkeep.position();
    const unfinished: Turn[] = [];
    let apps = 0;
    let last: RegistryPlace | undefined;
    let isKept = position !== undefined;
    for await (const page of pagesFrom(stores, position)) {
      await sideBySide(page, APPS_AT_A_TIME, async (app) => {
        if (isOutOfTime()) return;
        const isNewTenant = app.tenantId !== last?.tenantId;
        last = placeOf(app);
        if (app.appId !== undefined) apps += 1;
        if (isNewTenant) await visitUnknown(visitor, app.tenantId, of);
        if (app.appId === undefined) return;
        const again = await visitOne(visitor, { app }, of);
        if (again !== undefined) unfinished.push(again);
      });
      if (isOutOfTime()) break;
      // A tick that is cut off has come as far as this.
      if (page.length < APPS_A_PAGE) continue;
      await stores.upkeep.keepPosition(last);
      isKept = true;
    }
    const isComplete = !isOutOfTime();
    for (let turn = unfinished.shift(); turn !== undefined && !isOutOfTime(); turn = unfinished.shift()) {
      const again = await visitOne(visitor, turn, of);
      if (again !== undefined) unfinished.push(again);
    }
    const next = isComplete ? undefined : last;
    if (next !== undefined || isKept) await stores.upkeep.keepPosition(next);
    return { ...tally.done, apps, isComplete, failures: tally.failures };
  };
};
