import fc from "fast-check";
import { endOf, GRAIN_MS, inQuarters, periodOf, periodsIn, quarterOf } from "../../shared/domain/statistics/period.ts";
import { instant } from "../support/builders.ts";

const DAY = Date.parse("2026-11-22T00:00:00Z");
const at = (text: string): number => Date.parse(`2026-11-${text}:00Z`);
const shown = (periods: ReturnType<typeof periodsIn>): string[] =>
  periods.map(({ grain, from }) => `${grain} ${new Date(from).toISOString().slice(8, 16)}`);

describe("a period", () => {
  it("holds the moments from its begin on", () => {
    expect(quarterOf(instant("2026-11-22T10:14:59.999999999Z"))).toBe(at("22T10:00"));
    expect(quarterOf(instant("2026-11-22T10:15:00Z"))).toBe(at("22T10:15"));
    expect(quarterOf(instant("1969-12-31T23:59:59Z"))).toBe(-GRAIN_MS.quarter);
    expect(periodOf("day", at("22T23:59"))).toEqual({ grain: "day", from: DAY });
    expect(endOf(periodOf("hour", at("22T10:15")))).toBe(at("22T11:00"));
  });

  it("spans are widened to whole quarters", () => {
    expect(inQuarters({ from: at("22T10:01"), to: at("22T10:46") })).toEqual({
      from: at("22T10:00"),
      to: at("22T11:00"),
    });
    expect(inQuarters({ from: at("22T10:15"), to: at("22T10:30") })).toEqual({
      from: at("22T10:15"),
      to: at("22T10:30"),
    });
  });
});

describe("the periods of a span", () => {
  it("are the largest that fit", () => {
    expect(shown(periodsIn({ from: at("21T22:45"), to: at("23T01:15") }))).toEqual([
      "quarter 21T22:45",
      "hour 21T23:00",
      "day 22T00:00",
      "hour 23T00:00",
      "quarter 23T01:00",
    ]);
  });

  it("cover no open quarter but with itself", () => {
    expect(shown(periodsIn({ from: at("22T00:00"), to: at("22T04:00") }, [at("22T02:15"), at("25T00:00")]))).toEqual([
      "hour 22T00:00",
      "hour 22T01:00",
      "quarter 22T02:00",
      "quarter 22T02:15",
      "quarter 22T02:30",
      "quarter 22T02:45",
      "hour 22T03:00",
    ]);
  });

  it("make up the span without gap or overlap, whatever is open", () => {
    const quarters = fc.integer({ min: 0, max: 400 });
    fc.assert(
      fc.property(quarters, quarters, fc.array(quarters), (a, b, open) => {
        const moment = (number: number): number => DAY + number * GRAIN_MS.quarter;
        const span = { from: moment(Math.min(a, b)), to: moment(Math.max(a, b)) };
        const periods = periodsIn(span, open.map(moment));

        expect(periods.reduce((end, period) => (period.from === end ? endOf(period) : Number.NaN), span.from)).toBe(
          span.to,
        );
        for (const period of periods) {
          expect(period.from % GRAIN_MS[period.grain]).toBe(0);
          const covered = open.map(moment).filter((quarter) => quarter >= period.from && quarter < endOf(period));
          if (covered.length > 0) expect(period.grain).toBe("quarter");
        }
      }),
    );
  });

  it("are few for a long span", () => {
    expect(periodsIn({ from: at("01T00:15"), to: at("30T23:45") })).toHaveLength(3 + 23 + 28 + 23 + 3);
  });
});
