import type { AppId, TenantId } from "../../contract/identifiers.ts";
import { RUN_STATUSES, type RunStatus } from "../../contract/run-status.ts";
import { shardsToRead } from "../../domain/app-settings.ts";
import { hasExpired } from "../../domain/retention.ts";
import type { TimeRange } from "../../domain/run-filter.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ListPosition, RunStore } from "../../ports/run-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";

/** The most rows that one request counts. */
export const MOST_COUNTED_ROWS = 20_000;

/** How far counting has come. */
export interface CountPosition {
  readonly shard: number;
  /** Undefined: at the beginning of the shard. */
  readonly after: ListPosition | undefined;
}

/** Which runs are counted, and from where on. */
export interface CountQuery {
  readonly tenantId: TenantId;
  readonly appId: AppId;
  readonly created: TimeRange;
  readonly position: CountPosition | undefined;
}

/** A part of a count: parts add up. */
export interface RunCount {
  readonly byStatus: Readonly<Record<RunStatus, number>>;
  /** Where to go on; undefined: all are counted. */
  readonly next: CountPosition | undefined;
}

interface Stores {
  readonly runs: Pick<RunStore, "listStates">;
  readonly settings: Pick<SettingsStore, "ofTenant">;
  readonly clock: Clock;
}

/**
 * An app's runs by status, expired ones left out, at most {@link MOST_COUNTED_ROWS} looked at. All are read from the one
 * list where a run stays in its place whatever becomes of it: so each is counted once, and with one status.
 */
export const countRuns = async (stores: Stores, query: CountQuery): Promise<RunCount> => {
  const { tenantId, appId, created } = query;
  const now = stores.clock.now();
  const shards = shardsToRead(await stores.settings.ofTenant(tenantId), appId);
  const byStatus = Object.fromEntries(RUN_STATUSES.map((status) => [status, 0])) as Record<RunStatus, number>;
  let position: CountPosition = query.position ?? { shard: 0, after: undefined };
  for (let left = MOST_COUNTED_ROWS; position.shard < shards; ) {
    if (left <= 0) return { byStatus, next: position };
    const { shard, after } = position;
    const part = { shard, after, from: created.after, before: created.before, limit: left };
    const { states, reached } = await stores.runs.listStates({ tenantId, appId, ...part });
    for (const { status, expiresAt } of states) if (!hasExpired(expiresAt, now)) byStatus[status]++;
    left -= states.length;
    position = reached === undefined ? { shard: shard + 1, after: undefined } : { shard, after: reached };
  }
  return { byStatus, next: undefined };
};
