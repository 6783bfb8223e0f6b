import fc from "fast-check";
import { assumedExpiry, type EntrySpan, nextSpan, safeSince } from "../../shared/domain/entry-span.ts";
import { entryExpiry, LOOK_AHEAD_DAYS } from "../../shared/domain/retention.ts";

const DAY = 86_400_000;
const BEGIN = Date.parse("2026-11-22T00:00:00Z");

/** The longest retention from a day on, for so many days. */
const anyTimes = fc.array(
  fc.record({
    longestDays: fc.constantFrom(1, 7, 30, 90, 365),
    days: fc.constantFrom(1, 1, 2, 5, 40, 100),
  }),
  { minLength: 1, maxLength: 20 },
);

describe("how long entries live", () => {
  it("is never taken for longer than it is, whatever retentions have followed one another", () => {
    fc.assert(
      fc.property(anyTimes, (times) => {
        const entries: { readonly receivedAt: number; readonly expiresAt: number }[] = [];
        let span: EntrySpan = { longestDays: times[0]?.longestDays ?? 0, past: [] };
        let now = BEGIN;
        for (const { longestDays, days } of times) {
          for (let day = 0; day < days; day++) {
            span = nextSpan(span, longestDays, now);
            const ahead = now + LOOK_AHEAD_DAYS * DAY;
            const soon = entries.filter(({ expiresAt }) => expiresAt > now && expiresAt <= ahead);
            // The start that lists a run may be said to be a day later than its first entry came.
            for (const { receivedAt } of soon) expect(receivedAt + DAY).toBeLessThanOrEqual(safeSince(span, now));
            entries.push({ receivedAt: now, expiresAt: entryExpiry(now, longestDays) * 1000 });
            now += DAY;
          }
        }
      }),
    );
  });

  const ageAt = (span: EntrySpan, now: number): number => (now - safeSince(span, now)) / DAY;

  it("spares the runs that are younger than what is kept of them", () => {
    expect(ageAt({ longestDays: 30, past: [] }, BEGIN)).toBe(30 + 35 - 8);
  });

  it("spares them again once what came under a shorter retention is gone", () => {
    const span = nextSpan({ longestDays: 7, past: [] }, 365, BEGIN);

    expect(ageAt(span, BEGIN + 42 * DAY)).toBe(7 + 35 - 8);
    expect(ageAt(span, BEGIN + 43 * DAY)).toBe(365 + 35 - 8);
  });

  it("is remembered no further than it counts, however often retentions change", () => {
    let span: EntrySpan = { longestDays: 30, past: [] };
    for (let day = 0; day < 400; day++) span = nextSpan(span, [30, 7, 90, 365][day % 4] as number, BEGIN + day * DAY);

    expect(span.past.map(({ days }) => days).toSorted((a, b) => a - b)).toEqual([7, 30, 90, 365]);
  });

  it("is the same object where nothing has changed: nothing has to be written down", () => {
    const span = { longestDays: 30, past: [] };

    expect(nextSpan(span, 30, BEGIN)).toBe(span);
  });

  it("is counted from a day before the start that a run says", () => {
    expect(assumedExpiry(BEGIN, 30)).toBe(entryExpiry(BEGIN, 29));
  });
});
