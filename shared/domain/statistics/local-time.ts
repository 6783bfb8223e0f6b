import { GRAIN_MS, inQuarters, type Span } from "./period.ts";

/** The intervals that statistics are asked for by. */
export const INTERVALS = ["hour", "day", "month"] as const;
/** How long an interval is, by the clock of a time zone. */
export type Interval = (typeof INTERVALS)[number];

/**
 * The clock of a time zone: the moment at which a clock at UTC shows what this one shows at a moment; both in
 * milliseconds since 1970.
 */
export type LocalClock = (moment: number) => number;

const PARTS = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const;

/** The clock of a time zone by its name in the IANA database; undefined where there is no such zone. */
export const localClock = (timeZone: string): LocalClock | undefined => {
  const format = formatOf(timeZone);
  return (
    format &&
    ((moment) => {
      const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
      const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
      return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"));
    })
  );
};

const formatOf = (timeZone: string): Intl.DateTimeFormat | undefined => {
  // An offset is no name: its days do not begin with quarters of an hour.
  if (/^[+-]/.test(timeZone)) return undefined;
  try {
    return new Intl.DateTimeFormat("en-US", { ...PARTS, timeZone, calendar: "iso8601", hourCycle: "h23" });
  } catch {
    return undefined;
  }
};

/** The number of a local interval: it rises from one to the next. */
const NUMBER_OF: Readonly<Record<Interval, (local: number) => number>> = {
  hour: (local) => Math.floor(local / GRAIN_MS.hour),
  day: (local) => Math.floor(local / GRAIN_MS.day),
  month: (local) => new Date(local).getUTCFullYear() * 12 + new Date(local).getUTCMonth(),
};

/** No interval is longer, whatever its clock does (milliseconds). */
const LONGEST_MS: Readonly<Record<Interval, number>> = {
  hour: 2 * GRAIN_MS.hour,
  day: 3 * GRAIN_MS.day,
  month: 34 * GRAIN_MS.day,
};

/** The first quarter after `from` at which something is so, and from then on within `spanMs`. */
const firstQuarter = (from: number, spanMs: number, isSo: (moment: number) => boolean): number => {
  let [low, high] = [0, spanMs / GRAIN_MS.quarter];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isSo(from + middle * GRAIN_MS.quarter)) high = middle;
    else low = middle;
  }
  return from + high * GRAIN_MS.quarter;
};

/** When the interval that holds a moment is over. */
const nextInterval = (clock: LocalClock, interval: Interval, moment: number): number => {
  const numberAt = (at: number): number => NUMBER_OF[interval](clock(at));
  const number = numberAt(moment);
  if (interval !== "hour") return firstQuarter(moment, LONGEST_MS[interval], (at) => numberAt(at) > number);
  // An hour that comes twice is two: where the clock is turned, one ends.
  const offset = clock(moment) - moment;
  let at = moment + GRAIN_MS.quarter;
  while (numberAt(at) === number && clock(at) - at === offset) at += GRAIN_MS.quarter;
  return at;
};

/**
 * The hours, days or months of a clock that make up a span, in order; the first and the last are cut where it begins and
 * ends, at whole quarters of an hour. A day on which the clock is turned has as many hours as it has. Undefined for more
 * than `most`.
 */
export const intervalsIn = (
  span: Span,
  of: { readonly clock: LocalClock; readonly interval: Interval; readonly most: number },
): Span[] | undefined => {
  const { from, to } = inQuarters(span);
  const found: Span[] = [];
  for (let at = from; at < to; ) {
    if (found.length === of.most) return undefined;
    const end = Math.min(to, nextInterval(of.clock, of.interval, at));
    found.push({ from: at, to: end });
    at = end;
  }
  return found;
};

/** When a day (its midnight as if at UTC, milliseconds since 1970) begins by a clock, to the quarter of an hour. */
export const startOfDay = (clock: LocalClock, day: number): number => {
  const before = day - 2 * GRAIN_MS.day;
  return firstQuarter(before, 4 * GRAIN_MS.day, (at) => clock(at) >= day);
};
