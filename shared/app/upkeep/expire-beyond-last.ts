import { TERMINAL_STATUSES } from "../../contract/run-status.ts";
import { hasExpired, NEVER } from "../../domain/retention.ts";
import type { ListedHeader } from "../../ports/run-store.ts";
import { changeHeader } from "../record/change-header.ts";
import { type AppRunsQuery, appRuns } from "./app-runs.ts";
import { nothingDone, type UpkeepStep, type UpkeepStores } from "./app-visit.ts";
import { afterVisit, roundFor } from "./upkeep-round.ts";
import { visitRuns } from "./visit-runs.ts";

/** How often an app's runs are counted off: as late its oldest ones may expire. */
const EVERY_MS = 3_600_000;

/** Runs that one visit looks at: counting is cheap. */
const MOST_RUNS = 5_000;

async function* alive(stores: UpkeepStores, query: AppRunsQuery): AsyncGenerator<ListedHeader> {
  const now = stores.clock.now();
  for await (const header of appRuns(stores, query)) if (!hasExpired(header.expiresAt, now)) yield header;
}

/**
 * Where an app keeps only so many of its newest runs, lets the older ones expire at once: each hour, and after a change of
 * settings. Runs that have not ended and runs on hold are counted, and stay. What was counted in a round counts to its end,
 * which may be some visits later: a run goes that was beyond the newest when the round began, whatever was deleted since.
 */
export const beyondLastExpirer =
  (stores: UpkeepStores): UpkeepStep =>
  async ({ app, settings, shards, policy, isOutOfTime }, upkeep) => {
    const most = settings?.keep_last ?? undefined;
    if (settings === undefined || most === undefined) return nothingDone(upkeep);
    const now = stores.clock.now();
    const round = roundFor(upkeep.newest, { now, version: settings.version, everyMs: EVERY_MS });
    if (round === undefined) return nothingDone(upkeep);
    let changed = 0;
    const headers = alive(stores, { ...app, shards, after: round.after });
    const visited = await visitRuns(headers, { mostRuns: MOST_RUNS, isOutOfTime }, async (header, index) => {
      const { runId, row, expiresAt } = header;
      if (round.seen + index < most || expiresAt === NEVER || !TERMINAL_STATUSES.has(row.status)) return;
      const hasEnded = await changeHeader(
        stores,
        { ...app, runId },
        {
          policy,
          next: async (present) =>
            TERMINAL_STATUSES.has(present.row.status) ? { ...present, expiresAt: Math.floor(now / 1000) } : undefined,
        },
      );
      if (hasEnded) changed += 1;
    });
    const newest = afterVisit(round, visited);
    return { upkeep: { ...upkeep, newest }, changed, hasMore: !newest.isOver, failures: visited.failures };
  };
