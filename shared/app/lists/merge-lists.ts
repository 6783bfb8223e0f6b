import type { Instant } from "../../contract/instant.ts";
import { compareText } from "../../domain/fold/member.ts";
import type { ListedHeader, ListPosition } from "../../ports/run-store.ts";

/** What stands in a list: of two states of the same run, or whatever is listed, the later one has the higher `rev`. */
export interface Listed extends ListPosition {
  readonly rev: number;
}

/** One of several lists that have one order: newest first by start, then by run id. */
export type ReadList<Row extends Listed = ListedHeader> = (part: {
  readonly after: ListPosition | undefined;
  /** No run that started before is asked for. */
  readonly from: Instant | undefined;
  readonly limit: number;
}) => Promise<{ readonly headers: readonly Row[]; readonly hasMore: boolean }>;

/** How far and how much of lists is read. */
export interface MergeRequest<Row extends Listed = ListedHeader> {
  readonly after: ListPosition | undefined;
  readonly from: Instant | undefined;
  /** Merging ends where one more than so many runs are found. */
  readonly limit: number;
  /** Of all lists together; where a row of each is more than half of it, so much more is read. */
  readonly mostRows: number;
  readonly isWanted: (header: Row) => boolean;
}

/** The beginning of merged lists: complete as far as it reaches, each run once. */
export interface Merged<Row extends Listed = ListedHeader> {
  readonly headers: readonly Row[];
  /** The last place that was looked at, if `mostRows` ended the merging there. */
  readonly cutAt: ListPosition | undefined;
}

/** Queries that are under way at one time. */
const MOST_AT_A_TIME = 16;
/** Half a read unit is 4 KB, some seven rows: fewer in a page cost the same. */
const LEAST_PAGE = 6;
const MOST_PAGE = 250;

/** The order of lists. */
export const newestFirst = (a: ListPosition, b: ListPosition): number =>
  compareText(b.listedAt, a.listedAt) || compareText(b.runId, a.runId);

/** The place of a run in lists. */
export const positionOf = ({ listedAt, runId }: ListPosition): ListPosition => ({ listedAt, runId });

interface Strand<Row extends Listed> {
  readonly read: ReadList<Row>;
  readonly found: Row[];
  /** The last row that was read; undefined: none yet. */
  reached: ListPosition | undefined;
  isAtEnd: boolean;
  pageSize: number;
}

/** A run that changes lists while they are read may be found in two: its later state counts. */
const eachOnce = <Row extends Listed>(headers: Iterable<Row>): Row[] => {
  const latest = new Map<string, Row>();
  for (const header of headers) {
    const known = latest.get(header.runId);
    if (known === undefined || known.rev < header.rev) latest.set(header.runId, header);
  }
  return [...latest.values()].sort(newestFirst);
};

const isFarther = (strand: Pick<Strand<Listed>, "reached">, place: ListPosition): boolean =>
  strand.reached !== undefined && newestFirst(strand.reached, place) >= 0;

/** Those that were read least far come first. */
const leastFarFirst = (a: Pick<Strand<Listed>, "reached">, b: Pick<Strand<Listed>, "reached">): number =>
  a.reached === undefined ? -1 : b.reached === undefined ? 1 : newestFirst(a.reached, b.reached);

const readOn = async <Row extends Listed>(
  strand: Strand<Row>,
  request: MergeRequest<Row>,
  mostRows: number,
): Promise<number> => {
  const limit = Math.min(strand.pageSize, mostRows);
  const { headers, hasMore } = await strand.read({
    after: strand.reached ?? request.after,
    from: request.from,
    limit,
  });
  const last = headers.at(-1);
  strand.found.push(...headers.filter(request.isWanted));
  strand.reached = last && positionOf(last);
  strand.isAtEnd = !hasMore || last === undefined;
  strand.pageSize = Math.min(strand.pageSize * 2, MOST_PAGE);
  return headers.length;
};

/** A row of each list has to be read before any is known to be the newest: what is left must find more than that one. */
const mostRowsOf = (mostRows: number, lists: number): number => Math.max(mostRows, lists + Math.floor(mostRows / 2));

/**
 * Merges lists lazily: a small page of each, then more of those alone that hold the merging up, those first that were
 * read least far. Whatever rows the lists hold, no more are read than asked for.
 */
export const mergeLists = async <Row extends Listed>(
  lists: readonly ReadList<Row>[],
  request: MergeRequest<Row>,
): Promise<Merged<Row>> => {
  const wanted = request.limit + 1;
  const fairShare = Math.floor(request.mostRows / 2 / lists.length);
  const firstShare = Math.max(LEAST_PAGE, Math.ceil((2 * wanted) / lists.length));
  const pageSize = Math.max(1, Math.min(wanted, firstShare, fairShare, MOST_PAGE));
  const strands = lists.map((read): Strand<Row> => ({ read, found: [], reached: undefined, isAtEnd: false, pageSize }));
  let rowsLeft = mostRowsOf(request.mostRows, lists.length);
  for (;;) {
    const open = strands.filter((strand) => !strand.isAtEnd).sort(leastFarFirst);
    const found = eachOnce(strands.flatMap((strand) => strand.found));
    const end = open[0]?.reached;
    const complete =
      open.length === 0 ? found : found.filter((header) => end !== undefined && newestFirst(header, end) <= 0);
    if (open.length === 0 || complete.length >= wanted) return { headers: complete, cutAt: undefined };
    if (rowsLeft <= 0) return { headers: complete, cutAt: end };

    const enough = found[wanted - 1];
    const behind = enough === undefined ? open : open.filter((strand) => !isFarther(strand, enough));
    const next = behind.slice(0, Math.min(MOST_AT_A_TIME, rowsLeft));
    const share = Math.floor(rowsLeft / next.length);
    const read = await Promise.all(next.map((strand) => readOn(strand, request, share)));
    rowsLeft -= read.reduce((sum, rows) => sum + rows, 0);
  }
};

const nearest = (...places: readonly (ListPosition | undefined)[]): ListPosition | undefined =>
  places.filter((place) => place !== undefined).sort(newestFirst)[0];

/**
 * The same for lists that runs pass between while they are read: what was merged is read once more, so that a run that
 * was in one list before it was looked at, and in another after that, is found all the same.
 */
export const mergeListsTwice = async <Row extends Listed>(
  lists: readonly ReadList<Row>[],
  request: MergeRequest<Row>,
): Promise<Merged<Row>> => {
  const mostRows = Math.floor(request.mostRows / 2);
  const first = await mergeLists(lists, { ...request, mostRows });
  const end = first.headers[request.limit] ?? first.cutAt;
  const [from] = [request.from, end?.listedAt]
    .filter((one) => one !== undefined)
    .sort()
    .reverse();
  const second = await mergeLists(lists, { ...request, mostRows, from, limit: mostRows });
  const headers = eachOnce([...first.headers, ...second.headers]);
  const complete = nearest(end, second.cutAt);
  return {
    headers: complete === undefined ? headers : headers.filter((header) => newestFirst(header, complete) <= 0),
    cutAt: nearest(first.cutAt, second.cutAt),
  };
};

/** What a page of merged lists shows, and where it goes on. */
export interface MergedPage {
  /** How many rows from the beginning. */
  readonly shown: number;
  /** Another row is known to follow. */
  readonly hasMore: boolean;
  /** Undefined: there is nothing more. */
  readonly next: ListPosition | undefined;
  /** Down to when was searched, where that was cut. */
  readonly searchedUntil: Instant | undefined;
}

/** A page of at most so many rows of what was merged for it. */
export const pageOfMerged = <Row extends Listed>({ headers, cutAt }: Merged<Row>, limit: number): MergedPage => {
  const following = headers[limit] ?? (cutAt !== undefined && headers.length > 1 ? headers.at(-1) : undefined);
  const searchedUntil = headers.length > limit ? undefined : cutAt?.listedAt;
  if (following === undefined) return { shown: headers.length, hasMore: false, next: cutAt, searchedUntil };
  // The row that is known to follow is the first of the next page: what lies before it was looked at already.
  const next = { ...positionOf(following), isIncluded: true };
  return { shown: Math.min(limit, headers.length - 1), hasMore: true, next, searchedUntil };
};
