/**
 * How long runs took: a DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
 * relative-error guarantees", VLDB 2019). Times fall into buckets whose borders grow by a constant factor, so that the
 * middle of a bucket is at most 1 % off any time in it. Only counts are kept: adding sketches up gives the same in any
 * order and grouping. Datadog's own library keeps ranges of buckets that depend on the order of adding, and needs a
 * library that it does not name among its dependencies.
 */
export interface LatencySketch {
  readonly count: number;
  /** The exact sum (milliseconds). */
  readonly sumMs: bigint;
  /** The shortest and the longest time, exactly; both 0 where there is none. */
  readonly minMs: number;
  readonly maxMs: number;
  /** How many times fell into each bucket, by the bucket's number. */
  readonly buckets: ReadonlyMap<number, number>;
}

/** How far a percentile is off a time that was measured, at most, as a part of it. */
export const LATENCY_ERROR = 0.01;

const FACTOR = (1 + LATENCY_ERROR) / (1 - LATENCY_ERROR);
const LOG_FACTOR = Math.log(FACTOR);

/** Times below a millisecond have a bucket of their own. */
const ZERO_BUCKET = -1;

const bucketOf = (ms: number): number => (ms < 1 ? ZERO_BUCKET : Math.ceil(Math.log(ms) / LOG_FACTOR));

const middleOf = (bucket: number): number => (bucket === ZERO_BUCKET ? 0 : (2 * FACTOR ** bucket) / (FACTOR + 1));

/** The sketch of one time, in whole milliseconds from 0 on. */
export const latencyOf = (ms: number): LatencySketch => ({
  count: 1,
  sumMs: BigInt(ms),
  minMs: ms,
  maxMs: ms,
  buckets: new Map([[bucketOf(ms), 1]]),
});

/** A sketch that others are added to. */
export interface LatencyTotal {
  add(sketch: LatencySketch): void;
  /** All so far. What is added later is not in it. */
  sum(): LatencySketch;
}

/** A total of nothing yet. */
export const totalOfLatencies = (): LatencyTotal => {
  const buckets = new Map<number, number>();
  let [count, sumMs, minMs, maxMs] = [0, 0n, 0, 0];
  return {
    add: (sketch) => {
      if (sketch.count === 0) return;
      minMs = count === 0 ? sketch.minMs : Math.min(minMs, sketch.minMs);
      maxMs = Math.max(maxMs, sketch.maxMs);
      count += sketch.count;
      sumMs += sketch.sumMs;
      for (const [bucket, of] of sketch.buckets) buckets.set(bucket, (buckets.get(bucket) ?? 0) + of);
    },
    sum: () => ({ count, sumMs, minMs, maxMs, buckets: new Map(buckets) }),
  };
};

/** A sketch of no times. */
export const NO_LATENCIES: LatencySketch = totalOfLatencies().sum();

/** The average time, exact to the millisecond; undefined without times. */
export const averageMs = ({ count, sumMs }: LatencySketch): number | undefined =>
  count === 0 ? undefined : Number((sumMs * 2n + BigInt(count)) / (BigInt(count) * 2n));

/** The shortest time that this part of all times (0 to 1) does not exceed (the nearest rank), at most {@link LATENCY_ERROR} off; undefined without times. */
export const quantileMs = (sketch: LatencySketch, part: number): number | undefined => {
  if (sketch.count === 0) return undefined;
  const rank = Math.ceil(part * sketch.count);
  let passed = 0;
  for (const [bucket, count] of [...sketch.buckets].sort(([a], [b]) => a - b)) {
    passed += count;
    if (passed >= rank) return Math.min(sketch.maxMs, Math.max(sketch.minMs, middleOf(bucket)));
  }
  return sketch.maxMs;
};
