import { compareText, type Member } from "./member.ts";

const PHASES: Readonly<Record<string, number>> = {
  "run.scheduled": 0,
  "run.started": 1,
  "run.paused": 2,
  "run.resumed": 3,
  "node.started": 0,
  "node.checkpointed": 1,
  "node.retried": 2,
  "node.paused": 3,
};

const isClaim = (member: Member): boolean => member.type === "run.claimed";

/** Whether an event ends its run or node execution. */
export const isTerminal = (member: Pick<Member, "type">): boolean =>
  member.type === "run.finished" || member.type === "node.finished";

/**
 * Who decides: above zero where `a` outranks `b` (contract, section 1). A total order on the members of one run, or of
 * one node execution.
 */
export const compareRank = (a: Member, b: Member): number => {
  const general =
    a.epoch - b.epoch || Number(isClaim(b)) - Number(isClaim(a)) || Number(isTerminal(a)) - Number(isTerminal(b));
  if (general !== 0) return general;
  if (isTerminal(a)) {
    return (
      Number(b.actor === "service") - Number(a.actor === "service") ||
      compareText(b.at, a.at) ||
      compareText(b.id, a.id) ||
      compareText(b.digest, a.digest)
    );
  }
  return (
    compareText(a.at, b.at) ||
    (PHASES[a.type] ?? 0) - (PHASES[b.type] ?? 0) ||
    compareText(a.id, b.id) ||
    compareText(a.digest, b.digest)
  );
};

/** Members from the one that decides down. */
export const byRank = (members: readonly Member[]): Member[] => [...members].sort((a, b) => compareRank(b, a));

/**
 * Tells stale events: of an epoch that a later claim has ended, with an `at` after that claim. They are kept and have no
 * effect.
 */
export const staleness = (members: readonly Member[]): ((member: Member) => boolean) => {
  const claims = members.filter(isClaim);
  if (claims.length === 0) return () => false;
  return (member) =>
    !isClaim(member) && claims.some((claim) => claim.epoch > member.epoch && compareText(member.at, claim.at) > 0);
};
