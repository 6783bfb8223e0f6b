import type { AppId, RunKey, TenantId } from "../contract/identifiers.ts";
import { DEFAULT_RETENTION_DAYS, entryExpiry, objectLifetimes } from "../domain/retention.ts";

/** What objects of this lifetime are called: the object store collects by this beginning of their keys. */
export const lifetimePrefix = (days: number): string => `${days}d/`;

/** The lifetimes that are not written down: those of the default retention. */
const USUAL = objectLifetimes({ receivedAt: 0, expiresAt: entryExpiry(0, DEFAULT_RETENTION_DAYS) });

/**
 * The object that holds an entry's payload. Ids are parts of their own behind a letter: dots alone would be a way up in
 * a URL.
 */
export const payloadObjectKey = (run: RunKey, ulid: string, days: number = USUAL.payloadDays): string =>
  `${lifetimePrefix(days)}runs/t-${run.tenantId}/r-${run.runId}/${ulid}`;

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
