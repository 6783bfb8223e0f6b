import type { UpkeepRound } from "../../ports/upkeep-store.ts";
import type { Visited } from "./visit-runs.ts";

/** A round that begins now, by settings of this version. */
export const beginRound = (now: number, version: number): UpkeepRound => ({
  begunAt: now,
  version,
  after: undefined,
  seen: 0,
  failed: 0,
  isOver: false,
});

/** A round after a visit. */
export const afterVisit = (round: UpkeepRound, visited: Visited): UpkeepRound => ({
  ...round,
  after: visited.isOver ? undefined : (visited.after ?? round.after),
  seen: round.seen + visited.seen,
  failed: round.failed + visited.failures.length,
  isOver: visited.isOver,
});

/** The round to go on with: the one under way, else a new one where it is time for it. */
export const roundFor = (
  present: UpkeepRound | undefined,
  of: { readonly now: number; readonly version: number; readonly everyMs: number },
): UpkeepRound | undefined => {
  if (present === undefined) return beginRound(of.now, of.version);
  const isDue = present.isOver && (of.now - present.begunAt >= of.everyMs || present.failed > 0);
  if (isDue || present.version !== of.version) return beginRound(of.now, of.version);
  return present.isOver ? undefined : present;
};
