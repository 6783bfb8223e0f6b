import type { RunKey } from "../../contract/identifiers.ts";
import { NEVER } from "../../domain/retention.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import { isTombstone, type RunStore } from "../../ports/run-store.ts";

/**
 * Keeps all that there is of a run until then (seconds since 1970, or NEVER), and looks afterwards whether somebody has
 * decided otherwise meanwhile: what was put on hold is kept for ever, what was deleted goes with the copies that were made.
 * Safe to repeat.
 */
export const keepRun = async (
  { ledger, runs }: { readonly ledger: LedgerStore; readonly runs: RunStore },
  run: RunKey,
  expiresAt: number,
): Promise<void> => {
  await ledger.keepUntil(run, expiresAt);
  const header = await runs.find(run);
  if (isTombstone(header)) await ledger.removeAll(run);
  else if (header?.hold !== undefined && expiresAt !== NEVER) await ledger.keepUntil(run, NEVER);
};
