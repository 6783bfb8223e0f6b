import type { AppId, RunKey, TenantId } from "../../contract/identifiers.ts";
import { instantOf, millisecondsOf } from "../../contract/instant.ts";
import { lostAt, lostRunEvent } from "../../domain/lost-run.ts";
import { hasExpired } from "../../domain/retention.ts";
import { isTombstone, type ListedHeader, type ListPosition } from "../../ports/run-store.ts";
import { recordArrival } from "../record/record-arrival.ts";
import { appRuns } from "./app-runs.ts";
import type { UpkeepStores } from "./app-visit.ts";
import { type Visited, type VisitLimits, visitRuns } from "./visit-runs.ts";

/** How long a run may be silent where nobody says otherwise (seconds). */
const USUAL_IDLE_SECONDS = 1_800;

/** No run is looked at before it is so old: most end sooner (milliseconds). */
const YOUNGEST_MS = 60_000;

/** Running runs that one visit looks at. */
const MOST_RUNS = 200;

/** How many runs a process remembers to be alive. */
const MOST_REMEMBERED = 50_000;

/** Whose running runs are looked at. */
export interface LostRunsQuery extends Pick<VisitLimits, "isOutOfTime"> {
  readonly tenantId: TenantId;
  /** Undefined: runs whose app is not known yet. */
  readonly appId: AppId | undefined;
  readonly shards: number;
  readonly after: ListPosition | undefined;
  /** Where the run itself does not say (seconds); undefined: the usual. */
  readonly idleSeconds: number | undefined;
}

/** What became of a look at running runs. */
export interface LostRuns extends Visited {
  readonly closed: number;
}

/** Closes the runs of an app that went silent. */
export type LostRunCloser = (query: LostRunsQuery) => Promise<LostRuns>;

/** When a run has to be looked at again at the earliest (milliseconds since 1970), by run, `rev` and timeout. */
type Alive = Map<string, number>;

/** Silent since its newest entry: closes it. Else answers when it will have been silent for too long. */
const look = async (stores: UpkeepStores, run: RunKey, idleSeconds: number): Promise<number | "closed" | "gone"> => {
  const lastSignAt = await stores.ledger.lastReceipt(run);
  if (lastSignAt === undefined) return "gone";
  const now = stores.clock.now();
  const lost = lostAt(lastSignAt, idleSeconds);
  if (now < lost) return lost;
  // The list lags behind: the run may have ended, or gone on in another epoch.
  const header = await stores.runs.find(run);
  if (header === undefined || isTombstone(header) || header.row.status !== "running") return "gone";
  const { appId, epoch } = header.row;
  const event = lostRunEvent({ runId: run.runId, appId, epoch, lastSignAt, idleSeconds });
  const arrival = { ulid: stores.newUlid(now), receivedAt: now, actor: "service", source: "runstone" } as const;
  const outcome = await recordArrival(stores, run, { ...arrival, events: [event] });
  return outcome === "recorded" ? "closed" : "gone";
};

/**
 * Closes running runs that gave no sign of life for their idle timeout, by the service's own event, which a late one of
 * the engine outranks. Those that began first come first. A process remembers until when a run is alive: while it lasts,
 * a run costs one look for each of its timeouts, not one for each visit. Two that close a run at once record the same
 * event.
 */
export const lostRunCloser = (stores: UpkeepStores): LostRunCloser => {
  const alive: Alive = new Map();
  return async ({ tenantId, appId, shards, after, idleSeconds = USUAL_IDLE_SECONDS, isOutOfTime }) => {
    const now = stores.clock.now();
    const before = instantOf(now - YOUNGEST_MS);
    const running = { tenantId, appId, shards, status: "running", after, before, isOldestFirst: true } as const;
    let closed = 0;
    const visited = await visitRuns(
      appRuns(stores, running),
      { mostRuns: MOST_RUNS, isOutOfTime },
      async ({ runId, rev, listedAt, expiresAt, row }: ListedHeader) => {
        const idle = row.idleTimeout ?? idleSeconds;
        const name = `${tenantId}#${runId}#${rev}#${idle}`;
        const nextLookAt = alive.get(name) ?? lostAt(millisecondsOf(listedAt), idle);
        if (now < nextLookAt || hasExpired(expiresAt, now)) return;
        alive.delete(name);
        const found = await look(stores, { tenantId, runId }, idle);
        if (found === "closed") closed += 1;
        if (typeof found !== "number") return;
        if (alive.size >= MOST_REMEMBERED) alive.clear();
        alive.set(name, found);
      },
    );
    return { ...visited, closed };
  };
};
