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
}

/** What is set for the apps of a tenant. */
export interface TenantSettings {
  readonly apps: ReadonlyMap<AppId, AppSettings>;
}

/** How runs of a tenant are kept and listed. */
export interface RunPolicy {
  /** Days from the receipt of the deciding event. */
  retentionDays(appId: AppId | undefined, status: RunStatus): number;
  /** The longest that a run of the app can be kept; of an app that is not known yet, that any run of the tenant can be. */
  longestRetentionDays(appId: AppId | undefined): number;
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
    shardOf: (appId, runId) => shardAmong(of(appId)?.write_shards ?? 1, runId),
  };
};

/** The policy where nothing is set. */
export const usualPolicy = (usualDays: number): RunPolicy => policyOf({ apps: new Map() }, usualDays);

/** How many shards an app's lists are read from. */
export const shardsToRead = (tenant: TenantSettings, appId: AppId): number => tenant.apps.get(appId)?.readShards ?? 1;
