import * as v from "valibot";
import { millisecondsOf } from "../../shared/contract/instant.ts";
import { type LocalClock, localClock, startOfDay } from "../../shared/domain/statistics/local-time.ts";
import { GRAIN_MS, inQuarters, type Span } from "../../shared/domain/statistics/period.ts";
import { QueryInstant } from "../../shared/lambda/query-instant.ts";

const MOMENT =
  "expected a date and time (RFC 3339) or a date of the time zone, such as 2026-11-22T10:00:00Z or 2026-11-22";
const FIRST_YEAR = 1970;
const LAST_YEAR = 2199;
const YEARS = `expected a year from ${FIRST_YEAR} to ${LAST_YEAR}`;

/** A date alone, as its midnight if it were of UTC; undefined for any other text, and for a day that its month lacks. */
const dayOf = (text: string): number | undefined => {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date rolls over to the next month; writing it back shows that.
  return !Number.isNaN(day) && new Date(day).toISOString().startsWith(text) ? day : undefined;
};

const instantIn = (text: string): number | undefined => {
  const instant = v.safeParse(QueryInstant, text);
  return instant.success ? millisecondsOf(instant.output) : undefined;
};

/** A moment of its own, or the beginning of a day by a clock. */
type Moment = (clock: LocalClock) => number;

const Moment = v.pipe(
  v.string(),
  v.rawTransform(({ dataset: { value: text }, addIssue, NEVER }): Moment => {
    const day = dayOf(text);
    const moment = day ?? instantIn(text);
    if (moment === undefined) {
      addIssue({ message: MOMENT });
      return NEVER;
    }
    const year = new Date(moment).getUTCFullYear();
    if (year >= FIRST_YEAR && year <= LAST_YEAR)
      return (clock) => (day === undefined ? moment : startOfDay(clock, day));
    addIssue({ message: YEARS });
    return NEVER;
  }),
);

const TIME_ZONE = "expected a time zone of the IANA database, such as Europe/Berlin";

/** Parameters that name a span of time. */
export const SPAN_PARAMETERS = {
  from: v.optional(Moment),
  to: v.optional(Moment),
  time_zone: v.optional(
    v.pipe(
      v.string(),
      v.check((name) => localClock(name) !== undefined, TIME_ZONE),
    ),
    "UTC",
  ),
};

/** Where `from` is left out (days). */
const USUAL_DAYS = 30;

/**
 * The span that is asked for, widened to whole quarters of an hour: up to now where it says nothing else, and from the
 * beginning of the day 30 days before its end.
 */
export const requestedSpan = (
  query: { readonly from?: Moment | undefined; readonly to?: Moment | undefined },
  clock: LocalClock,
  now: number,
): Span => {
  const to = query.to?.(clock) ?? now;
  const usual = to - USUAL_DAYS * GRAIN_MS.day;
  const from = query.from?.(clock) ?? startOfDay(clock, Math.floor(clock(usual) / GRAIN_MS.day) * GRAIN_MS.day);
  return inQuarters({ from, to });
};
