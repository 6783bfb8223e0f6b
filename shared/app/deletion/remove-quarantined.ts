import type { RunKey } from "../../contract/identifiers.ts";
import { type QuarantinePosition, quarantineBegin, quarantinePositionOf } from "../../domain/quarantine.ts";
import type { Clock } from "../../ports/clock.ts";
import type { QuarantineStore } from "../../ports/quarantine-store.ts";

/** Refused events that are looked at together. */
const MOST_LISTED = 500;

/** Removes what waits in quarantine for a run. Gives how many events it was. Throws StoreFault; safe to repeat. */
export const removeQuarantined = async (
  { quarantine, clock }: { readonly quarantine: QuarantineStore; readonly clock: Clock },
  run: RunKey,
): Promise<number> => {
  const sentSince = quarantineBegin(clock.now());
  let removed = 0;
  let after: QuarantinePosition | undefined;
  for (;;) {
    const page = await Array.fromAsync(quarantine.list(run.tenantId, { sentSince, after, limit: MOST_LISTED }));
    for (const message of page) {
      if (message.runId !== run.runId) continue;
      if (await quarantine.remove(run.tenantId, quarantinePositionOf(message))) removed += 1;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < MOST_LISTED) return removed;
    after = quarantinePositionOf(last);
  }
};
