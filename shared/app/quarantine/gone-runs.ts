import * as v from "valibot";
import { RunId, type TenantId } from "../../contract/identifiers.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RunStore } from "../../ports/run-store.ts";
import { type GoneAs, goneAs } from "../record/gone-run.ts";

/** Says how the run is gone that an event of a tenant names; undefined: it is not, or no run could be named so. */
export type GoneRuns = (tenantId: TenantId, runId: string | undefined) => Promise<GoneAs | undefined>;

/**
 * Looks at the headers of runs: of a run that is gone nothing is kept, in quarantine neither. Each is read once, strongly
 * consistent, so it is made anew for each batch. What it answers throws StoreFault.
 */
export const goneRuns = ({
  runs,
  clock,
}: {
  readonly runs: Pick<RunStore, "find">;
  readonly clock: Clock;
}): GoneRuns => {
  const looks = new Map<string, ReturnType<GoneRuns>>();
  const look = async (tenantId: TenantId, runId: RunId): ReturnType<GoneRuns> => {
    return goneAs(await runs.find({ tenantId, runId }), clock.now());
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
