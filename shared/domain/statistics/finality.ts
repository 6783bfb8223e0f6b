import { endOf, type Period } from "./period.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** So long after the end of a quarter of an hour its runs are still expected to end. */
const OPEN_MS = 30 * MINUTE_MS;

/** Clocks of processes may differ by this much, and a write may take as long. */
const SLACK_MS = 5 * MINUTE_MS;

/** Whether most runs that began in a quarter may still be going on. */
export const isOpen = (quarter: number, now: number): boolean => now < endOf(quarterAt(quarter)) + OPEN_MS;

/** Whether a quarter can be summed up: nobody takes it for open any more. */
export const canClose = (quarter: number, now: number): boolean =>
  now >= endOf(quarterAt(quarter)) + OPEN_MS + SLACK_MS;

const quarterAt = (from: number): Period => ({ grain: "quarter", from });

/** What a run adds to statistics is kept apart this long from when it was written: meanwhile it can be corrected. */
const KEPT_DAYS = 100;

/** From the first write to a quarter on it can be corrected for so long, and no longer. */
const CORRECTABLE_DAYS = 95;

/** A run may say that it began this much later than it is counted. */
const LARGEST_LEAD_DAYS = 2;

/** So long after the last correction a quarter is still summed up anew. */
const CLOSING_DAYS = 2;

/** Whether a quarter can have become final: earlier it is not worth a look. */
export const mayBeFinal = (quarter: number, now: number): boolean =>
  now >= quarter + (CORRECTABLE_DAYS - LARGEST_LEAD_DAYS) * DAY_MS;

/** When what a run adds may be collected (seconds since 1970). */
export const contributionExpiry = (now: number): number => Math.floor((now + KEPT_DAYS * DAY_MS) / 1000);

/**
 * When a quarter can be corrected no more (milliseconds since 1970), by the expiry of what was written to it first: the
 * sum must be made while nothing of it has been collected.
 */
export const finalAt = (firstExpiry: number): number => firstExpiry * 1000 - (KEPT_DAYS - CORRECTABLE_DAYS) * DAY_MS;

/** Whether a quarter that became final then can still be summed up. */
export const canStillClose = (final: number, now: number): boolean => now < final + CLOSING_DAYS * DAY_MS;
