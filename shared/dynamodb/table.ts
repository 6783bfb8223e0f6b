/**
 * The one table: its keys, its indexes and its expiry. Nothing else in the project names a key attribute or an index.
 *
 * | question | where | key |
 * | --- | --- | --- |
 * | what does this run's ledger hold? | table | `pk` = tenant and run, `sk` between `C#` and `RUN` |
 * | what is this run's header? | table | `pk` = tenant and run, `sk` = `RUN` |
 * | which entries came after this one? | table | `pk` = tenant and run, `sk` > `L#<ulid>` |
 * | was this epoch opened? | table | `pk` = tenant and run, `sk` = `C#<epoch>` |
 * | is this workflow graph kept already? | table | `pk` = tenant, app, digest and month, `sk` = `GRAPH` |
 * | which apps has this tenant? | table | `pk` = `REG`, `sk` begins with the tenant |
 * | which apps are there, and what does their upkeep remember? | table | `pk` = `REG`, `sk` = tenant and app |
 * | which tenants have runs whose app is not known yet? | table | `pk` = `REG`, `sk` = tenant and no app |
 * | where does the walk over all apps go on? | table | `pk` = `REG`, `sk` = `#UPKEEP` |
 * | what is set for this tenant's apps? | table | `pk` = tenant's settings, `sk` = app |
 * | what keys the digests of this tenant's redacted values? | table | `pk` = tenant's secret, `sk` = `SECRET` |
 * | where does an older store keep that secret? | table | `pk` = tenant's settings, `sk` = `#SECRET` |
 * | whose key is this? | table | `pk` = the key's SHA-256, `sk` = `KEY` |
 * | which keys are there, or has this tenant? | table | `pk` = `KEYS`, `sk` = tenant and the key's SHA-256 |
 * | which limits has this tenant? | table | `pk` = `TENANT#` and the tenant, `sk` = `TENANT` |
 * | which tenants were admitted? | table | `pk` = `TENANTS`, `sk` = tenant |
 * | who deleted or held runs of this tenant? | table | `pk` = tenant's audit, `sk` = time |
 * | what do runs add to a quarter of an hour of this app? | table | `pk` = tenant, app and quarter, `sk` = digest of the run |
 * | what is this app's quarter, hour, day summed up to? | table | `pk` = tenant and app, `sk` = `Q#`, `H#`, `D#` and its begin |
 * | which quarters of this app are to be summed up? | table | `pk` = tenant and app, `sk` = `O#` and the quarter's begin |
 * | which jobs has this tenant, newest first? | table | `pk` = tenant's jobs, `sk` = job |
 * | what was refused from this tenant's queue? | table | `pk` = tenant's quarantine, `sk` = time and message |
 * | an app's runs, newest first | `runs_by_time` | tenant, app, shard / start and run |
 * | an app's runs of one status, newest first | `runs_by_status`, sparse: all but succeeded | tenant, app, status, shard / start and run |
 * | which node executions of this run failed? | table | `pk` = tenant and run, `sk` begins with `F#` |
 * | an app's failed node executions, newest first | `runs_by_status`, of a status of their own | tenant, app, `node-failed`, shard / end, run and node execution |
 * | which runs came out of this one? | `runs_by_parent`, sparse | tenant and parent run / start and run |
 *
 * Ids cannot hold `#`, so no id can reach into another's keys.
 */
import * as v from "valibot";
import { AppId, RunId, type RunKey, TenantId } from "../contract/identifiers.ts";
import type { Instant } from "../contract/instant.ts";

/** The primary key of an item. */
export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** What a list row shows of a run: the attributes of a header that the indexes repeat. */
const ROW_ATTRIBUTES = ["rev", "epoch", "status", "app", "start", "finish", "expires_at"] as const;

/** What CDK, the embedded stack and the tests make the table from. */
export const TABLE = {
  partitionKey: "pk",
  sortKey: "sk",
  expiryAttribute: "expires_at",
  indexes: [
    { name: "runs_by_time", partitionKey: "time_pk", sortKey: "list_sk", projection: ROW_ATTRIBUTES },
    { name: "runs_by_status", partitionKey: "status_pk", sortKey: "list_sk", projection: ROW_ATTRIBUTES },
    { name: "runs_by_parent", partitionKey: "parent_pk", sortKey: "list_sk", projection: ROW_ATTRIBUTES },
  ],
} as const;

/** An index by its question. */
export type IndexName = (typeof TABLE.indexes)[number]["name"];

/** Keys of every item in a run's partition. In text order: claims, ledger entries, header. */
export const runPartition = (run: RunKey): string => `T#${run.tenantId}#R#${run.runId}`;

/** What a header's key ends in, and no other item's: the stream is filtered by it. */
export const HEADER_SORT_KEY = "RUN";

/** The key of a run's header. */
export const headerKey = (run: RunKey): ItemKey => ({ pk: runPartition(run), sk: HEADER_SORT_KEY });

const RunPartition = v.pipe(
  v.string(),
  v.transform((partition) => partition.split("#")),
  v.strictTuple([v.literal("T"), TenantId, v.literal("R"), RunId]),
);

/** The run of a partition that {@link runPartition} made. Throws for any other: it is ours to mend. */
export const runOf = (partition: string): RunKey => {
  const [, tenantId, , runId] = v.parse(RunPartition, partition);
  return { tenantId, runId };
};

const ENTRY_PREFIX = "L#";
const CLAIM_PREFIX = "C#";

/** The sort key of a ledger entry: order of receipt. */
export const entrySortKey = (ulid: string): string => `${ENTRY_PREFIX}${ulid}`;

/** Epochs are written with fixed width, so that claims sort in order. */
export const claimSortKey = (epoch: number): string => `${CLAIM_PREFIX}${String(epoch).padStart(16, "0")}`;

const FAILURE_PREFIX = "F#";

/** The key of the row of a failed node execution. */
export const failureKey = (run: RunKey, nodeExecutionId: string): ItemKey => ({
  pk: runPartition(run),
  sk: `${FAILURE_PREFIX}${nodeExecutionId}`,
});

/** The rows of all failures of a run. */
export const FAILURE_RANGE = { from: FAILURE_PREFIX, to: `${FAILURE_PREFIX}~` } as const;

/** The node execution of a failure's sort key. */
export const failedNodeOf = (sortKey: string): string => sortKey.slice(FAILURE_PREFIX.length);

const KINDS: ReadonlyMap<string, "entry" | "claim" | "failure"> = new Map([
  [ENTRY_PREFIX, "entry"],
  [CLAIM_PREFIX, "claim"],
  [FAILURE_PREFIX, "failure"],
]);

/** What a sort key of a run's partition is of. */
export const kindOf = (sortKey: string): "header" | "entry" | "claim" | "failure" =>
  KINDS.get(sortKey.slice(0, 2)) ?? "header";

/** The ULID of an entry's sort key. */
export const ulidOf = (sortKey: string): string => sortKey.slice(ENTRY_PREFIX.length);

/** Entries from a ULID on: both ends are included. */
export const entryRange = (ulid: string): { from: string; to: string } => ({
  from: entrySortKey(ulid),
  to: entrySortKey("~"),
});

/** All claims of a run. */
export const CLAIM_RANGE = { from: CLAIM_PREFIX, to: `${CLAIM_PREFIX}~` } as const;

/** The key of the marker that a graph is kept in this month. */
export const graphKey = (graph: { tenantId: TenantId; appId: AppId; digest: string; month: string }): ItemKey => ({
  pk: `T#${graph.tenantId}#G#${graph.appId}#${graph.digest}#${graph.month}`,
  sk: "GRAPH",
});

const REGISTRY_PARTITION = "REG";

/** The key that says that an app exists; of no app: that a tenant has runs whose app is not known yet. */
export const registryKey = (tenantId: TenantId, appId: AppId | undefined): ItemKey => ({
  pk: REGISTRY_PARTITION,
  sk: `${tenantId}#${appPart(appId)}`,
});

/** The registry's sort keys of one tenant all begin with `prefix`; the one that is no app's is no longer than that. */
export const registryRange = (tenantId: TenantId): { pk: string; prefix: string } => ({
  pk: REGISTRY_PARTITION,
  prefix: `${tenantId}#`,
});

/** The registry of all tenants, in the order of its keys: what ids begin with sorts from "-" to "~". */
export const REGISTRY_RANGE = { pk: REGISTRY_PARTITION, from: "-", to: "~" } as const;

const RegistrySortKey = v.pipe(
  v.string(),
  v.transform((sortKey) => sortKey.split("#")),
  v.strictTuple([TenantId, v.union([AppId, v.literal("")])]),
);

/** The place of a sort key of the registry. Throws for any other: it is ours to mend. */
export const registryPlaceOf = (sortKey: string): { tenantId: TenantId; appId: AppId | undefined } => {
  const [tenantId, appId] = v.parse(RegistrySortKey, sortKey);
  return { tenantId, appId: appId === "" ? undefined : appId };
};

/** The key of the place where the walk over all apps goes on: no app's, as ids hold no `#`. */
export const UPKEEP_POSITION_KEY: ItemKey = { pk: REGISTRY_PARTITION, sk: "#UPKEEP" };

/** What is set for a tenant's apps, each under its id. */
export const settingsPartition = (tenantId: TenantId): string => `T#${tenantId}#SETTINGS`;

/** The key of an app's settings. */
export const settingsKey = (tenantId: TenantId, appId: AppId): ItemKey => ({
  pk: settingsPartition(tenantId),
  sk: appId,
});

/**
 * The key of the secret that a tenant's digests of redacted values are made with. In a partition of its own: who reads
 * settings need not be able to read it.
 */
export const redactionSecretKey = (tenantId: TenantId): ItemKey => ({ pk: `T#${tenantId}#SECRET`, sk: "SECRET" });

/** Where a store that is older than that partition keeps the secret: no app's settings, as ids hold no `#`. */
export const secretAmongSettingsKey = (tenantId: TenantId): ItemKey => ({
  pk: settingsPartition(tenantId),
  sk: "#SECRET",
});

/** The partition of what an app's runs are summed up to. */
export const statisticsPartition = (tenantId: TenantId, appId: AppId): string => `T#${tenantId}#S#${appId}`;

/**
 * The partition of what runs add to a quarter of an hour. One will do for however many: its sort keys are hashes, and
 * DynamoDB splits a hot item collection by sort key where the table has no local index.
 */
export const contributionPartition = (tenantId: TenantId, appId: AppId, quarter: number): string =>
  `${statisticsPartition(tenantId, appId)}#${momentText(quarter)}`;

/** What sort keys of statistics begin with: sums of quarters, hours and days, and quarters that are to be summed up. */
export type StatisticsKind = "Q" | "H" | "D" | "O";

/** The sort key of a quarter, an hour or a day that begins at this moment (milliseconds since 1970). */
export const statisticsSortKey = (kind: StatisticsKind, moment: number): string => `${kind}#${momentText(moment)}`;

/** The moment of a sort key that {@link statisticsSortKey} made. */
export const momentOfStatistics = (sortKey: string): number => Date.parse(`${sortKey.slice(2)}Z`);

/** Of fixed width down to minutes: in order of time as text. */
const momentText = (moment: number): string => new Date(moment).toISOString().slice(0, 16);

const CREDENTIAL_PREFIX = "K#";

/** The key of a credential, by the SHA-256 (hex) of its text. */
export const credentialKey = (sha256: string): ItemKey => ({ pk: `${CREDENTIAL_PREFIX}${sha256}`, sk: "KEY" });

/** The SHA-256 of a credential's partition key. */
export const digestOfCredential = (partitionKey: string): string => partitionKey.slice(CREDENTIAL_PREFIX.length);

const KEY_LISTING_PARTITION = "KEYS";

/** The key that says that a tenant has this credential. */
export const keyListingKey = (tenantId: TenantId, sha256: string): ItemKey => ({
  pk: KEY_LISTING_PARTITION,
  sk: `${tenantId}#${sha256}`,
});

/** The listings of one tenant's credentials, or of everybody's, all begin with `prefix`. */
export const keyListingRange = (tenantId: TenantId | undefined): { pk: string; prefix: string } => ({
  pk: KEY_LISTING_PARTITION,
  prefix: tenantId === undefined ? "" : `${tenantId}#`,
});

/** The SHA-256 of a credential's listing. */
export const digestOfListing = (sortKey: string): string => sortKey.slice(sortKey.indexOf("#") + 1);

/**
 * The key of what is known of a tenant itself. No other partition begins as this one does: the authorizer may read these
 * items and no run.
 */
export const tenantKey = (tenantId: TenantId): ItemKey => ({ pk: `TENANT#${tenantId}`, sk: "TENANT" });

/** The partition that lists the tenants that were admitted. */
export const TENANT_LISTING_PARTITION = "TENANTS";

/** The key that says that a tenant was admitted. */
export const tenantListingKey = (tenantId: TenantId): ItemKey => ({ pk: TENANT_LISTING_PARTITION, sk: tenantId });

/** Who did what to a tenant's runs, in order of time. */
export const auditPartition = (tenantId: TenantId): string => `T#${tenantId}#AUDIT`;

/** The key of an audit entry, by its ULID. */
export const auditKey = (tenantId: TenantId, id: string): ItemKey => ({ pk: auditPartition(tenantId), sk: id });

/** The jobs of a tenant, each under its ULID: in order of their beginning. */
export const jobsPartition = (tenantId: TenantId): string => `T#${tenantId}#J`;

/** The key of a job. */
export const jobKey = (tenantId: TenantId, jobId: string): ItemKey => ({ pk: jobsPartition(tenantId), sk: jobId });

/** The partition of what is refused and names no tenant. */
export const OPERATOR_QUARANTINE = "OPERATOR#Q";

/** Refused events of one tenant; without a tenant, those that only the operator may see. */
export const quarantineKey = (
  tenantId: TenantId | undefined,
  position: { sentAt: string; message: string },
): ItemKey => ({
  pk: tenantId === undefined ? OPERATOR_QUARANTINE : `T#${tenantId}#Q`,
  sk: `${position.sentAt}#${position.message}`,
});

/** An app that is not known yet (a run whose start is missing) is listed under no app at all. */
const appPart = (appId: AppId | undefined): string => appId ?? "";

/** The partition of an app's runs in `runs_by_time`. */
export const listPartition = (tenantId: TenantId, appId: AppId | undefined, shard: number): string =>
  `T#${tenantId}#A#${appPart(appId)}#${shard}`;

/** The partition of an app's runs of one status in `runs_by_status`. */
export const statusPartition = (
  tenantId: TenantId,
  appId: AppId | undefined,
  of: { status: string; shard: number },
): string => `T#${tenantId}#A#${appPart(appId)}#${of.status}#${of.shard}`;

/** The partition of an app's failed node executions in `runs_by_status`: that of a status that no run has. */
export const failurePartition = (tenantId: TenantId, appId: AppId, shard: number): string =>
  statusPartition(tenantId, appId, { status: "node-failed", shard });

/** The partition of a run's offspring in `runs_by_parent`. */
export const parentPartition = (parent: RunKey): string => `T#${parent.tenantId}#P#${parent.runId}`;

/** The shard of a partition that {@link listPartition} made. */
export const shardOfPartition = (partition: string): number => Number(partition.slice(partition.lastIndexOf("#") + 1));

/** The order of lists: by start to the nanosecond, then by run id. */
export const listSortKey = (listedAt: Instant, runId: string): string => `${listedAt}#${runId}`;

/** The start and the run of a sort key of lists. */
export const placeOfListKey = (sortKey: string): { listedAt: string; runId: string } => {
  const [listedAt = "", runId = ""] = sortKey.split("#");
  return { listedAt, runId };
};

/** Sorts after every key that comes before this one: "~" sorts after all that ids can hold. */
const justBefore = (sortKey: string): string =>
  `${sortKey.slice(0, -1)}${String.fromCharCode(sortKey.charCodeAt(sortKey.length - 1) - 1)}~`;

/** Sorts before every key that comes after this one. */
const justAfter = (sortKey: string): string => `${sortKey}\u0000`;

/**
 * The sort keys of a part of a list, both ends included; undefined where there can be none. `after` is where reading
 * goes on, in the direction in which it is read. No key equals a bare instant: each is followed by its run.
 */
export const listKeyRange = (part: {
  readonly after:
    | { readonly listedAt: Instant; readonly runId: string; readonly isIncluded?: boolean | undefined }
    | undefined;
  readonly from?: Instant | undefined;
  readonly before?: Instant | undefined;
  readonly isOldestFirst?: boolean;
}): { readonly from: string | undefined; readonly to: string | undefined } | undefined => {
  const { after, isOldestFirst = false } = part;
  const key = after && listSortKey(after.listedAt, after.runId);
  const first = key === undefined || !isOldestFirst ? undefined : after?.isIncluded ? key : justAfter(key);
  const last = key === undefined || isOldestFirst ? undefined : after?.isIncluded ? key : justBefore(key);
  const [from] = [part.from, first]
    .filter((one) => one !== undefined)
    .sort()
    .reverse();
  const [to] = [part.before, last].filter((one) => one !== undefined).sort();
  return from !== undefined && to !== undefined && from > to ? undefined : { from, to };
};

/** The order of failures: by end to the nanosecond, then by run id, then by node execution id. */
export const failureSortKey = (of: { finishedAt: Instant; runId: string; nodeExecutionId: string }): string =>
  `${listSortKey(of.finishedAt, of.runId)}#${of.nodeExecutionId}`;

/** What sorts before every failure. */
export const BEFORE_ALL_FAILURES = "0";
/** What sorts after every failure. */
export const AFTER_ALL_FAILURES = "~";
