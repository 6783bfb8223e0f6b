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
 * | whose key is this? | table | `pk` = the key's SHA-256, `sk` = `KEY` |
 * | which keys are there, or has this tenant? | table | `pk` = `KEYS`, `sk` = tenant and the key's SHA-256 |
 * | which limits has this tenant? | table | `pk` = `TENANT#` and the tenant, `sk` = `TENANT` |
 * | which tenants were admitted? | table | `pk` = `TENANTS`, `sk` = tenant |
 * | what was refused from this tenant's queue? | table | `pk` = tenant's quarantine, `sk` = time and message |
 * | an app's runs, newest first | `runs_by_time` | tenant, app, shard / start and run |
 * | an app's runs of one status, newest first | `runs_by_status`, sparse: all but succeeded | tenant, app, status, shard / start and run |
 * | which runs came out of this one? | `runs_by_parent`, sparse | tenant and parent run / start and run |
 *
 * Ids cannot hold `#`, so no id can reach into another's keys.
 */
import * as v from "valibot";
import { type AppId, RunId, type RunKey, TenantId } from "../contract/identifiers.ts";
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

/** What a sort key of a run's partition is of. */
export const kindOf = (sortKey: string): "header" | "entry" | "claim" =>
  sortKey.startsWith(ENTRY_PREFIX) ? "entry" : sortKey.startsWith(CLAIM_PREFIX) ? "claim" : "header";

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

/** The key that says that an app exists. */
export const registryKey = (tenantId: TenantId, appId: AppId): ItemKey => ({
  pk: REGISTRY_PARTITION,
  sk: `${tenantId}#${appId}`,
});

/** The registry's sort keys of one tenant all begin with `prefix`. */
export const registryRange = (tenantId: TenantId): { pk: string; prefix: string } => ({
  pk: REGISTRY_PARTITION,
  prefix: `${tenantId}#`,
});

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

/** The partition of a run's offspring in `runs_by_parent`. */
export const parentPartition = (parent: RunKey): string => `T#${parent.tenantId}#P#${parent.runId}`;

/** The order of lists: by start to the nanosecond, then by run id. */
export const listSortKey = (listedAt: Instant, runId: string): string => `${listedAt}#${runId}`;
