import type { RunKey } from "../../contract/identifiers.ts";
import { entryExpiry, tombstoneExpiry } from "../../domain/retention.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RunStore, StoredHeader } from "../../ports/run-store.ts";

interface Stores {
  readonly runs: RunStore;
  readonly clock: Clock;
}

/** The header that a tombstone takes the place of; undefined: there is none. */
type Buried = Pick<StoredHeader, "rev"> | undefined;

/**
 * Puts a tombstone in the place of the header of a run that is deleted: from then on nobody reads or lists the run, and
 * what comes late is refused. `hadExpired`: it was gone for readers before. False where somebody has written meanwhile,
 * or put the run on hold.
 */
export const buryDeleted = (
  { runs, clock }: Stores,
  run: RunKey,
  { present, hadExpired }: { readonly present: Buried; readonly hadExpired: boolean },
): Promise<boolean> => {
  const deletedAt = clock.now();
  return runs.bury(run, { rev: present?.rev ?? 0, deletedAt, hadExpired, expiresAt: tombstoneExpiry(deletedAt) });
};

/**
 * The same for a run whose time is over. The tombstone stands as long as entries may that are written now under this
 * longest retention (days): while anything is left of the run, it does not come back.
 */
export const buryExpired = (
  { runs, clock }: Stores,
  run: RunKey,
  { present, longestDays }: { readonly present: Buried; readonly longestDays: number },
): Promise<boolean> => {
  const deletedAt = clock.now();
  const expiresAt = entryExpiry(deletedAt, longestDays);
  return runs.bury(run, { rev: present?.rev ?? 0, deletedAt, hadExpired: true, expiresAt });
};
