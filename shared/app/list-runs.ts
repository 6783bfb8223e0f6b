import type { AppId, TenantId } from "../contract/identifiers.ts";
import { compareText } from "../domain/member.ts";
import { hasExpired } from "../domain/retention.ts";
import type { RunStatus } from "../domain/run-fold.ts";
import type { Clock } from "../ports/clock.ts";
import type { ListedHeader, ListPosition, RunStore } from "../ports/run-store.ts";

/** Which runs are asked for. */
export interface RunListQuery {
  readonly tenantId: TenantId;
  readonly appId: AppId;
  /** Empty: of any status. */
  readonly statuses: readonly RunStatus[];
  readonly after: ListPosition | undefined;
  readonly limit: number;
}

/** Runs newest first, at most as many as asked for. */
export interface RunListPage {
  readonly headers: readonly ListedHeader[];
  /** Where to go on; undefined at the end. */
  readonly next: ListPosition | undefined;
}

const newestFirst = (a: ListedHeader, b: ListedHeader): number =>
  compareText(b.listedAt, a.listedAt) || compareText(b.runId, a.runId);

const positionOf = (header: ListedHeader): ListPosition => ({ listedAt: header.listedAt, runId: header.runId });

/** Reads of one list in a request at the most: rare statuses and expired runs are passed over page by page. */
const MOST_READS = 20;
/** Pages for passing over rows are larger: a row costs the same whether it is shown or not. */
const PASSING_LIMIT = 200;

interface Strand {
  readonly headers: ListedHeader[];
  /** How far it was read; undefined: to its end. */
  readonly reached: ListPosition | undefined;
}

/** The first rows of one list that are wanted and alive. */
const readStrand = async (
  stores: { readonly runs: RunStore; readonly clock: Clock },
  query: RunListQuery,
  strand: { readonly status: RunStatus | undefined; readonly isWanted: (header: ListedHeader) => boolean },
): Promise<Strand> => {
  const found: ListedHeader[] = [];
  let after = query.after;
  for (let reads = 0; reads < MOST_READS; reads++) {
    const limit = reads === 0 ? query.limit + 1 : PASSING_LIMIT;
    const page = await stores.runs.list({ ...query, status: strand.status, after, limit });
    const now = stores.clock.now();
    found.push(...page.headers.filter((header) => !hasExpired(header.expiresAt, now) && strand.isWanted(header)));
    const last = page.headers.at(-1);
    if (!page.hasMore || last === undefined) return { headers: found, reached: undefined };
    after = positionOf(last);
    if (found.length > query.limit) break;
  }
  return { headers: found, reached: after };
};

/** Where several strands are read, rows beyond the nearest end may be missing in another: they wait for the next page. */
const upTo = (headers: readonly ListedHeader[], strands: readonly Strand[]): ListedHeader[] => {
  const ends = strands.flatMap(({ reached }) => reached ?? []);
  return headers.filter((header) =>
    ends.every(
      (end) =>
        compareText(header.listedAt, end.listedAt) > 0 ||
        (header.listedAt === end.listedAt && header.runId >= end.runId),
    ),
  );
};

/**
 * Runs of an app, newest first, in a total order. Statuses are read from their own lists and merged; runs that
 * succeeded from the list of all. Work is bounded: a page may be short, or empty where the wanted are rare, and says
 * where to go on.
 */
export const listRuns = async (
  stores: { readonly runs: RunStore; readonly clock: Clock },
  query: RunListQuery,
): Promise<RunListPage> => {
  const { statuses, limit } = query;
  const wanted = new Set(statuses);
  const isByTime = statuses.length === 0 || wanted.has("succeeded");
  const lists = isByTime ? [undefined] : [...wanted];
  const isWanted = (header: ListedHeader): boolean => statuses.length === 0 || wanted.has(header.row.status);
  const strands = await Promise.all(lists.map((status) => readStrand(stores, query, { status, isWanted })));
  const unique = new Map(strands.flatMap(({ headers }) => headers).map((header) => [header.runId, header]));
  const merged = upTo([...unique.values()].sort(newestFirst), strands);
  const headers = merged.slice(0, limit);
  const last = headers.at(-1);
  if (merged.length > limit && last !== undefined) return { headers, next: positionOf(last) };
  const ends = strands.flatMap(({ reached }) => reached ?? []);
  const nearest = ends.sort((a, b) => compareText(b.listedAt, a.listedAt) || compareText(b.runId, a.runId))[0];
  return { headers, next: nearest };
};
