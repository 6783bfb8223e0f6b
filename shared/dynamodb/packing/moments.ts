import * as v from "valibot";
import { Instant, millisecondsOf } from "../../contract/instant.ts";

/** An instant to count with: milliseconds since 1970, and the six digits that follow them. */
export interface Moment {
  readonly ms: number;
  readonly digits: string;
}

/** Where counting starts. */
export const EPOCH: Moment = { ms: 0, digits: "000000" };

/** The moment of an instant. */
export const momentOf = (at: Instant): Moment => ({ ms: millisecondsOf(at), digits: at.slice(23, 29) });

/** The instant of a moment. Throws where there is none. */
export const instantOf = ({ ms, digits }: Moment): Instant =>
  v.parse(Instant, `${new Date(ms).toISOString().slice(0, 23)}${digits}Z`);

/** The way from one moment to another as a short text: milliseconds between, a dot and digits only where there are any. */
export const stepBetween = (from: Moment, to: Moment): string =>
  `${to.ms - from.ms}.${to.digits}`.replace(/\.?0*$/, "");

/** The moment that {@link stepBetween} led to. */
export const stepFrom = (from: Moment, step: string): Moment => {
  const [ms, digits = ""] = step.split(".");
  return { ms: from.ms + Number(ms), digits: digits.padEnd(6, "0") };
};

/** Seconds as producers compute them: exact for times that are less than a hundred days apart. */
export const secondsFrom = (from: Moment, to: Moment): number =>
  ((to.ms - from.ms) * 1e6 + Number(to.digits) - Number(from.digits)) / 1e9;
