import type { RunKey } from "../../contract/identifiers.ts";
import type { RunPolicy } from "../../domain/app-settings.ts";
import type { Header } from "../../domain/header.ts";
import { hasExpired } from "../../domain/retention.ts";
import type { StoredHeader } from "../../ports/run-store.ts";
import { type ExpiryStores, expireRun } from "../retention/expire-run.ts";
import { isThere } from "./gone-run.ts";
import { untilWritten } from "./until-written.ts";

/**
 * Changes the header of a run that is there, not on hold and not expired; false where it is none such, or where `next`
 * wants no change. A run whose header is given an expiry that has passed expires at once. `next` may be asked again, where
 * somebody else has written meanwhile.
 */
export const changeHeader = async (
  stores: ExpiryStores,
  run: RunKey,
  of: { readonly policy: RunPolicy; readonly next: (present: StoredHeader) => Promise<Header | undefined> },
): Promise<boolean> =>
  untilWritten(stores.clock, async () => {
    const present = await stores.runs.find(run);
    if (!isThere(present, stores.clock.now()) || present.hold !== undefined) return false;
    const header = await of.next(present);
    if (header === undefined) return false;
    const isWritten = hasExpired(header.expiresAt, stores.clock.now())
      ? await expireRun(stores, run, { present, policy: of.policy })
      : await stores.runs.replace(run, header, present);
    return isWritten ? true : undefined;
  });
