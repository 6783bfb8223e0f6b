import { fitting, type PayloadView, visible } from "../../shared/app/present-payload.ts";
import { type ReadRun, readRun } from "../../shared/app/read-run.ts";
import { type ShownPayload, showPayload } from "../../shared/app/show-payload.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { PAGE_BYTES } from "../../shared/lambda/page.ts";
import { type Request, runIdOf, tenantOf } from "../../shared/lambda/request.ts";

/** Of another tenant, expired, never there: one answer for all. */
export const NO_SUCH_RUN: Refusal = refuse("NOT_FOUND", "there is no run of this id");

/** The key of the run that the path names, if it can name one. */
export const runKeyOf = (request: Request): RunKey | undefined => {
  const runId = runIdOf(request);
  return runId === undefined ? undefined : { tenantId: tenantOf(request), runId };
};

/** Reads the run that the path names. */
export const requestedRun = async (
  dependencies: Dependencies,
  request: Request,
): Promise<{ key: RunKey; run: ReadRun } | undefined> => {
  const key = runKeyOf(request);
  const run = key && (await readRun(dependencies, key));
  return key && run && { key, run };
};

/** What the credential may see of payload: previews. */
export const previewFor = (request: Request): PayloadView => ({
  seesPayload: request.caller?.scopes.has("payload") ?? false,
});

/** What the credential may see of these values, read as far as an answer has room; links to those that are objects of their own. */
export const textsFor = async (
  dependencies: Dependencies,
  request: Request,
  shown: ShownPayload,
): Promise<PayloadView> => {
  const view = previewFor(request);
  return {
    ...view,
    texts: await showPayload(dependencies, { ...shown, payload: fitting(visible(shown.payload, view), PAGE_BYTES) }),
  };
};
