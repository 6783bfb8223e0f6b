import type { RunKey } from "../../contract/identifiers.ts";
import { instantOf } from "../../contract/instant.ts";
import { nextSpan, safeSince } from "../../domain/entry-span.ts";
import { hasExpired, LOOK_AHEAD_DAYS, NEVER, outlivedExpiry } from "../../domain/retention.ts";
import type { RecordStores } from "../record/record-arrival.ts";
import { keepRun } from "../retention/keep-run.ts";
import { appRuns } from "./app-runs.ts";
import { nothingDone, type UpkeepStep, type UpkeepStores } from "./app-visit.ts";
import { afterVisit, roundFor } from "./upkeep-round.ts";
import { visitRuns } from "./visit-runs.ts";

const DAY_MS = 86_400_000;

/** Runs that one visit looks at. */
const MOST_RUNS = 500;

/**
 * Where a run outlives what is kept of it, keeps that as long as the run, if it would be collected before this moment
 * (seconds since 1970). Answers whether there was anything to do.
 */
export const keepOutlived = async (
  stores: RecordStores,
  run: RunKey,
  of: { readonly expiresAt: number; readonly before: number },
): Promise<boolean> => {
  const keptUntil = await stores.ledger.keptUntil(run);
  if (keptUntil === undefined || keptUntil >= Math.min(of.expiresAt, of.before)) return false;
  await keepRun(stores, run, of.expiresAt === NEVER ? NEVER : outlivedExpiry(of.expiresAt));
  return true;
};

/**
 * Once a day looks at the runs that are so old that entries of them may be collected within the next seven days, and
 * keeps those of runs that live on: open ones, resumed ones, ones whose app keeps them longer now. Hardly any run grows so
 * old: those that ended have expired by then.
 */
export const outlivingKeeper =
  (stores: UpkeepStores): UpkeepStep =>
  async (visit, upkeep) => {
    const { app, shards, policy, isOutOfTime } = visit;
    const now = stores.clock.now();
    const known = upkeep.span ?? { longestDays: stores.retentionDays, past: [] };
    const span = nextSpan(known, policy.longestRetentionDays(app.appId), now);
    const seen = span === upkeep.span ? upkeep : { ...upkeep, span };
    const round = roundFor(seen.outliving, { now, version: 0, everyMs: DAY_MS });
    if (round === undefined) return nothingDone(seen);
    let changed = 0;
    const old = { ...app, shards, after: round.after, before: instantOf(safeSince(span, now)), isOldestFirst: true };
    const before = Math.floor(now / 1000) + LOOK_AHEAD_DAYS * 86_400;
    const visited = await visitRuns(appRuns(stores, old), { mostRuns: MOST_RUNS, isOutOfTime }, async (header) => {
      const { runId, expiresAt } = header;
      if (hasExpired(expiresAt, now)) return;
      // A run that never expires is on hold: all of it is kept, where nothing came between its header and its entries.
      const isHeld = expiresAt === NEVER;
      if (await keepOutlived(stores, { ...app, runId }, { expiresAt, before: isHeld ? NEVER : before })) changed += 1;
    });
    const outliving = afterVisit(round, visited);
    return { upkeep: { ...seen, outliving }, changed, hasMore: !outliving.isOver, failures: visited.failures };
  };
