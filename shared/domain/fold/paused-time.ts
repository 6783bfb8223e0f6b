import { type Instant, secondsBetween } from "../../contract/instant.ts";
import { compareText, type Member } from "./member.ts";

/** Seconds to the millisecond, without the dust of binary fractions. */
export const toMilliseconds = (seconds: number): number => Math.round(seconds * 1000) / 1000;

const opens = (member: Member): boolean => member.type === "run.paused";
const closes = (member: Member): boolean => member.type === "run.resumed" || member.type === "run.claimed";

const later = (a: Instant, b: Instant): Instant => (compareText(a, b) >= 0 ? a : b);
const earlier = (a: Instant, b: Instant): Instant => (compareText(a, b) <= 0 ? a : b);

/**
 * Seconds that a finished run stood still: the union of its spans from a pause to the next resume, claim or end, within
 * start and finish.
 */
export const pausedSeconds = (members: readonly Member[], span: { from: Instant; to: Instant }): number => {
  const turns = members
    .filter((member) => opens(member) || closes(member))
    // At one instant a pause comes first: a resume ends it at once.
    .sort((a, b) => compareText(a.at, b.at) || Number(closes(a)) - Number(closes(b)));
  let total = 0;
  let pausedAt: Instant | undefined;
  const close = (at: Instant): void => {
    if (pausedAt !== undefined) total += secondsBetween(later(pausedAt, span.from), earlier(at, span.to));
    pausedAt = undefined;
  };
  for (const turn of turns) {
    if (closes(turn)) close(turn.at);
    else pausedAt ??= turn.at;
  }
  close(span.to);
  return toMilliseconds(total);
};
