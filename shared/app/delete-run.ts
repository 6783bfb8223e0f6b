import type { RunKey } from "../contract/identifiers.ts";
import { hasExpired, tombstoneExpiry } from "../domain/retention.ts";
import type { Clock } from "../ports/clock.ts";
import type { LedgerStore, RemovedRecord } from "../ports/ledger-store.ts";
import { isTombstone, type RunStore } from "../ports/run-store.ts";
import { untilWritten } from "./until-written.ts";

/** The stores that deletion works on. */
export interface DeletionStores {
  readonly runs: RunStore;
  readonly ledger: LedgerStore;
  readonly clock: Clock;
}

/** What became of a run that was to be deleted. */
export type Deletion =
  | { readonly status: "deleted"; readonly removed: RemovedRecord }
  | { readonly status: "not_found" }
  | { readonly status: "on_hold" };

/**
 * Buries a run: from then on nobody reads it, and whatever comes late is refused. What it had is still to be removed.
 * Burying it again changes nothing. Throws StoreFault.
 */
export const buryRun = async (
  stores: Pick<DeletionStores, "runs" | "clock">,
  run: RunKey,
): Promise<"buried" | "not_found" | "on_hold"> =>
  untilWritten(stores.clock, async () => {
    const present = await stores.runs.find(run);
    if (present === undefined) return "not_found";
    if (isTombstone(present)) return "buried";
    if (hasExpired(present.expiresAt, stores.clock.now())) return "not_found";
    if (present.hold !== undefined) return "on_hold";
    const deletedAt = stores.clock.now();
    const tombstone = { rev: present.rev, deletedAt, expiresAt: tombstoneExpiry(deletedAt) };
    return (await stores.runs.bury(run, tombstone)) ? "buried" : undefined;
  });

/**
 * Deletes a run: the tombstone first, which refuses whatever comes late, then everything else. Repeating it removes
 * what a crash has left. Throws StoreFault; what is gone by then stays gone.
 */
export const deleteRun = async (stores: DeletionStores, run: RunKey): Promise<Deletion> => {
  const status = await buryRun(stores, run);
  return status === "buried" ? { status: "deleted", removed: await stores.ledger.removeAll(run) } : { status };
};
