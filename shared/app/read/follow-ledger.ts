import type { RunKey } from "../../contract/identifiers.ts";
import type { LedgerEntry, LedgerEvent } from "../../domain/fold/ledger.ts";
import type { Clock } from "../../ports/clock.ts";
import { LATEST_WRITE_MS, type LedgerStore } from "../../ports/ledger-store.ts";

/**
 * How far a reader has come in a ledger that is written from many places at once. An entry becomes visible up to
 * {@link LATEST_WRITE_MS} after its receipt, so it may sort before one that was delivered already. Up to `settled`
 * nothing can be missing any more; of what came later, the entries already delivered are known one by one.
 */
export interface LedgerCursor {
  /** Milliseconds since 1970: every entry received up to then was delivered. */
  readonly settled: number;
  /** The ends of the ULIDs of delivered entries received after `settled`. */
  readonly delivered: readonly string[];
  /** Entries of which the first so many events were delivered, by ULID. */
  readonly partial: Readonly<Record<string, number>>;
}

/** Before the first delivery. */
export const LEDGER_START: LedgerCursor = { settled: 0, delivered: [], partial: {} };

/** One event of one delivery. */
export interface Delivery {
  readonly event: LedgerEvent;
  readonly entry: LedgerEntry;
}

/**
 * So long after its receipt an entry is there for every reader, or never: beside the longest write, clocks of writers and
 * readers may differ by some seconds (milliseconds).
 */
export const SETTLED_AFTER_MS = LATEST_WRITE_MS + 10_000;
/** Cursors travel in URLs: at eight characters an entry this is what fits. */
const MOST_UNSETTLED = 500;
const MARK_CHARACTERS = 8;

/** The end of an entry's ULID: tells it from the others of its seconds. */
export const markOf = (entry: Pick<LedgerEntry, "ulid">): string => entry.ulid.slice(-MARK_CHARACTERS);

/** Says whether a page that holds these has no room for another. */
export type IsFull = (taken: readonly Delivery[], next: LedgerEvent) => boolean;

/** Deliveries in order of receipt, and where the next page begins. */
export interface LedgerPage {
  readonly deliveries: readonly Delivery[];
  readonly hasMore: boolean;
  readonly cursor: LedgerCursor;
}

interface Progress {
  readonly deliveries: Delivery[];
  readonly done: { receivedAt: number; mark: string }[];
  readonly partial: Record<string, number>;
  stoppedAt: LedgerEntry | undefined;
}

const cursorAfter = (cursor: LedgerCursor, progress: Progress, now: number): LedgerCursor => {
  const reached = Math.min(now - SETTLED_AFTER_MS, (progress.stoppedAt?.receivedAt ?? Number.POSITIVE_INFINITY) - 1);
  const settled = Math.max(cursor.settled, reached);
  const delivered = progress.done.filter((entry) => entry.receivedAt > settled).map((entry) => entry.mark);
  return { settled, delivered, partial: progress.partial };
};

/** Delivers what is left of an entry, as far as the page has room. */
const deliver = (entry: LedgerEntry, progress: Progress, isFull: IsFull): void => {
  let next = progress.partial[entry.ulid] ?? 0;
  for (; next < entry.events.length; next++) {
    const event = entry.events[next] as LedgerEvent;
    if (isFull(progress.deliveries, event)) break;
    progress.deliveries.push({ event, entry });
  }
  if (next < entry.events.length) {
    progress.stoppedAt = entry;
    if (next > 0) progress.partial[entry.ulid] = next;
    return;
  }
  delete progress.partial[entry.ulid];
  progress.done.push({ receivedAt: entry.receivedAt, mark: markOf(entry) });
};

/** A page of deliveries after a cursor: each entry once, misses none. `isFull` says when it has no room. */
const readLedgerPage = async (
  stores: { readonly ledger: LedgerStore; readonly clock: Clock },
  run: RunKey,
  page: { readonly cursor: LedgerCursor; readonly isFull: IsFull },
): Promise<LedgerPage> => {
  const { cursor, isFull } = page;
  const now = stores.clock.now();
  const known = new Set(cursor.delivered);
  const progress: Progress = { deliveries: [], done: [], partial: { ...cursor.partial }, stoppedAt: undefined };
  let unsettled = 0;
  for await (const entry of stores.ledger.readFrom(run, { after: cursor.settled })) {
    if (entry.receivedAt > now - SETTLED_AFTER_MS) unsettled++;
    if (known.delete(markOf(entry))) progress.done.push({ receivedAt: entry.receivedAt, mark: markOf(entry) });
    else if (progress.stoppedAt === undefined && unsettled <= MOST_UNSETTLED) deliver(entry, progress, isFull);
    else progress.stoppedAt ??= entry;
    if (progress.stoppedAt !== undefined && known.size === 0) break;
  }
  return {
    deliveries: progress.deliveries,
    hasMore: progress.stoppedAt !== undefined,
    cursor: cursorAfter(cursor, progress, now),
  };
};

const POLL_MS = 500;
/** How long an answer waits for entries to settle where a cursor can hold no more of them (milliseconds). */
const PATIENCE_MS = 20_000;

interface Following {
  readonly cursor: LedgerCursor;
  /** Makes the rule that tells when a new page is full. */
  readonly newPage: () => IsFull;
  readonly waitSeconds: number;
}

/** As {@link readLedgerPage}; where there is nothing new, looks again until there is, or until so many seconds have passed. */
export const followLedger = async (
  stores: { readonly ledger: LedgerStore; readonly clock: Clock },
  run: RunKey,
  page: Following,
): Promise<LedgerPage> => {
  const from = stores.clock.now();
  for (;;) {
    const found = await readLedgerPage(stores, run, { cursor: page.cursor, isFull: page.newPage() });
    const patience = found.hasMore ? PATIENCE_MS : page.waitSeconds * 1000;
    const left = from + patience - stores.clock.now();
    if (found.deliveries.length > 0 || left <= 0) return found;
    await stores.clock.sleep(Math.min(POLL_MS, left));
  }
};
