import type { AppId, RunId, TenantId } from "../../contract/identifiers.ts";
import type { RunStatus } from "../../contract/run-status.ts";
import { shardsToRead } from "../../domain/app-settings.ts";
import type { RunFilter } from "../../domain/run-filter.ts";
import type { AppRegistry } from "../../ports/app-registry.ts";
import type { RunStore } from "../../ports/run-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import type { ReadList } from "./merge-lists.ts";

/** What lists are read from. */
export interface ListStores {
  readonly runs: Pick<RunStore, "find" | "list" | "listOffspring">;
  readonly apps: Pick<AppRegistry, "list">;
  readonly settings: Pick<SettingsStore, "ofTenant">;
}

/** Whose runs are asked for, and which. */
export interface RunQuestion {
  readonly tenantId: TenantId;
  /** Undefined: of all apps, and of no known app. */
  readonly appId: AppId | undefined;
  readonly filter: RunFilter;
}

const APPS_A_PAGE = 1_000;

const appsOf = async (apps: ListStores["apps"], tenantId: TenantId): Promise<AppId[]> => {
  const found: AppId[] = [];
  for (;;) {
    const page = await apps.list(tenantId, { after: found.at(-1), limit: APPS_A_PAGE });
    found.push(...page.map(({ appId }) => appId));
    if (page.length < APPS_A_PAGE) return found;
  }
};

type ListedStatus = Exclude<RunStatus, "succeeded">;

/** The statuses to read lists of; undefined: the list by time. Runs that succeeded have no list of their own. */
const statusLists = (statuses: readonly RunStatus[]): readonly (ListedStatus | undefined)[] => {
  const listed = [...new Set(statuses)].filter((status): status is ListedStatus => status !== "succeeded");
  return listed.length === 0 || statuses.includes("succeeded") ? [undefined] : listed;
};

const offspring = (stores: ListStores, question: RunQuestion, runId: RunId): ReadList => {
  const parent = { tenantId: question.tenantId, runId };
  const { before } = question.filter.created;
  return (part) => stores.runs.listOffspring({ parent, before, ...part });
};

/**
 * The lists that together hold every run that is asked for: what came out of one run, else a list for each app, each of
 * its shards and, where a run that succeeded is not wanted, each status.
 */
export const listsFor = async (stores: ListStores, question: RunQuestion): Promise<ReadList[]> => {
  const { tenantId, appId, filter } = question;
  if (filter.parentRunId !== undefined) return [offspring(stores, question, filter.parentRunId)];
  const [settings, appIds] = await Promise.all([
    stores.settings.ofTenant(tenantId),
    appId === undefined ? appsOf(stores.apps, tenantId).then((apps) => [undefined, ...apps]) : [appId],
  ]);
  const { before } = filter.created;
  return appIds.flatMap((app) => {
    const shards = app === undefined ? 1 : shardsToRead(settings, app);
    return statusLists(filter.statuses).flatMap((status) =>
      Array.from(
        { length: shards },
        (_, shard): ReadList =>
          (part) =>
            stores.runs.list({ tenantId, appId: app, shard, status, before, ...part }),
      ),
    );
  });
};
