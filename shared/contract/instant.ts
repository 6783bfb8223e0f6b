import * as v from "valibot";

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt]((?:[01]\d|2[0-3]):\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

const parse = (text: string): string | undefined => {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [, date, time, fraction = "", offset = "Z"] = match;
  if (Number(offset.slice(1, 3)) > 23 || Number(offset.slice(4, 6)) > 59) return undefined;
  const milliseconds = Date.parse(`${date}T${time}${offset.toUpperCase()}`);
  // A day that its month lacks rolls over in Date; writing it back shows that.
  if (Number.isNaN(milliseconds) || !new Date(`${date}T00:00:00Z`).toISOString().startsWith(`${date}`))
    return undefined;
  const utc = new Date(milliseconds).toISOString();
  return utc.length === 24 ? `${utc.slice(0, 20)}${fraction.padEnd(9, "0")}Z` : undefined;
};

/**
 * A point in time, UTC, always nine fraction digits, so that order as text is order in time.
 * Read from RFC 3339 with any offset and 0 to 9 fraction digits.
 */
export const Instant = v.pipe(
  v.string("expected a date and time (RFC 3339), such as 2026-11-22T10:00:00.000Z"),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const utc = parse(dataset.value);
    if (utc !== undefined) return utc;
    addIssue({ message: "expected a date and time (RFC 3339), such as 2026-11-22T10:00:00.000Z" });
    return NEVER;
  }),
  v.brand("Instant"),
);
export type Instant = v.InferOutput<typeof Instant>;

/** The instant of a clock reading in milliseconds since 1970. */
export const instantOf = (milliseconds: number): Instant => v.parse(Instant, new Date(milliseconds).toISOString());

/** Milliseconds since 1970, smaller fractions cut off. */
export const millisecondsOf = (instant: Instant): number => Date.parse(showInstant(instant));

/** As answered: UTC with milliseconds. */
export const showInstant = (instant: Instant): string => `${instant.slice(0, 23)}Z`;

/** All digits that matter and at least milliseconds: the form that event digests are made of. */
export const exactInstant = (instant: Instant): string =>
  `${instant.slice(0, 23)}${instant.slice(23, 29).replace(/0+$/, "")}Z`;

/** `later - earlier` in seconds, to the millisecond; never below zero, for clocks that disagree. */
export const secondsBetween = (earlier: Instant, later: Instant): number =>
  Math.max(0, millisecondsOf(later) - millisecondsOf(earlier)) / 1000;
