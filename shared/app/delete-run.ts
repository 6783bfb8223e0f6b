import type { RunKey } from "../contract/identifiers.ts";
import { hasExpired, tombstoneExpiry } from "../domain/retention.ts";
import type { Clock } from "../ports/clock.ts";
import type { LedgerStore, RemovedRecord } from "../ports/ledger-store.ts";
import { isTombstone, type RunStore } from "../ports/run-store.ts";
import { StoreFault } from "../ports/store-fault.ts";

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

/** Writers of one header that keep overtaking each other. */
const MOST_ROUNDS = 12;

/**
 * Deletes a run: the tombstone first, which refuses whatever comes late, then everything else. Repeating it removes
 * what a crash has left. Throws StoreFault; what is gone by then stays gone.
 */
export const deleteRun = async (stores: DeletionStores, run: RunKey): Promise<Deletion> => {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const present = await stores.runs.find(run);
    if (present === undefined) return { status: "not_found" };
    if (!isTombstone(present)) {
      if (hasExpired(present.expiresAt, stores.clock.now())) return { status: "not_found" };
      if (present.hold !== undefined) return { status: "on_hold" };
      const deletedAt = stores.clock.now();
      const tombstone = { rev: present.rev, deletedAt, expiresAt: tombstoneExpiry(deletedAt) };
      if (!(await stores.runs.bury(run, tombstone))) {
        await stores.clock.sleep(2 ** Math.min(round, 7));
        continue;
      }
    }
    return { status: "deleted", removed: await stores.ledger.removeAll(run) };
  }
  throw new StoreFault("the run's header is written by too many at once", { cause: undefined, isRetryable: true });
};
