import type { RunKey } from "../../contract/identifiers.ts";
import { hasExpired } from "../../domain/retention.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LedgerStore, RemovedRecord } from "../../ports/ledger-store.ts";
import { isTombstone, type RunStore } from "../../ports/run-store.ts";
import { untilWritten } from "../record/until-written.ts";
import { buryDeleted } from "../retention/bury.ts";

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

/** A header is written right after the first entry: one that is not there so long after (milliseconds) was collected. */
const LATEST_HEADER_MS = 3_600_000;

/** A run without a header: it has expired where something of it is left. */
const buryHeaderless = async (
  { runs, ledger, clock }: DeletionStores,
  run: RunKey,
): Promise<"expired" | "not_found" | undefined> => {
  const lastReceipt = await ledger.lastReceipt(run);
  if (lastReceipt === undefined || clock.now() - lastReceipt < LATEST_HEADER_MS) return "not_found";
  return (await buryDeleted({ runs, clock }, run, { present: undefined, hadExpired: true })) ? "expired" : undefined;
};

/**
 * Buries a run: from then on nobody reads it, and whatever comes late is refused. What it had is still to be removed.
 * `expired`: it was gone for readers before, and is buried all the same. Burying it again changes nothing. Throws
 * StoreFault.
 */
export const buryRun = async (
  stores: DeletionStores,
  run: RunKey,
): Promise<"buried" | "expired" | "not_found" | "on_hold"> =>
  untilWritten(stores.clock, async () => {
    const present = await stores.runs.find(run);
    if (present === undefined) return buryHeaderless(stores, run);
    if (isTombstone(present)) return present.hadExpired ? "expired" : "buried";
    if (present.hold !== undefined) return "on_hold";
    const hadExpired = hasExpired(present.expiresAt, stores.clock.now());
    if (!(await buryDeleted(stores, run, { present, hadExpired }))) return undefined;
    return hadExpired ? "expired" : "buried";
  });

/**
 * Deletes a run, one that has expired too: the tombstone first, which refuses whatever comes late, then everything else.
 * Repeating it removes what a crash has left. Throws StoreFault; what is gone by then stays gone.
 */
export const deleteRun = async (stores: DeletionStores, run: RunKey): Promise<Deletion> => {
  const status = await buryRun(stores, run);
  if (status === "not_found" || status === "on_hold") return { status };
  return { status: "deleted", removed: await stores.ledger.removeAll(run, { uploads: true }) };
};
