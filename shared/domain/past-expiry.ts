import type { RunPolicy } from "./app-settings.ts";
import type { LedgerEntry } from "./fold/ledger.ts";
import { isRunLevel } from "./fold/run-fold.ts";
import { headerOf } from "./header.ts";
import { decidedAt } from "./retention.ts";

/**
 * Whether a run has expired at some time up to now (milliseconds since 1970), by what had been received of it until then:
 * what came late changes nothing of that. For runs whose header is not there to ask; none has expired without entries.
 */
export const hasExpiredEver = (entries: readonly LedgerEntry[], policy: RunPolicy, now: number): boolean => {
  const received = entries.toSorted((a, b) => a.receivedAt - b.receivedAt);
  // Node events do not move an expiry: it holds until the next entry that tells of the run itself.
  const looks = received.flatMap(({ events, receivedAt }, index) =>
    events.some(isRunLevel) ? [{ index, at: receivedAt }] : [],
  );
  return [...looks, { index: received.length, at: now }].some(({ index, at }) => {
    if (index === 0) return false;
    const { row, expiresAt, keptDays } = headerOf(received.slice(0, index), policy);
    return policy.hasExpired({ ...row, decidedAt: decidedAt({ expiresAt, keptDays }) }, at);
  });
};
