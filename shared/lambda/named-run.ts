import type { RunKey } from "../contract/identifiers.ts";
import { type Refusal, refuse } from "./answer.ts";
import { type Request, runIdOf, tenantOf } from "./request.ts";

/** Of another tenant, expired, never there: one answer for all. */
export const NO_SUCH_RUN: Refusal = refuse("NOT_FOUND", "there is no run of this id");

/** The key of the run that the path names, if it can name one. */
export const runKeyOf = (request: Request): RunKey | undefined => {
  const runId = runIdOf(request);
  return runId === undefined ? undefined : { tenantId: tenantOf(request), runId };
};
