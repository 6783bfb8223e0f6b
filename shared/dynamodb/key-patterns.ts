/**
 * What keys look like, kind by kind, with `*` for anything: roles are allowed items and objects by it. Each pattern is
 * made by the function that makes the keys.
 */
import type { AppId, RunId, TenantId } from "../contract/identifiers.ts";
import {
  exportFileKey,
  graphObjectKey,
  HELD,
  quarantineObjectsPrefix,
  runObjectsPrefix,
  uploadObjectKey,
} from "./object-keys.ts";
import {
  auditPartition,
  credentialKey,
  graphKey,
  type IndexName,
  jobsPartition,
  listPartition,
  OPERATOR_QUARANTINE,
  parentPartition,
  quarantineKey,
  redactionSecretKey,
  registryKey,
  runPartition,
  settingsPartition,
  statisticsPartition,
  statusPartition,
  tenantKey,
} from "./table.ts";

/** What a pattern has in the place of an id. It is none, and no key is made with it. */
const ANY = "*" as TenantId & AppId & RunId;
const ANY_RUN_KEY = { tenantId: ANY, runId: ANY };
const ANY_APP_KEY = { tenantId: ANY, appId: ANY };

/** What partition keys of the table look like, by kinds of items. */
const PARTITIONS = {
  runs: runPartition(ANY_RUN_KEY),
  graphs: graphKey({ ...ANY_APP_KEY, digest: "*", month: "*" }).pk,
  registry: registryKey(ANY, ANY).pk,
  settings: settingsPartition(ANY),
  secrets: redactionSecretKey(ANY).pk,
  statistics: statisticsPartition(ANY, ANY),
  audit: auditPartition(ANY),
  jobs: jobsPartition(ANY),
  quarantine: quarantineKey(ANY, { sentAt: "*", message: "*" }).pk,
  operatorQuarantine: OPERATOR_QUARANTINE,
  credentials: credentialKey("*").pk,
  tenants: tenantKey(ANY).pk,
} as const satisfies Record<string, string>;

/** A kind of items of the table. */
export type ItemKind = keyof typeof PARTITIONS;

/** Every kind of items that a role can be allowed. */
export const ITEM_KINDS = Object.keys(PARTITIONS) as readonly ItemKind[];

/** What partition keys look like: one of `like`, and none of `notLike`. */
export interface PartitionPatterns {
  readonly like: readonly string[];
  readonly notLike: readonly string[];
}

const OF_A_TENANT = "T#*#";

/** The beginning of a kind's pattern where an id follows it: ids may read like the name of another kind. */
const beforeId = (pattern: string): string | undefined => /^T#\*#\w+#/.exec(pattern)?.[0];

/**
 * The partitions of exactly these kinds. As `*` may stand for `#` too, `T#*#J` looks like the jobs of a tenant and like a
 * run that is called `J`: what a key of another kind would look like whose first id is such a name is excluded.
 */
export const partitionPatterns = (kinds: readonly ItemKind[]): PartitionPatterns => {
  const like = kinds.map((kind) => PARTITIONS[kind]);
  const others = Object.values(PARTITIONS).filter((pattern) => !like.includes(pattern));
  const tails = like.filter((own) => own.startsWith(OF_A_TENANT)).map((own) => own.slice(OF_A_TENANT.length));
  const beginnings = others.flatMap((other) => beforeId(other) ?? []);
  return { like, notLike: tails.flatMap((tail) => beginnings.map((beginning) => `${beginning}${tail}`)) };
};

const anyShard = (partition: string): string => partition.replace(/#0$/, "#*");

/** What partition keys of the indexes look like. */
export const INDEX_PARTITIONS: Readonly<Record<IndexName, string>> = {
  runs_by_time: anyShard(listPartition(ANY, ANY, 0)),
  runs_by_status: anyShard(statusPartition(ANY, ANY, { status: "*", shard: 0 })),
  runs_by_parent: parentPartition(ANY_RUN_KEY),
};

const anyLifetime = (key: string): string => key.replace(/^[^/]+/, "*");

/** What keys of objects look like, by kinds. Run and graph are of many lifetimes, the others of one each. */
export const OBJECT_PATTERNS = {
  runs: anyLifetime(`${runObjectsPrefix(ANY_RUN_KEY, HELD)}*`),
  graphs: anyLifetime(graphObjectKey(ANY_APP_KEY, "*/*")),
  uploads: uploadObjectKey(ANY, "*"),
  exports: exportFileKey({ tenantId: ANY, jobId: "*", fileId: "*" }),
  quarantine: `${quarantineObjectsPrefix(ANY)}*`,
  operatorQuarantine: `${quarantineObjectsPrefix(undefined)}*`,
} as const satisfies Record<string, string>;

/** A kind of objects. */
export type ObjectKind = keyof typeof OBJECT_PATTERNS;
