import type { RunId } from "../../contract/identifiers.ts";
import type { Instant } from "../../contract/instant.ts";
import { hasExpired } from "../../domain/retention.ts";
import { type RunFilter, runMatcher } from "../../domain/run-filter.ts";
import type { Clock } from "../../ports/clock.ts";
import { isTombstone, type ListedHeader, type ListPosition, type StoredHeader } from "../../ports/run-store.ts";
import { mergeLists, mergeListsTwice, newestFirst, pageOfMerged, type ReadList } from "./merge-lists.ts";
import { type ListStores, listsFor, type RunQuestion } from "./run-lists.ts";

/**
 * The most rows that one request looks at, however rare what it asks for. Where a row of each list (two, where runs may
 * pass between lists) is more than half of it, those and half as many again.
 */
export const MOST_ROWS = 3_000;

/** Which runs are asked for, and from where on. */
export interface RunListQuery extends RunQuestion {
  readonly after: ListPosition | undefined;
  readonly limit: number;
  /** Runs that are shown in no older state than this `rev`, or said to be stale. */
  readonly minVersions: ReadonlyMap<RunId, number>;
}

/** A run of a page. */
export interface ListedRun {
  readonly header: ListedHeader;
  /** Older than the version that was asked for. */
  readonly isStale: boolean;
}

/**
 * Runs newest first, at most as many as asked for. Whoever goes on with `next` until there is none has seen every run.
 * `hasMore` says that another run is known to follow; a page without runs never says so.
 */
export interface RunListPage {
  readonly runs: readonly ListedRun[];
  readonly hasMore: boolean;
  /** Where to go on; undefined: there is nothing more. */
  readonly next: ListPosition | undefined;
  /** Down to when was searched, where {@link MOST_ROWS} ended the search. */
  readonly searchedUntil: Instant | undefined;
}

type Stores = ListStores & { readonly clock: Clock };

/** Headers of runs that were named, as of now. A run that is not there, or was deleted, has none. */
const findNamed = async (stores: Stores, query: RunListQuery): Promise<Map<RunId, StoredHeader | undefined>> => {
  const { tenantId, minVersions } = query;
  const found = await Promise.all([...minVersions.keys()].map((runId) => stores.runs.find({ tenantId, runId })));
  return new Map([...minVersions.keys()].map((runId, at) => [runId, isTombstone(found[at]) ? undefined : found[at]]));
};

/** Named runs as a list of their own, which stands in for what the others show of them. */
const listOfNamed = (named: ReadonlyMap<RunId, StoredHeader | undefined>): ReadList => {
  const headers = [...named.values()].filter((header) => header !== undefined).sort(newestFirst);
  return async ({ after }) => {
    const isAfter = (header: ListedHeader): boolean => {
      const order = after === undefined ? 1 : newestFirst(header, after);
      return order > 0 || (order === 0 && after?.isIncluded === true);
    };
    return { headers: headers.filter(isAfter), hasMore: false };
  };
};

/**
 * Whether runs may pass from one of the lists into another while they are read: an open run ends, a lost one was stopped
 * after all. It is in neither where the list it came to was read before, and that it left after it.
 */
const mayMove = ({ statuses, parentRunId }: RunFilter): boolean =>
  parentRunId === undefined && !statuses.includes("succeeded") && new Set(statuses).size > 1;

/**
 * Runs of an app or of all, newest first, in a total order. A page looks at {@link MOST_ROWS} rows, or what that says. Runs that
 * have expired are passed over. One position tells where to go on in all lists, whatever was added meanwhile.
 */
export const listRuns = async (
  stores: Stores,
  query: RunListQuery,
  mostRows: number = MOST_ROWS,
): Promise<RunListPage> => {
  const { filter, limit, minVersions } = query;
  const now = stores.clock.now();
  const [lists, named] = await Promise.all([listsFor(stores, query), findNamed(stores, query)]);
  const matches = runMatcher(filter, query.appId);
  const isWanted = (header: ListedHeader): boolean => {
    const isOutdated =
      named.has(header.runId) && header.rev < (named.get(header.runId)?.rev ?? Number.POSITIVE_INFINITY);
    return !isOutdated && !hasExpired(header.expiresAt, now) && matches(header);
  };
  const request = { after: query.after, from: filter.created.after, limit, mostRows, isWanted };
  const all = named.size === 0 ? lists : [...lists, listOfNamed(named)];
  const merge = mayMove(filter) ? mergeListsTwice : mergeLists;
  const merged = await merge(all, request);
  const { shown, ...page } = pageOfMerged(merged, limit);
  const runs = merged.headers
    .slice(0, shown)
    .map((header) => ({ header, isStale: header.rev < (minVersions.get(header.runId) ?? 0) }));
  return { runs, ...page };
};
