import * as v from "valibot";
import { RunId, type TenantId } from "../../contract/identifiers.ts";
import { isTombstone, type RunStore } from "../../ports/run-store.ts";
import { type GoneAs, goneAs } from "../record/gone-run.ts";

/** Says how the run is gone that an event of a tenant names; undefined: it is not, or no run could be named so. */
export type GoneRuns = (tenantId: TenantId, runId: string | undefined) => Promise<GoneAs | undefined>;

/**
 * Looks for the tombstones of runs: of a run that has one nothing is kept, in quarantine neither. The header of each run
 * is read once, strongly consistent, so it is made anew for each batch. What it answers throws StoreFault.
 */
export const goneRuns = (runs: Pick<RunStore, "find">): GoneRuns => {
  const looks = new Map<string, ReturnType<GoneRuns>>();
  const look = async (tenantId: TenantId, runId: RunId): ReturnType<GoneRuns> => {
    const found = await runs.find({ tenantId, runId });
    return isTombstone(found) ? goneAs(found) : undefined;
  };
  return async (tenantId, named) => {
    const runId = v.safeParse(RunId, named);
    if (!runId.success) return undefined;
    const name = `${tenantId}#${runId.output}`;
    const going = looks.get(name) ?? look(tenantId, runId.output);
    looks.set(name, going);
    return going;
  };
};
