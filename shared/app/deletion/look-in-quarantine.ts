import * as v from "valibot";
import { RunId, type TenantId } from "../../contract/identifiers.ts";
import type { QuarantineMark } from "../../domain/job.ts";
import { type QuarantinePosition, quarantineBegin, quarantinePositionOf } from "../../domain/quarantine.ts";
import type { Clock } from "../../ports/clock.ts";
import type { QuarantineStore } from "../../ports/quarantine-store.ts";
import type { FoundHeader, RunStore } from "../../ports/run-store.ts";
import { sideBySide } from "../side-by-side.ts";

/** The stores that looking through a quarantine needs. */
export interface QuarantineStores {
  readonly quarantine: QuarantineStore;
  readonly runs: Pick<RunStore, "find">;
  readonly clock: Clock;
}

/** Refused events that are looked at together. */
const EVENTS_A_PAGE = 200;
const RUNS_AT_A_TIME = 16;

/** What was found among the refused events of a page. */
export interface QuarantinePage {
  readonly wanted: readonly QuarantinePosition[];
  readonly next: QuarantineMark;
}

/**
 * Looks at the refused events of a tenant that come next, oldest first: at those whose run, as it stands, is wanted. The
 * header of each run is read once. An event that names no run that could be is not wanted.
 */
export const lookInQuarantine = async (
  { quarantine, runs, clock }: QuarantineStores,
  tenantId: TenantId,
  { mark, isWanted }: { readonly mark: QuarantineMark; isWanted(run: FoundHeader): boolean },
): Promise<QuarantinePage> => {
  if (mark === "end") return { wanted: [], next: mark };
  const after = mark === "begin" ? undefined : mark;
  const query = { sentSince: quarantineBegin(clock.now()), after, limit: EVENTS_A_PAGE, isOldestFirst: true };
  const page = await Array.fromAsync(quarantine.list(tenantId, query));
  const wantedRuns = new Set<string>();
  await sideBySide(new Set(page.map(({ runId }) => runId)), RUNS_AT_A_TIME, async (named) => {
    const runId = v.safeParse(RunId, named);
    if (!runId.success) return;
    if (isWanted(await runs.find({ tenantId, runId: runId.output }))) wantedRuns.add(runId.output);
  });
  const last = page.at(-1);
  return {
    wanted: page.filter(({ runId }) => runId !== undefined && wantedRuns.has(runId)).map(quarantinePositionOf),
    next: last === undefined || page.length < EVENTS_A_PAGE ? "end" : quarantinePositionOf(last),
  };
};
