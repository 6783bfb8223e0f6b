import { type NotedRun, noteFailures } from "../../shared/app/failures/note-failures.ts";
import { foldRun } from "../../shared/domain/fold/run-fold.ts";
import { runKey, type Service } from "./service.ts";

/** A run as noting its failures needs it: what is there of it now. */
export const notedRun = async (service: Service, runId: string, tenant = "demo"): Promise<NotedRun> => {
  const { header, failures, entries } = await service.dependencies.ledger.readAll(runKey(tenant, runId));
  return { header, failures, state: foldRun(entries) };
};

/** Does for a run what the table's stream does when its header has changed. */
export const noteFailuresOf = async (service: Service, runId: string, tenant = "demo"): Promise<void> =>
  noteFailures(service.dependencies, runKey(tenant, runId), await notedRun(service, runId, tenant));
