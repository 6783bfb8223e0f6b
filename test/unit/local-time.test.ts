import {
  type Interval,
  intervalsIn,
  type LocalClock,
  localClock,
  startOfDay,
} from "../../shared/domain/statistics/local-time.ts";
import { GRAIN_MS } from "../../shared/domain/statistics/period.ts";

const clockOf = (timeZone: string): LocalClock => {
  const clock = localClock(timeZone);
  if (clock === undefined) throw new Error(`expected a time zone, came ${timeZone}`);
  return clock;
};

const intervals = (timeZone: string, interval: Interval, [from, to]: readonly [string, string]) =>
  intervalsIn({ from: Date.parse(from), to: Date.parse(to) }, { clock: clockOf(timeZone), interval, most: 1000 }) ?? [];

/** Intervals as begin and length in hours. */
const shown = (...asked: Parameters<typeof intervals>): string[] =>
  intervals(...asked).map(
    ({ from, to }) => `${new Date(from).toISOString().slice(0, 16)} ${(to - from) / GRAIN_MS.hour}`,
  );

describe("days of a time zone", () => {
  it("are of 24 hours from midnight to midnight", () => {
    expect(shown("UTC", "day", ["2026-11-21T00:00Z", "2026-11-23T00:00Z"])).toEqual([
      "2026-11-21T00:00 24",
      "2026-11-22T00:00 24",
    ]);
    expect(shown("Asia/Kathmandu", "day", ["2026-11-20T18:15Z", "2026-11-22T18:15Z"])).toEqual([
      "2026-11-20T18:15 24",
      "2026-11-21T18:15 24",
    ]);
  });

  it.each([
    ["Europe/Berlin", "2026-03-28T23:00 23", ["2026-03-28T23:00Z", "2026-03-29T22:00Z"]],
    ["Europe/Berlin", "2026-10-24T22:00 25", ["2026-10-24T22:00Z", "2026-10-25T23:00Z"]],
    ["America/New_York", "2026-03-08T05:00 23", ["2026-03-08T05:00Z", "2026-03-09T04:00Z"]],
    ["America/New_York", "2026-11-01T04:00 25", ["2026-11-01T04:00Z", "2026-11-02T05:00Z"]],
    ["Australia/Lord_Howe", "2026-10-03T13:30 23.5", ["2026-10-03T13:30Z", "2026-10-04T13:00Z"]],
    ["Australia/Lord_Howe", "2026-04-04T13:00 24.5", ["2026-04-04T13:00Z", "2026-04-05T13:30Z"]],
    // Midnight does not come there: the day begins at one.
    ["Africa/Cairo", "2026-04-23T22:00 23", ["2026-04-23T22:00Z", "2026-04-24T21:00Z"]],
  ] as const)("of %s that the clock is turned on: %s", (timeZone, day, span) => {
    expect(shown(timeZone, "day", span)).toEqual([day]);
  });

  it("that a time zone left out are none", () => {
    // Samoa crossed the date line: there was no 30 December 2011.
    expect(shown("Pacific/Apia", "day", ["2011-12-29T10:00Z", "2011-12-31T10:00Z"])).toEqual([
      "2011-12-29T10:00 24",
      "2011-12-30T10:00 24",
    ]);
  });

  it("begin where they begin", () => {
    const start = (timeZone: string, day: string) =>
      new Date(startOfDay(clockOf(timeZone), Date.parse(day))).toISOString().slice(0, 16);

    expect(start("UTC", "2026-11-22")).toBe("2026-11-22T00:00");
    expect(start("Europe/Berlin", "2026-10-25")).toBe("2026-10-24T22:00");
    expect(start("Europe/Berlin", "2026-10-26")).toBe("2026-10-25T23:00");
    expect(start("Asia/Kathmandu", "2026-11-22")).toBe("2026-11-21T18:15");
    expect(start("Africa/Cairo", "2026-04-24")).toBe("2026-04-23T22:00");
    expect(start("Pacific/Kiritimati", "2026-11-22")).toBe("2026-11-21T10:00");
    expect(start("Pacific/Pago_Pago", "2026-11-22")).toBe("2026-11-22T11:00");
  });
});

describe("hours of a time zone", () => {
  it("that come twice are two, and that never come are none", () => {
    expect(shown("Europe/Berlin", "hour", ["2026-10-24T23:00Z", "2026-10-25T03:00Z"])).toEqual([
      "2026-10-24T23:00 1",
      "2026-10-25T00:00 1",
      "2026-10-25T01:00 1",
      "2026-10-25T02:00 1",
    ]);
    expect(intervals("Europe/Berlin", "hour", ["2026-03-28T23:00Z", "2026-03-29T22:00Z"])).toHaveLength(23);
    expect(intervals("Europe/Berlin", "hour", ["2026-10-24T22:00Z", "2026-10-25T23:00Z"])).toHaveLength(25);
  });

  it("that come twice in part, or come in part, are as long as they are", () => {
    // At 2:00 the clock goes back to 1:30.
    expect(shown("Australia/Lord_Howe", "hour", ["2026-04-04T13:00Z", "2026-04-04T16:30Z"])).toEqual([
      "2026-04-04T13:00 1",
      "2026-04-04T14:00 1",
      "2026-04-04T15:00 0.5",
      "2026-04-04T15:30 1",
    ]);
    // At 2:00 it goes on to 2:30.
    expect(shown("Australia/Lord_Howe", "hour", ["2026-10-03T14:30Z", "2026-10-03T17:00Z"])).toEqual([
      "2026-10-03T14:30 1",
      "2026-10-03T15:30 0.5",
      "2026-10-03T16:00 1",
    ]);
  });

  it("begin at a quarter to where the time zone says so", () => {
    expect(shown("Asia/Kathmandu", "hour", ["2026-11-22T10:00Z", "2026-11-22T12:00Z"])).toEqual([
      "2026-11-22T10:00 0.25",
      "2026-11-22T10:15 1",
      "2026-11-22T11:15 0.75",
    ]);
  });
});

describe("months of a time zone", () => {
  it("are as long as they are, with the hours of summer time", () => {
    expect(shown("Europe/Berlin", "month", ["2026-01-31T23:00Z", "2026-12-31T23:00Z"])).toEqual(
      [28, 31 - 1 / 24, 30, 31, 30, 31, 31, 30, 31 + 1 / 24, 30, 31].map((days, index) => {
        const utc = ["01-31T23", "02-28T23", "03-31T22", "04-30T22", "05-31T22", "06-30T22"].concat([
          "07-31T22",
          "08-31T22",
          "09-30T22",
          "10-31T23",
          "11-30T23",
        ])[index];
        return `2026-${utc}:00 ${days * 24}`;
      }),
    );
  });
});

describe("intervals", () => {
  it("are cut at both ends of the span, at whole quarters of an hour", () => {
    expect(shown("Europe/Berlin", "day", ["2026-11-22T10:07Z", "2026-11-23T01:01Z"])).toEqual([
      "2026-11-22T10:00 13",
      "2026-11-22T23:00 2.25",
    ]);
    expect(shown("UTC", "month", ["2026-11-22T10:00Z", "2026-11-22T10:01Z"])).toEqual(["2026-11-22T10:00 0.25"]);
  });

  it("are none of an empty span, and none at all where there are too many", () => {
    const span = { from: 0, to: 10 * GRAIN_MS.hour };
    const of = { clock: clockOf("UTC"), interval: "hour" } as const;

    expect(intervalsIn({ from: 0, to: 0 }, { ...of, most: 10 })).toEqual([]);
    expect(intervalsIn(span, { ...of, most: 10 })).toHaveLength(10);
    expect(intervalsIn(span, { ...of, most: 9 })).toBeUndefined();
  });

  it.each([
    "UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Chatham",
  ])("of %s follow one another through a year, each of one local hour, day or month", (timeZone) => {
    const clock = clockOf(timeZone);
    const span = { from: Date.parse("2026-01-01T00:00Z"), to: Date.parse("2027-01-01T00:00Z") };
    for (const [interval, label] of [
      ["day", 10],
      ["month", 7],
    ] as const) {
      const found = intervalsIn(span, { clock, interval, most: 1000 }) ?? [];
      const labelAt = (moment: number) => new Date(clock(moment)).toISOString().slice(0, label);

      expect(found.reduce((end, one) => (one.from === end ? one.to : Number.NaN), span.from)).toBe(span.to);
      for (const { from, to } of found) expect(labelAt(to - 1)).toBe(labelAt(from));
      expect(new Set(found.map(({ from }) => labelAt(from))).size).toBe(found.length);
    }
  });
});

describe("the clock of a time zone", () => {
  it.each(["", "+05:07", "-03:00", "+05", "Europe/Nowhere", "CEST+5", "berlin", "../etc/passwd", "x".repeat(1000)])(
    "is none where there is no such zone: %j",
    (name) => {
      expect(localClock(name)).toBeUndefined();
    },
  );
});
