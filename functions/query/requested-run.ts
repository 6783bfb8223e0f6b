import { fitting, type PayloadView, visible } from "../../shared/app/read/present-payload.ts";
import { type ReadRun, readRun } from "../../shared/app/read/read-run.ts";
import { type ShownPayload, showPayload } from "../../shared/app/read/show-payload.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import type { Refusal } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { NO_SUCH_RUN, runKeyOf } from "../../shared/lambda/named-run.ts";
import { PAGE_BYTES } from "../../shared/lambda/page.ts";
import type { Request } from "../../shared/lambda/request.ts";

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

/**
 * What the credential may see of these values, read as far as an answer has room; links to those that are objects of
 * their own. Where the run was deleted meanwhile, the answer of one that is not there.
 */
export const textsFor = async (
  dependencies: Dependencies,
  request: Request,
  shown: ShownPayload,
): Promise<PayloadView | Refusal> => {
  const view = previewFor(request);
  const payload = fitting(visible(shown.payload, view), PAGE_BYTES);
  const texts = await showPayload(dependencies, { ...shown, payload });
  return texts === undefined ? NO_SUCH_RUN : { ...view, texts };
};
