import { entryExpiry, LOOK_AHEAD_DAYS } from "./retention.ts";

const DAY_MS = 86_400_000;

/** How long ledger entries of an app are given to live, as the longest retention of its runs changes. */
export interface EntrySpan {
  /** The longest retention, as it was seen last (days). */
  readonly longestDays: number;
  /** What it was before, as long as entries of that time may still be there. */
  readonly past: readonly PastSpan[];
}

/** A longest retention (days), and until when there may be entries that were recorded under it (milliseconds since 1970). */
export interface PastSpan {
  readonly days: number;
  readonly until: number;
}

/** Processes may go by what was set before for a while. */
const LAG_MS = DAY_MS;

/** A run is listed by its start, which its producer may put so much later than its receipt. */
const LEAD_MS = DAY_MS;

/** When entries that are received now under this retention are gone (milliseconds since 1970). */
const goneAt = (now: number, longestDays: number): number => entryExpiry(now + LAG_MS, longestDays) * 1000;

/** One that is longer than another and over sooner tells nothing more. */
const tellsNothing = (one: PastSpan, others: readonly PastSpan[]): boolean =>
  others.some((other) => other.days <= one.days && other.until > one.until);

/** The span after a look at the longest retention. The same object where nothing has changed. */
export const nextSpan = (span: EntrySpan, longestDays: number, now: number): EntrySpan => {
  if (span.longestDays === longestDays) return span;
  const past = [...span.past, { days: span.longestDays, until: goneAt(now, span.longestDays) }];
  return { longestDays, past: past.filter((one) => now < one.until && !tellsNothing(one, past)) };
};

/** When the first entry of a run that is listed at this moment (milliseconds since 1970) may be gone (seconds since 1970). */
export const assumedExpiry = (listedAt: number, longestDays: number): number =>
  entryExpiry(listedAt - LEAD_MS, longestDays);

/**
 * Runs that are listed at this moment or later (milliseconds since 1970) have no entry that may be collected within the
 * next days: whoever looks ahead begins with older ones.
 */
export const safeSince = (span: EntrySpan, now: number): number => {
  const past = span.past.filter(({ until }) => now < until);
  const shortest = Math.min(span.longestDays, ...past.map(({ days }) => days));
  return now + LOOK_AHEAD_DAYS * DAY_MS - assumedExpiry(0, shortest) * 1000;
};
