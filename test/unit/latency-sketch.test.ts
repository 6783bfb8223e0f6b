import fc from "fast-check";
import {
  averageMs,
  LATENCY_ERROR,
  type LatencySketch,
  latencyOf,
  NO_LATENCIES,
  quantileMs,
  totalOfLatencies,
} from "../../shared/domain/statistics/latency-sketch.ts";

const sketchOf = (times: readonly number[]): LatencySketch => {
  const total = totalOfLatencies();
  for (const time of times) total.add(latencyOf(time));
  return total.sum();
};

const added = (...sketches: readonly LatencySketch[]): LatencySketch => {
  const total = totalOfLatencies();
  for (const sketch of sketches) total.add(sketch);
  return total.sum();
};

/** The nearest rank among all of them: what the sketch comes near to. */
const exact = (times: readonly number[], part: number): number =>
  [...times].sort((a, b) => a - b)[Math.max(0, Math.ceil(part * times.length) - 1)] ?? Number.NaN;

const times = fc.array(
  fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 100_000 }), fc.nat({ max: 2_000_000_000 }), fc.constant(1e13)),
  { minLength: 1, maxLength: 300 },
);
const part = fc.constantFrom(0, 0.01, 0.5, 0.9, 0.95, 0.99, 1);

describe("a sketch of latencies", () => {
  it("does not leave out the slowest of few", () => {
    const sketch = sketchOf([...Array.from({ length: 9 }, () => 1_000), 100_000]);

    expect(quantileMs(sketch, 0.9)).toBeCloseTo(1_000, -2);
    for (const slow of [0.95, 0.99]) expect(quantileMs(sketch, slow)).toBeGreaterThan(99_000);
  });

  it("tells percentiles at most 1 % off, of times from a millisecond to centuries", () => {
    fc.assert(
      fc.property(times, part, (all, of) => {
        const expected = exact(all, of);
        const found = quantileMs(sketchOf(all), of) ?? Number.NaN;

        expect(Math.abs(found - expected)).toBeLessThanOrEqual(expected * LATENCY_ERROR * 1.000001);
      }),
    );
  });

  it("is the same whatever the order and grouping of what is added", () => {
    fc.assert(
      fc.property(times, times, times, (a, b, c) => {
        const all = sketchOf([...a, ...b, ...c]);
        const [one, two, three] = [sketchOf(a), sketchOf(b), sketchOf(c)];

        expect(added(added(three, one), two)).toEqual(all);
        expect(added(two, added(one, three))).toEqual(all);
        expect(added(NO_LATENCIES, all, NO_LATENCIES)).toEqual(all);
      }),
    );
  });

  it("tells the average exactly, rounded to the millisecond", () => {
    expect(averageMs(sketchOf([1, 2]))).toBe(2);
    expect(averageMs(sketchOf([1, 1, 2]))).toBe(1);
    expect(averageMs(sketchOf(Array(1000).fill(1e13)))).toBe(1e13);
  });

  it("tells a time exactly that is the only one, or the shortest or the longest", () => {
    for (const rank of [0, 0.5, 0.99]) expect(quantileMs(sketchOf([1234]), rank)).toBe(1234);
    expect(quantileMs(sketchOf([0, 0, 0]), 0.5)).toBe(0);
    expect(quantileMs(sketchOf([10, 1_000_003]), 1)).toBeLessThanOrEqual(1_000_003);
    expect(quantileMs(sketchOf([999, 1_000_003]), 0)).toBeGreaterThanOrEqual(999);
  });

  it("tells nothing of no times", () => {
    expect(averageMs(NO_LATENCIES)).toBeUndefined();
    expect(quantileMs(NO_LATENCIES, 0.5)).toBeUndefined();
  });

  it("takes as many buckets as times differ by more than 2 %, not as many as there are times", () => {
    const busy = sketchOf(Array.from({ length: 20_000 }, (_, index) => 500 + (index % 60_000)));

    expect(busy.buckets.size).toBeLessThan(200);
  });
});
