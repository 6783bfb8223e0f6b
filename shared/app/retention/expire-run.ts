import type { RunKey } from "../../contract/identifiers.ts";
import type { RunPolicy } from "../../domain/app-settings.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FailureStore } from "../../ports/failure-store.ts";
import { isTombstone, type RunStore, type StoredHeader } from "../../ports/run-store.ts";
import { untilWritten } from "../record/until-written.ts";
import { buryExpired } from "./bury.ts";

/** The stores that letting runs expire works on. */
export interface ExpiryStores {
  readonly runs: RunStore;
  readonly failures: Pick<FailureStore, "removeAll">;
  readonly clock: Clock;
}

/**
 * Lets a run expire now: when this returns it is gone for readers, from lists and from failures, and it does not come back.
 * What it had is collected in its time. False where there is no such run, where it is on hold, or where `isDue`, which may
 * be asked again, denies it. Throws StoreFault; repeating it then is safe.
 */
export const expireRun = async (
  stores: ExpiryStores,
  run: RunKey,
  of: { readonly policy: RunPolicy; readonly isDue: (present: StoredHeader) => boolean },
): Promise<boolean> => {
  const hasExpired = await untilWritten<boolean>(stores.clock, async () => {
    const present = await stores.runs.find(run);
    if (present === undefined || isTombstone(present) || present.hold !== undefined || !of.isDue(present)) return false;
    const longestDays = of.policy.longestRetentionDays(present.row.appId);
    return (await buryExpired(stores, run, { present, longestDays })) ? true : undefined;
  });
  if (hasExpired) await stores.failures.removeAll(run);
  return hasExpired;
};
