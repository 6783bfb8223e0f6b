import type { AppId, TenantId } from "../../contract/identifiers.ts";
import type { Instant } from "../../contract/instant.ts";
import type { ListedHeader, ListPosition, ListQuery, RunStore } from "../../ports/run-store.ts";
import { newestFirst, positionOf } from "../lists/merge-lists.ts";
import { sideBySide } from "../side-by-side.ts";

/** Which runs are walked over. */
export interface AppRunsQuery {
  readonly tenantId: TenantId;
  /** Undefined: runs whose app is not known yet. */
  readonly appId: AppId | undefined;
  /** How many parts the app's lists have. */
  readonly shards: number;
  /** Undefined: of any status. */
  readonly status?: ListQuery["status"];
  readonly after: ListPosition | undefined;
  /** No run that started then or later. */
  readonly before?: Instant;
  readonly isOldestFirst?: boolean;
}

/** Rows of all shards that are read at a time. */
const PAGE = 200;
/** A read unit is some eight rows: fewer cost the same. */
const LEAST_PAGE = 8;
const SHARDS_AT_A_TIME = 16;

interface Strand {
  readonly shard: number;
  rows: ListedHeader[];
  next: number;
  reached: ListPosition | undefined;
  isAtEnd: boolean;
}

/**
 * Runs of an app from all its shards, in the order of lists or its reverse, read as they are asked for. Whoever goes on
 * after the last one it was given misses none that was there throughout.
 */
export async function* appRuns(
  { runs }: { readonly runs: RunStore },
  query: AppRunsQuery,
): AsyncGenerator<ListedHeader> {
  const { shards, after, before, status, isOldestFirst = false } = query;
  const limit = Math.max(LEAST_PAGE, Math.ceil(PAGE / shards));
  const compare = isOldestFirst ? (a: ListPosition, b: ListPosition) => newestFirst(b, a) : newestFirst;
  const strands = Array.from(
    { length: shards },
    (_, shard): Strand => ({ shard, rows: [], next: 0, reached: after, isAtEnd: false }),
  );
  const readOn = async (strand: Strand): Promise<void> => {
    const { tenantId, appId } = query;
    const part = { after: strand.reached, before, limit, isOldestFirst };
    const page = await runs.list({ tenantId, appId, shard: strand.shard, status, ...part });
    const last = page.headers.at(-1);
    strand.rows = page.headers;
    strand.next = 0;
    strand.reached = last && positionOf(last);
    strand.isAtEnd = !page.hasMore || last === undefined;
  };
  for (;;) {
    const empty = strands.filter(({ rows, next, isAtEnd }) => !isAtEnd && next === rows.length);
    if (empty.length > 0) await sideBySide(empty, SHARDS_AT_A_TIME, readOn);
    let first: Strand | undefined;
    for (const strand of strands) {
      const [row, best] = [strand.rows[strand.next], first?.rows[first.next]];
      if (row !== undefined && (best === undefined || compare(row, best) < 0)) first = strand;
    }
    const header = first?.rows[first.next];
    if (first === undefined || header === undefined) return;
    first.next += 1;
    yield header;
  }
}
