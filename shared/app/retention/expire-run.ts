import type { RunKey } from "../../contract/identifiers.ts";
import type { RunPolicy } from "../../domain/app-settings.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FailureStore } from "../../ports/failure-store.ts";
import type { RunStore, StoredHeader } from "../../ports/run-store.ts";
import { buryExpired } from "./bury.ts";

/** The stores that letting runs expire works on. */
export interface ExpiryStores {
  readonly runs: RunStore;
  readonly failures: Pick<FailureStore, "removeAll">;
  readonly clock: Clock;
}

/**
 * Lets a run expire now, by its header as it was read: when this returns true it is gone for readers, from lists and from
 * failures, and it does not come back. What it had is collected in its time. False where somebody has written meanwhile,
 * or put it on hold. Throws StoreFault; repeating it then is safe.
 */
export const expireRun = async (
  stores: ExpiryStores,
  run: RunKey,
  { present, policy }: { readonly present: StoredHeader; readonly policy: RunPolicy },
): Promise<boolean> => {
  const longestDays = policy.longestRetentionDays(present.row.appId);
  if (!(await buryExpired(stores, run, { present, longestDays }))) return false;
  await stores.failures.removeAll(run);
  return true;
};
