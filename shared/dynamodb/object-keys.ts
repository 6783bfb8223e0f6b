import type { AppId, RunKey, TenantId } from "../contract/identifiers.ts";
import { GZIPPED_JSON } from "../domain/object-content.ts";
import {
  DEFAULT_RETENTION_DAYS,
  EXPORT_DAYS,
  entryExpiry,
  objectLifetimes,
  PAYLOAD_LIFETIMES_DAYS,
  QUARANTINE_DAYS,
  UPLOAD_DAYS,
} from "../domain/retention.ts";

/** The lifetime of what is kept until somebody says otherwise: nothing collects it. */
export const HELD = 0;

/** What objects of this lifetime (days, or {@link HELD}) are called: the object store collects by this beginning of their keys. */
export const lifetimePrefix = (days: number): string => (days === HELD ? "held/" : `${days}d/`);

/** The lifetimes that are not written down: those of the default retention. */
const USUAL = objectLifetimes({ receivedAt: 0, expiresAt: entryExpiry(0, DEFAULT_RETENTION_DAYS) });

/**
 * What the keys of a run's objects of one lifetime begin with. Ids are parts of their own behind a letter: dots alone
 * would be a way up in a URL.
 */
export const runObjectsPrefix = (run: RunKey, days: number = USUAL.payloadDays): string =>
  `${lifetimePrefix(days)}runs/t-${run.tenantId}/r-${run.runId}/`;

/** Every beginning that a run's objects can have. */
export const allRunObjectsPrefixes = (run: RunKey): string[] =>
  [HELD, ...PAYLOAD_LIFETIMES_DAYS].map((days) => runObjectsPrefix(run, days));

/** The object that holds an entry's payload. */
export const payloadObjectKey = (run: RunKey, ulid: string, days?: number): string =>
  `${runObjectsPrefix(run, days)}${ulid}`;

/** The object that holds one large payload value of an entry, by its position there. */
export const valueObjectKey = (
  run: RunKey,
  value: { ulid: string; position: number; days?: number | undefined },
): string => `${runObjectsPrefix(run, value.days)}${value.ulid}-${value.position}${GZIPPED_JSON}`;

/** The object that a tenant uploads, while it waits for an event that refers to it. */
export const uploadObjectKey = (tenantId: TenantId, uploadId: string): string =>
  `${lifetimePrefix(UPLOAD_DAYS)}uploads/t-${tenantId}/${uploadId}`;

/** A file that an export has written: lines, gzipped. */
export const exportFileKey = (file: { tenantId: TenantId; jobId: string; fileId: string }): string =>
  `${lifetimePrefix(EXPORT_DAYS)}exports/t-${file.tenantId}/${file.jobId}/${file.fileId}.ndjson.gz`;

/** What the keys of bodies in a tenant's quarantine begin with; without a tenant, of those that only the operator may see. */
export const quarantineObjectsPrefix = (tenantId: TenantId | undefined): string =>
  `${lifetimePrefix(QUARANTINE_DAYS)}quarantine/${tenantId === undefined ? "operator" : `t-${tenantId}`}/`;

/** A run's own copy of an upload, which its events refer to. */
export const ownUploadKey = (run: RunKey, uploadId: string, days?: number): string =>
  `${runObjectsPrefix(run, days)}upload-${uploadId}`;

/** The upload that a run's object is a copy of; undefined where it is another object. */
export const uploadCopiedIn = (key: string): string | undefined => /\/upload-([0-9A-Z]+)$/.exec(key)?.[1];

/** Whether an object is a graph that runs share. */
export const isGraphKey = (key: string): boolean => /^\w+\/graphs\//.test(key);

/** A run's own copy of a graph that it outlives. */
export const ownGraphKey = (run: RunKey, days: number, graphKey: string): string =>
  `${runObjectsPrefix(run, days)}${graphKey.slice(graphKey.indexOf("/") + 1)}`;

/** A lifetime as stored: nothing where it is the usual one. */
export const storedLifetime = (payloadDays: number): number | undefined =>
  payloadDays === USUAL.payloadDays ? undefined : payloadDays;

/** Who a graph belongs to. */
export interface GraphOwner {
  readonly tenantId: TenantId;
  readonly appId: AppId;
}

/** The month (`202611`) that a graph is kept for, with its lifetime where it is not the usual one (`202611.156d`). */
export const graphTerm = (receivedAt: number, graphDays: number): string => {
  const month = new Date(receivedAt).toISOString().slice(0, 7).replace("-", "");
  return graphDays === USUAL.graphDays ? month : `${month}.${graphDays}d`;
};

/** The object of a graph, by its reference `<term>/<digest>`. */
export const graphObjectKey = (owner: GraphOwner, ref: string): string => {
  const days = Number(/^\d+\.(\d+)d\//.exec(ref)?.[1] ?? USUAL.graphDays);
  return `${lifetimePrefix(days)}graphs/t-${owner.tenantId}/a-${owner.appId}/${ref}`;
};
