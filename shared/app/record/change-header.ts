import type { RunKey } from "../../contract/identifiers.ts";
import type { Header } from "../../domain/header.ts";
import { hasExpired } from "../../domain/retention.ts";
import type { Clock } from "../../ports/clock.ts";
import { isTombstone, type RunStore, type StoredHeader } from "../../ports/run-store.ts";
import { untilWritten } from "./until-written.ts";

/**
 * Changes the header of a run that is there, not on hold and not expired; false where it is none such, or where `next`
 * wants no change. `next` may be asked again, where somebody else has written meanwhile.
 */
export const changeHeader = async (
  stores: { readonly runs: RunStore; readonly clock: Clock },
  run: RunKey,
  next: (present: StoredHeader) => Promise<Header | undefined>,
): Promise<boolean> =>
  untilWritten(stores.clock, async () => {
    const present = await stores.runs.find(run);
    if (present === undefined || isTombstone(present) || present.hold !== undefined) return false;
    if (hasExpired(present.expiresAt, stores.clock.now())) return false;
    const header = await next(present);
    if (header === undefined) return false;
    return (await stores.runs.replace(run, header, present)) ? true : undefined;
  });
