import type { WorkStores } from "../app/jobs/work-on-job.ts";
import type { Dependencies } from "./dependencies.ts";

/** What slices of jobs work on. Why a run could not be deleted is logged: the job's report names only its code. */
export const workStores = (dependencies: Dependencies): WorkStores => ({
  ...dependencies,
  tellFailure: ({ tenantId, runId }, error) =>
    dependencies.log({ level: "error", message: "run not deleted", tenant_id: tenantId, run_id: runId, error }),
});
