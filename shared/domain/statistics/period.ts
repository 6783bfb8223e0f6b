import { type Instant, millisecondsOf } from "../../contract/instant.ts";

/** Spans of UTC time that statistics are kept by, each made of the one before it. */
export const GRAINS = ["quarter", "hour", "day"] as const;
/** How long a span is. */
export type Grain = (typeof GRAINS)[number];

/** How long each is (milliseconds). Every time zone is a multiple of a quarter of an hour away from UTC. */
export const GRAIN_MS: Readonly<Record<Grain, number>> = { quarter: 900_000, hour: 3_600_000, day: 86_400_000 };

/** A span of UTC time: a quarter of an hour, an hour or a day, from this moment on (milliseconds since 1970). */
export interface Period {
  readonly grain: Grain;
  readonly from: number;
}

/** A stretch of time, half-open, in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The period of a grain that a moment falls into. */
export const periodOf = (grain: Grain, moment: number): Period => ({
  grain,
  from: Math.floor(moment / GRAIN_MS[grain]) * GRAIN_MS[grain],
});

/** The beginning of the quarter of an hour that an instant falls into: where a run that began then is counted. */
export const quarterOf = (instant: Instant): number => periodOf("quarter", millisecondsOf(instant)).from;

/** When a period is over. */
export const endOf = ({ grain, from }: Period): number => from + GRAIN_MS[grain];

/** The span of whole quarters that holds a stretch of time. */
export const inQuarters = ({ from, to }: Span): Span => ({
  from: periodOf("quarter", from).from,
  to: Math.ceil(to / GRAIN_MS.quarter) * GRAIN_MS.quarter,
});

const LARGEST_FIRST: readonly Grain[] = [...GRAINS].reverse();

/**
 * The fewest periods that make up a span of whole quarters, in order. A quarter that `isOpen` stands alone: no larger
 * period covers it. Of two open quarters every one is listed.
 */
export const periodsIn = ({ from, to }: Span, openQuarters: readonly number[] = []): Period[] => {
  const open = openQuarters.filter((quarter) => quarter >= from && quarter < to).sort((a, b) => a - b);
  const found: Period[] = [];
  let next = 0;
  for (let at = from; at < to; ) {
    while ((open[next] ?? Number.POSITIVE_INFINITY) < at) next++;
    const firstOpen = open[next] ?? Number.POSITIVE_INFINITY;
    const grain =
      LARGEST_FIRST.find((one) => at % GRAIN_MS[one] === 0 && at + GRAIN_MS[one] <= Math.min(to, firstOpen)) ??
      "quarter";
    found.push({ grain, from: at });
    at += GRAIN_MS[grain];
  }
  return found;
};
