import { createHash } from "node:crypto";
import type { AppSettingsBody } from "../contract/app-settings.ts";
import type { AppId, RunId } from "../contract/identifiers.ts";
import { RUN_STATUSES, type RunStatus } from "../contract/run-status.ts";

/** Settings of one app as they are kept. */
export interface AppSettings extends AppSettingsBody {
  /** Rises by one with each change. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
  /** The most shards that were ever set: lists read as many. */
  readonly readShards: number;
  /** How long runs were kept before, the latest last: what expired then does not come back. */
  readonly past: readonly PastRetention[];
}

/** A retention that was set, and until when (milliseconds since 1970). */
export interface PastRetention {
  readonly retention_days: AppSettingsBody["retention_days"];
  readonly until: number;
}

/** So many changes of a retention are remembered. */
const MOST_PAST = 20;

/**
 * What is remembered of retentions when settings are replaced at this moment (milliseconds since 1970); `present` is
 * undefined where nothing was set before.
 */
export const pastRetentions = (
  present: Pick<AppSettings, "past" | "retention_days"> | undefined,
  { retention_days }: Pick<AppSettingsBody, "retention_days">,
  until: number,
): readonly PastRetention[] => {
  const { past = [], retention_days: before = {} } = present ?? {};
  const isSame = RUN_STATUSES.every((status) => before[status] === retention_days[status]);
  return isSame ? past : [...past, { retention_days: before, until }].slice(-MOST_PAST);
};

/** What is set for the apps of a tenant. */
export interface TenantSettings {
  readonly apps: ReadonlyMap<AppId, AppSettings>;
}

const DAY_MS = 86_400_000;

/** A retention that was set before may still have ended runs so long: until a pass of upkeep has moved their expiry. */
const PASS_MS = DAY_MS;

/** How runs of a tenant are kept and listed. */
export interface RunPolicy {
  /** Days from the receipt of the deciding event. */
  retentionDays(appId: AppId | undefined, status: RunStatus): number;
  /** The longest that a run of the app can be kept; of an app that is not known yet, that any run of the tenant can be. */
  longestRetentionDays(appId: AppId | undefined): number;
  /**
   * Whether a run with this status, and with this receipt of what decided it (milliseconds since 1970), has expired at some
   * time up to now, as retentions were then.
   */
  hasExpired(
    run: { readonly appId: AppId | undefined; readonly status: RunStatus; readonly decidedAt: number },
    now: number,
  ): boolean;
  /** The part of the app's lists that a run is written to. */
  shardOf(appId: AppId | undefined, runId: RunId): number;
}

const longestOf = (settings: AppSettings | undefined, usualDays: number): number => {
  return Math.max(...RUN_STATUSES.map((status) => settings?.retention_days[status] ?? usualDays));
};

/** One of so many shards for a run: always the same for the same number. */
const shardAmong = (shards: number, runId: RunId): number =>
  shards === 1 ? 0 : createHash("sha256").update(runId).digest().readUInt32BE(0) % shards;

/** The policy that settings make. `usualDays` holds where no setting says otherwise. */
export const policyOf = (tenant: TenantSettings, usualDays: number): RunPolicy => {
  const of = (appId: AppId | undefined): AppSettings | undefined =>
    appId === undefined ? undefined : tenant.apps.get(appId);
  return {
    retentionDays: (appId, status) => of(appId)?.retention_days[status] ?? usualDays,
    longestRetentionDays: (appId) =>
      appId === undefined
        ? Math.max(usualDays, ...[...tenant.apps.values()].map((settings) => longestOf(settings, usualDays)))
        : longestOf(of(appId), usualDays),
    hasExpired: ({ appId, status, decidedAt }, now) => {
      const settings = of(appId);
      let since = Number.NEGATIVE_INFINITY;
      const endsAt = (days: AppSettingsBody["retention_days"]): number =>
        Math.max(since, decidedAt + (days[status] ?? usualDays) * DAY_MS);
      for (const { retention_days, until } of settings?.past ?? []) {
        const end = endsAt(retention_days);
        if (end < until + PASS_MS && end <= now) return true;
        since = until;
      }
      return endsAt(settings?.retention_days ?? {}) <= now;
    },
    shardOf: (appId, runId) => shardAmong(of(appId)?.write_shards ?? 1, runId),
  };
};

/** The policy where nothing is set. */
export const usualPolicy = (usualDays: number): RunPolicy => policyOf({ apps: new Map() }, usualDays);

/** How many shards an app's lists are read from. */
export const shardsToRead = (tenant: TenantSettings, appId: AppId): number => tenant.apps.get(appId)?.readShards ?? 1;
