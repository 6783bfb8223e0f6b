import fc from "fast-check";
import * as v from "valibot";
import {
  exactInstant,
  Instant,
  instantOf,
  millisecondsOf,
  secondsBetween,
  showInstant,
} from "../../shared/contract/instant.ts";

const read = (text: unknown): string | undefined => {
  const result = v.safeParse(Instant, text);
  return result.success ? result.output : undefined;
};
const instant = (text: string) => v.parse(Instant, text);

/** Years that four digits hold whatever the offset. */
const milliseconds = fc.integer({ min: Date.UTC(1, 0, 2), max: Date.UTC(9999, 11, 30) });
const fraction = fc.stringMatching(/^\d{0,9}$/);
const offsetMinutes = fc.integer({ min: -(23 * 60 + 59), max: 23 * 60 + 59 });

const offsetText = (minutes: number): string => {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
};

/** A moment as clocks of an offset show it. */
const written = (moment: { seconds: number; fraction: string; offset: number }): string => {
  const local = new Date(moment.seconds * 1000 + moment.offset * 60_000).toISOString().slice(0, 19);
  return `${local}${moment.fraction === "" ? "" : `.${moment.fraction}`}${offsetText(moment.offset)}`;
};

describe("an instant", () => {
  it.each([
    ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000000000Z"],
    ["2026-11-22t10:00:00z", "2026-11-22T10:00:00.000000000Z"],
    ["2026-11-22T10:00:00.1Z", "2026-11-22T10:00:00.100000000Z"],
    ["2026-11-22T10:00:00.123456789Z", "2026-11-22T10:00:00.123456789Z"],
    ["2026-11-22T10:00:00-00:00", "2026-11-22T10:00:00.000000000Z"],
    ["2026-11-22T10:00:00+05:45", "2026-11-22T04:15:00.000000000Z"],
    ["2026-12-31T23:30:00.5-01:00", "2027-01-01T00:30:00.500000000Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000000000Z"],
    ["1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000000Z"],
    ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"],
  ])("of %s is %s", (text, utc) => {
    expect(read(text)).toBe(utc);
  });

  it.each([
    ["a day that its month lacks", "2026-02-30T10:00:00Z"],
    ["29 February of a common year", "2026-02-29T10:00:00Z"],
    ["day 31 of a short month", "2026-11-31T10:00:00Z"],
    ["day 0", "2026-11-00T10:00:00Z"],
    ["month 13", "2026-13-01T10:00:00Z"],
    ["hour 24", "2026-11-22T24:00:00Z"],
    ["hour 25", "2026-11-22T25:00:00Z"],
    ["minute 60", "2026-11-22T10:60:00Z"],
    ["a leap second", "2026-12-31T23:59:60Z"],
    ["an offset of 24 hours", "2026-11-22T10:00:00+24:00"],
    ["an offset of 25 hours", "2026-11-22T10:00:00+25:00"],
    ["an offset of 60 minutes", "2026-11-22T10:00:00+01:60"],
    ["an offset without a colon", "2026-11-22T10:00:00+0100"],
    ["no offset", "2026-11-22T10:00:00"],
    ["no time", "2026-11-22"],
    ["ten fraction digits", "2026-11-22T10:00:00.1234567890Z"],
    ["a point without digits", "2026-11-22T10:00:00.Z"],
    ["a comma", "2026-11-22T10:00:00,5Z"],
    ["no seconds", "2026-11-22T10:00Z"],
    ["five digits of a year", "+12026-11-22T10:00:00Z"],
    ["a moment before year 0000", "0000-01-01T00:00:00+00:01"],
    ["a moment after year 9999", "9999-12-31T23:59:59-00:01"],
    ["space around it", " 2026-11-22T10:00:00Z"],
    ["a line end behind it", "2026-11-22T10:00:00Z\n"],
    ["nothing", ""],
    ["a number", 1_795_341_600_000],
    ["null", null],
  ])("is not %s", (_name, text) => {
    expect(read(text)).toBeUndefined();
  });

  it("sorts as text as it does in time", () => {
    const moment = fc.record({
      seconds: fc.oneof(
        fc.integer({ min: 0, max: 3 }),
        milliseconds.map((ms) => Math.floor(ms / 1000)),
      ),
      fraction,
      offset: offsetMinutes,
    });
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const nanoseconds = (one: typeof a) =>
          BigInt(one.seconds) * 1_000_000_000n + BigInt(one.fraction.padEnd(9, "0"));
        const [left, right] = [instant(written(a)), instant(written(b))];

        const order = nanoseconds(a) < nanoseconds(b) ? -1 : nanoseconds(a) > nanoseconds(b) ? 1 : 0;
        expect(left < right ? -1 : left > right ? 1 : 0).toBe(order);
      }),
    );
  });

  it("is the same in every offset, to the last digit", () => {
    fc.assert(
      fc.property(milliseconds, fraction, offsetMinutes, (ms, digits, offset) => {
        const seconds = Math.floor(ms / 1000);
        const utc = `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${digits.padEnd(9, "0")}Z`;
        expect(instant(written({ seconds, fraction: digits, offset }))).toBe(utc);
      }),
    );
  });

  it("of a clock reading gives that reading back", () => {
    fc.assert(
      fc.property(milliseconds, (ms) => {
        expect(millisecondsOf(instantOf(ms))).toBe(ms);
        expect(showInstant(instantOf(ms))).toBe(new Date(ms).toISOString());
      }),
    );
  });

  it("is shown with milliseconds, smaller fractions cut off", () => {
    expect(showInstant(instant("2026-11-22T10:00:00.123999999+01:00"))).toBe("2026-11-22T09:00:00.123Z");
    expect(millisecondsOf(instant("1970-01-01T00:00:00.001999999Z"))).toBe(1);
  });

  it.each([
    ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z"],
    ["2026-11-22T10:00:00.120Z", "2026-11-22T10:00:00.120Z"],
    ["2026-11-22T10:00:00.123400Z", "2026-11-22T10:00:00.1234Z"],
    ["2026-11-22T10:00:00.000000001Z", "2026-11-22T10:00:00.000000001Z"],
  ])("%s has these digits that matter: %s", (text, exact) => {
    expect(exactInstant(instant(text))).toBe(exact);
    expect(instant(exact)).toBe(instant(text));
  });

  it("is apart from another by seconds to the millisecond, and never by less than none", () => {
    const [early, late] = [instant("2026-11-22T10:00:00.5Z"), instant("2026-11-22T10:00:01.7509Z")];

    expect(secondsBetween(early, late)).toBe(1.25);
    expect(secondsBetween(late, early)).toBe(0);
    expect(secondsBetween(early, early)).toBe(0);
  });
});
