import type { RunKey } from "../../contract/identifiers.ts";
import { millisecondsOf } from "../../contract/instant.ts";
import { RUN_STATUSES, type RunStatus } from "../../contract/run-status.ts";
import type { RunPolicy } from "../../domain/app-settings.ts";
import { assumedExpiry } from "../../domain/entry-span.ts";
import { hasExpired, movedExpiry, NEVER } from "../../domain/retention.ts";
import { LATEST_WRITE_MS } from "../../ports/ledger-store.ts";
import { SETTINGS_LAG_MS } from "../../ports/settings-store.ts";
import type { AppUpkeep } from "../../ports/upkeep-store.ts";
import { changeHeader } from "../record/change-header.ts";
import { appRuns } from "./app-runs.ts";
import { type AppVisit, nothingDone, type UpkeepStep, type UpkeepStores } from "./app-visit.ts";
import { keepOutlived } from "./keep-outliving.ts";
import { afterVisit, beginRound } from "./upkeep-round.ts";
import { visitRuns } from "./visit-runs.ts";

/** Runs that one visit looks at. */
const MOST_RUNS = 500;

/** So long after a change of settings something may still be written that goes by what was set before. */
const SETTLED_MS = SETTINGS_LAG_MS + LATEST_WRITE_MS + 5_000;

type Days = Readonly<Record<RunStatus, number>>;

const daysOf = (days: (status: RunStatus) => number): Days =>
  Object.fromEntries(RUN_STATUSES.map((status) => [status, days(status)])) as Days;

/** What has changed for the runs that are there. */
interface Change {
  /** Statuses whose runs may be kept otherwise than the settings say. */
  readonly statuses: ReadonlySet<RunStatus>;
  /** There were settings in between that nobody has seen: how long entries of that time are kept is not known. */
  readonly hasMissed: boolean;
  /** The shorter one of the longest retentions before and now: entries are taken to be kept as long (days). */
  readonly assumedDays: number;
}

const changeOf = (before: NonNullable<AppUpkeep["kept"]>, version: number, days: Days): Change => {
  const hasMissed = version > before.version + 1;
  const statuses = new Set(RUN_STATUSES.filter((status) => hasMissed || days[status] !== before.days[status]));
  const longest = [before.days, days].map((each) => Math.max(...Object.values(each)));
  return { statuses, hasMissed, assumedDays: Math.min(...longest) };
};

const FAR = Number.POSITIVE_INFINITY;

/** Moves a run's expiry; what is kept of it goes on before the header says that it is there. */
const move = (stores: UpkeepStores, policy: RunPolicy, run: RunKey): Promise<boolean> =>
  changeHeader(stores, run, {
    policy,
    next: async (present) => {
      const keptDays = policy.retentionDays(present.row.appId, present.row.status);
      if (keptDays === present.keptDays) return undefined;
      const expiresAt = movedExpiry(present, keptDays);
      if (expiresAt > present.expiresAt) await keepOutlived(stores, run, { expiresAt, before: FAR });
      return { ...present, expiresAt, keptDays };
    },
  });

const versionOf = ({ settings }: AppVisit): number => settings?.version ?? 0;

/**
 * After the retention of an app was changed, moves the expiry of every run that was recorded before: counted from the same
 * receipt, by the new number of days. What is recorded meanwhile goes by the new settings already. A run that has expired
 * does not come back, one on hold stays as it is. Where no status of a run is kept otherwise than before, no run is read.
 */
export const retentionApplier =
  (stores: UpkeepStores): UpkeepStep =>
  async (visit, upkeep) => {
    const { app, settings, shards, policy, isOutOfTime } = visit;
    const now = stores.clock.now();
    const version = versionOf(visit);
    if (settings === undefined || version === (upkeep.kept?.version ?? 0)) return nothingDone(upkeep);
    if (now < settings.updatedAt + SETTLED_MS) return nothingDone(upkeep);
    const days = daysOf((status) => policy.retentionDays(app.appId, status));
    const before = upkeep.kept ?? { version: 0, days: daysOf(() => stores.retentionDays) };
    const { statuses, hasMissed, assumedDays } = changeOf(before, version, days);
    const kept = { version, days };
    if (statuses.size === 0) return nothingDone({ ...upkeep, kept, retention: undefined });

    const present = upkeep.retention;
    const round = present?.version === version && !present.isOver ? present : beginRound(now, version);
    let changed = 0;
    const headers = appRuns(stores, { ...app, shards, after: round.after });
    const visited = await visitRuns(headers, { mostRuns: MOST_RUNS, isOutOfTime }, async (header) => {
      const { runId, row, listedAt, expiresAt } = header;
      if (!statuses.has(row.status) || expiresAt === NEVER || hasExpired(expiresAt, now)) return;
      const run = { ...app, runId };
      if (hasMissed) {
        const assumed = assumedExpiry(millisecondsOf(listedAt), assumedDays);
        await keepOutlived(stores, run, { expiresAt: assumed, before: FAR });
      }
      if (await move(stores, policy, run)) changed += 1;
    });
    const retention = afterVisit(round, visited);
    // A run that could not be dealt with has to be looked at once more.
    const isDone = retention.isOver && retention.failed === 0;
    return {
      upkeep: isDone ? { ...upkeep, kept, retention: undefined } : { ...upkeep, retention },
      changed,
      hasMore: !retention.isOver,
      failures: visited.failures,
    };
  };
