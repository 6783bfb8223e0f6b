import * as v from "valibot";
import { AppId, RunId, TenantId } from "../../shared/contract/identifiers.ts";
import { PAYLOAD_LIFETIMES_DAYS } from "../../shared/domain/retention.ts";
import {
  exportFileKey,
  graphObjectKey,
  HELD,
  ownGraphKey,
  ownUploadKey,
  payloadObjectKey,
  quarantineObjectsPrefix,
  uploadObjectKey,
  valueObjectKey,
} from "../../shared/dynamodb/object-keys.ts";
import {
  auditKey,
  contributionPartition,
  credentialKey,
  failurePartition,
  graphKey,
  headerKey,
  jobKey,
  keyListingKey,
  listPartition,
  parentPartition,
  quarantineKey,
  redactionSecretKey,
  registryKey,
  settingsKey,
  statisticsPartition,
  statusPartition,
  tenantKey,
  tenantListingKey,
  UPKEEP_POSITION_KEY,
} from "../../shared/dynamodb/table.ts";

/** Ids that read like parts of keys, among others. */
const IDS = "x R S G J Q A P K T T. REG KEYS AUDIT SETTINGS SECRET TENANT OPERATOR RUN runs graphs d 65d held".split(
  " ",
);
const ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const DIGEST = "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9";
const MONTHS = ["202611", "202611.156d"];
const QUARTER = Date.parse("2026-11-22T10:15:00Z");
const SENT = { sentAt: "2026-11-22T10:00:00.000Z", message: "m#000001" };
const LIFETIMES = [HELD, ...PAYLOAD_LIFETIMES_DAYS, undefined];

interface Ids {
  readonly tenantId: TenantId;
  readonly appId: AppId;
  readonly runId: RunId;
}

const EVERY_PAIR: readonly Ids[] = IDS.flatMap((tenant) =>
  IDS.map((id) => ({
    tenantId: v.parse(TenantId, tenant),
    appId: v.parse(AppId, id),
    runId: v.parse(RunId, id),
  })),
);

const ofEach = (keys: (ids: Ids) => readonly string[]): string[] => [...new Set(EVERY_PAIR.flatMap(keys))];

/** Partition keys of the table, by what they are of: of every kind that there is. */
export const PARTITIONS_BY_KIND: Readonly<Record<string, readonly string[]>> = {
  runs: ofEach((run) => [headerKey(run).pk]),
  graphs: ofEach((ids) => MONTHS.map((month) => graphKey({ ...ids, digest: DIGEST, month }).pk)),
  registry: ofEach(({ tenantId, appId }) => [registryKey(tenantId, appId).pk, UPKEEP_POSITION_KEY.pk]),
  settings: ofEach(({ tenantId, appId }) => [settingsKey(tenantId, appId).pk]),
  secrets: ofEach(({ tenantId }) => [redactionSecretKey(tenantId).pk]),
  statistics: ofEach(({ tenantId, appId }) => [
    statisticsPartition(tenantId, appId),
    contributionPartition(tenantId, appId, QUARTER),
  ]),
  audit: ofEach(({ tenantId }) => [auditKey(tenantId, ULID).pk]),
  jobs: ofEach(({ tenantId }) => [jobKey(tenantId, ULID).pk]),
  quarantine: ofEach(({ tenantId }) => [quarantineKey(tenantId, SENT).pk]),
  "operator's quarantine": [quarantineKey(undefined, SENT).pk],
  credentials: [credentialKey("0a".repeat(32)).pk],
  "list of credentials": ofEach(({ tenantId }) => [keyListingKey(tenantId, "0a".repeat(32)).pk]),
  tenants: ofEach(({ tenantId }) => [tenantKey(tenantId).pk]),
  "list of tenants": ofEach(({ tenantId }) => [tenantListingKey(tenantId).pk]),
};

/** Partition keys of the indexes. */
export const INDEX_PARTITIONS_BY_NAME: Readonly<Record<string, readonly string[]>> = {
  runs_by_time: ofEach(({ tenantId, appId }) =>
    [0, 15].flatMap((shard) => [listPartition(tenantId, appId, shard), listPartition(tenantId, undefined, shard)]),
  ),
  runs_by_status: ofEach(({ tenantId, appId }) => [
    statusPartition(tenantId, appId, { status: "running", shard: 3 }),
    statusPartition(tenantId, undefined, { status: "failed", shard: 0 }),
    failurePartition(tenantId, appId, 15),
  ]),
  runs_by_parent: ofEach((run) => [parentPartition(run)]),
};

/** Keys of objects, by what they are of. A run has copies of its own of uploads and graphs. */
export const OBJECTS_BY_KIND: Readonly<Record<string, readonly string[]>> = {
  runs: ofEach((ids) =>
    LIFETIMES.flatMap((days) => [
      payloadObjectKey(ids, ULID, days),
      valueObjectKey(ids, { ulid: ULID, position: 3, days }),
      ownUploadKey(ids, ULID, days),
      ownGraphKey(ids, days ?? HELD, graphObjectKey(ids, `202611/${DIGEST}`)),
    ]),
  ),
  graphs: ofEach((ids) => MONTHS.map((month) => graphObjectKey(ids, `${month}/${DIGEST}`))),
  uploads: ofEach(({ tenantId }) => [uploadObjectKey(tenantId, ULID)]),
  exports: ofEach(({ tenantId }) => [exportFileKey({ tenantId, jobId: ULID, fileId: ULID })]),
  quarantine: ofEach(({ tenantId }) => [`${quarantineObjectsPrefix(tenantId)}1-whole-m`]),
  "operator's quarantine": [`${quarantineObjectsPrefix(undefined)}1-whole-m`],
};
