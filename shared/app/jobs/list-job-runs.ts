import type { RunId, TenantId } from "../../contract/identifiers.ts";
import type { Job, JobPlace } from "../../domain/job.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ListedHeader } from "../../ports/run-store.ts";
import { listRuns } from "../lists/list-runs.ts";
import type { ListStores } from "../lists/run-lists.ts";

/** Runs that a job has to do with, and where it goes on after them. */
export interface JobRuns {
  readonly headers: readonly ListedHeader[];
  readonly place: JobPlace;
}

/** The runs that come next for a job, newest first; there may be none though there are more after them. */
export const listJobRuns = async (
  stores: ListStores & { readonly clock: Clock },
  tenantId: TenantId,
  of: Pick<Job, "appId" | "filter" | "place"> & { readonly limit: number },
): Promise<JobRuns> => {
  const { appId, filter, place, limit } = of;
  if (place === "end") return { headers: [], place };
  const after = place === "begin" ? undefined : place;
  const { runs, next } = await listRuns(stores, { tenantId, appId, filter, minVersions: new Map(), after, limit });
  return {
    headers: runs.map(({ header }) => header),
    place: next === undefined ? "end" : { ...next, runId: next.runId as RunId },
  };
};
