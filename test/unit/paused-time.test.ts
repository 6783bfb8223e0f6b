import fc from "fast-check";
import { claimed, run, type Sent, sent } from "../support/builders.ts";

const paused = (at: number, more = {}) => sent("run.paused", { at, ...more });
const resumed = (at: number, more = {}) => sent("run.resumed", { at, ...more });
const [from, to] = [sent("run.started", { at: 0 }), sent("run.finished", { at: 100 })];

const times = (...events: readonly Sent[]) => {
  const { pausedTime, activeTime } = run(...events);
  return [pausedTime, activeTime];
};

describe("paused time", () => {
  it("of a run that never stood still is none, and all of it active", () => {
    expect(times(from, to)).toEqual([0, 100]);
  });

  it("is the span from a pause to the next resume, active time the rest", () => {
    expect(times(from, paused(10), resumed(30), to)).toEqual([20, 80]);
  });

  it("adds up over several spans", () => {
    expect(times(from, paused(10), resumed(30), paused(50.5), resumed(51.25), to)).toEqual([20.75, 79.25]);
  });

  it("goes to the end where nothing resumed the run", () => {
    expect(times(from, paused(10), to)).toEqual([90, 10]);
  });

  it("counts spans that overlap once: pausing a paused run again is nothing new", () => {
    expect(times(from, paused(10), paused(20), resumed(30), to)).toEqual([20, 80]);
  });

  it("is not changed by a resume of a run that is at work", () => {
    expect(times(from, resumed(5), paused(10), resumed(30), resumed(40), to)).toEqual([20, 80]);
  });

  it("ends with a claim, which is a resume", () => {
    expect(times(from, paused(10), claimed(2, 30), sent("run.finished", { epoch: 2, at: 100 }))).toEqual([20, 80]);
  });

  it("lies within start and end", () => {
    const [late, early] = [sent("run.started", { at: 20 }), sent("run.finished", { at: 50 })];

    expect(times(paused(10), late, resumed(30), paused(40), resumed(60), early)).toEqual([20, 10]);
    expect(times(late, early, paused(60), resumed(70))).toEqual([0, 30]);
    expect(times(paused(5), resumed(10), late, early)).toEqual([0, 30]);
  });

  it("of a pause that is resumed at once is none", () => {
    expect(times(from, resumed(10), paused(10), to)).toEqual([0, 100]);
  });

  it("is unknown while the run is open, and so is active time", () => {
    expect(times(from, paused(10), resumed(30))).toEqual([undefined, undefined]);
    expect(times(from, paused(10))).toEqual([undefined, undefined]);
  });

  it("is unknown again once a claim has opened the run", () => {
    expect(times(from, paused(10), resumed(30), to, claimed(2, 110))).toEqual([undefined, undefined]);
  });

  it("does not hold stale events", () => {
    const end = sent("run.finished", { epoch: 2, at: 100 });

    expect(times(from, claimed(2, 20), paused(30), end)).toEqual([0, 100]);
    expect(times(from, paused(10), claimed(2, 20), paused(30, { epoch: 2 }), resumed(35), end)).toEqual([80, 20]);
  });

  it("and active time are all of the time between start and end, in milliseconds without dust", () => {
    const turns = fc.array(
      fc
        .tuple(fc.boolean(), fc.integer({ min: 0, max: 100_000 }))
        .map(([isPause, ms]) => (isPause ? paused(ms / 1000) : resumed(ms / 1000))),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(turns, (events) => {
        const { pausedTime = -1, activeTime = -1 } = run(from, to, ...events);

        expect(Math.round((pausedTime + activeTime) * 1000)).toBe(100_000);
        expect([pausedTime, activeTime].map((one) => Math.round(one * 1000) / 1000)).toEqual([pausedTime, activeTime]);
        expect(Math.min(pausedTime, activeTime)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
