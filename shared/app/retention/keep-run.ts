import type { RunKey } from "../../contract/identifiers.ts";
import { entryExpiry, NEVER, outlivedExpiry } from "../../domain/retention.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import { isTombstone, type RunStore } from "../../ports/run-store.ts";
import { type PolicyStores, policyFor } from "../record/run-policy.ts";
import { untilWritten } from "../record/until-written.ts";

interface Stores extends PolicyStores {
  readonly ledger: LedgerStore;
  readonly runs: RunStore;
  readonly clock: Clock;
}

/**
 * Keeps all that there is of a run until then (seconds since 1970, or NEVER), and looks afterwards whether somebody has
 * decided otherwise meanwhile: what was put on hold is kept for ever, what was released is not, and what was deleted goes
 * with the copies that were made. Safe to repeat.
 */
export const keepRun = async (stores: Stores, run: RunKey, expiresAt: number): Promise<void> => {
  const { ledger, runs, clock } = stores;
  let wanted = expiresAt;
  await untilWritten<"kept">(clock, async () => {
    await ledger.keepUntil(run, wanted);
    const header = await runs.find(run);
    if (isTombstone(header)) await ledger.removeAll(run, { uploads: !header.hadExpired });
    if (header === undefined || isTombstone(header)) return "kept";
    const isHeld = header.hold !== undefined;
    if (isHeld === (wanted === NEVER)) return "kept";
    // As if it had been received now, by an app that keeps runs the longest: its status may change.
    const longestDays = (await policyFor(stores, run.tenantId)).longestRetentionDays(undefined);
    const released = Math.max(entryExpiry(clock.now(), longestDays), outlivedExpiry(header.expiresAt));
    wanted = isHeld ? NEVER : released;
    return undefined;
  });
};
