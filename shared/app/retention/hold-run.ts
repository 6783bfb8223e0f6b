import type { RunKey } from "../../contract/identifiers.ts";
import type { RunPolicy } from "../../domain/app-settings.ts";
import { headerOf } from "../../domain/header.ts";
import { entryExpiry, hasExpired, NEVER } from "../../domain/retention.ts";
import { isTombstone, type LegalHold, type StoredHeader } from "../../ports/run-store.ts";
import { isThere } from "../record/gone-run.ts";
import type { RecordStores } from "../record/record-arrival.ts";
import { policyFor } from "../record/run-policy.ts";
import { untilWritten } from "../record/until-written.ts";
import { type ExpiryStores, expireRun } from "./expire-run.ts";
import { keepRun } from "./keep-run.ts";

const change = async (
  stores: RecordStores,
  run: RunKey,
  next: (present: StoredHeader) => Promise<boolean>,
): Promise<"changed" | "not_found"> =>
  untilWritten(stores.clock, async () => {
    const present = await stores.runs.find(run);
    if (!isThere(present, stores.clock.now())) return "not_found";
    return (await next(present)) ? "changed" : undefined;
  });

/**
 * Puts a run on legal hold: it can neither expire nor be deleted, and nothing collects what belongs to it. A run that is
 * on hold stays on its first one. Safe to repeat: a crash between header and entries is put right by the next call.
 */
export const holdRun = async (stores: RecordStores, run: RunKey, hold: LegalHold): Promise<"changed" | "not_found"> => {
  const result = await change(stores, run, async (present) =>
    present.hold !== undefined ? true : stores.runs.replace(run, present, { ...present, hold }),
  );
  // After the header: what arrives from now on sees the hold and keeps itself.
  if (result === "changed") await keepRun(stores, run, NEVER);
  return result;
};

/** Lets a run expire whose time is over, if it has not been put on hold. */
const expireIfOver = (stores: ExpiryStores, run: RunKey, policy: RunPolicy): Promise<boolean> =>
  untilWritten<boolean>(stores.clock, async () => {
    const present = await stores.runs.find(run);
    if (present === undefined || isTombstone(present)) return false;
    if (!hasExpired(present.expiresAt, stores.clock.now())) return false;
    return (await expireRun(stores, run, { present, policy })) ? true : undefined;
  });

/**
 * Releases a run from its hold: it expires by the retention of its status as ever, at once where that has passed. What
 * belongs to it is kept for as long as if it had been received now. Safe to repeat.
 */
export const releaseRun = async (
  stores: RecordStores & ExpiryStores,
  run: RunKey,
): Promise<"changed" | "not_found"> => {
  const policy = await policyFor(stores, run.tenantId);
  const released = await change(stores, run, async (present) => {
    if (present.hold === undefined) return true;
    const { entries } = await stores.ledger.readAll(run);
    const expiresAt = entryExpiry(stores.clock.now(), policy.longestRetentionDays(present.row.appId));
    // Before the header: until then it is on hold, and this is done again by whoever repeats it.
    await stores.ledger.keepUntil(run, expiresAt);
    if (!(await stores.runs.replace(run, headerOf(entries, policy), { ...present, hold: undefined }))) return false;
    // What came in between has kept itself for ever. Somebody may have put it on hold again.
    await keepRun(stores, run, expiresAt);
    return true;
  });
  if (released === "changed") await expireIfOver(stores, run, policy);
  return released;
};
