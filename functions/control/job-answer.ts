import { presentJob } from "../../shared/app/jobs/present-job.ts";
import { instantOf, showInstant } from "../../shared/contract/instant.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import { type ExportJob, isRunning, type Job } from "../../shared/domain/job.ts";
import { exportExpiry } from "../../shared/domain/retention.ts";
import { type Answer, jsonAnswer, type Refusal, refuse } from "../../shared/lambda/answer.ts";
import { STATUS_OK, STATUS_STARTED } from "../../shared/lambda/outcomes.ts";
import { type Request, tenantOf } from "../../shared/lambda/request.ts";
import type { ExportStore } from "../../shared/ports/export-store.ts";
import type { ControlDependencies } from "./control-dependencies.ts";

/** How long a link to a file holds; asking for the job again gives new ones. */
const LINK_SECONDS = 3600;

/** What a job shows belongs to who may do the same without a job. */
export const refuseJob = (request: Request, job: Job): Refusal | undefined => {
  const scope = job.kind === "export" ? "read" : "admin";
  if (request.caller?.scopes.has(scope)) return undefined;
  return refuse("FORBIDDEN", `this job needs the scope "${scope}"`);
};

/** To cancel it as well: an export with payload was asked for by who may see payload. */
export const refuseToCancel = (request: Request, job: Job): Refusal | undefined => {
  if (job.kind !== "export" || !job.hasPayload || request.caller?.scopes.has("payload")) return undefined;
  return refuse("FORBIDDEN", 'cancelling an export of payload needs the scope "payload"');
};

const linksTo = async (
  exports: ExportStore,
  request: Request,
  of: { readonly job: ExportJob; readonly now: number },
): Promise<JsonOutput> => {
  const { job, now } = of;
  const tenantId = tenantOf(request);
  const there = job.files.filter(({ writtenAt }) => exportExpiry(writtenAt) > now);
  return Promise.all(
    there.map(async ({ id: fileId, sizeBytes: size, writtenAt }) => {
      const seconds = Math.min(LINK_SECONDS, Math.ceil((exportExpiry(writtenAt) - now) / 1000));
      const url = await exports.link({ tenantId, jobId: job.id, fileId }, { from: now, seconds });
      return { url, size, expires_at: showInstant(instantOf(now + seconds * 1000)) };
    }),
  );
};

/** The files of an export that is done, for who may see what is in them. */
const downloadsOf = async (
  { exports, clock }: ControlDependencies,
  request: Request,
  job: Job,
): Promise<Readonly<Record<string, JsonOutput>>> => {
  if (job.kind !== "export" || job.standing.state !== "done") return {};
  if (job.hasPayload && !request.caller?.scopes.has("payload")) return { payload_hidden: true };
  return { download_urls: await linksTo(exports, request, { job, now: clock.now() }) };
};

/** A job as it stands. One that has just been started and goes on says where it is to be found. */
export const jobAnswer = async (
  dependencies: ControlDependencies,
  request: Request,
  of: { readonly job: Job; readonly isNew: boolean },
): Promise<Answer> => {
  const { job, isNew } = of;
  const goesOn = isNew && isRunning(job);
  return jsonAnswer(
    { ...presentJob(job), ...(await downloadsOf(dependencies, request, job)) },
    {
      status: goesOn ? STATUS_STARTED : STATUS_OK,
      ...(goesOn ? { headers: { location: `/v1/jobs/${job.id}` } } : {}),
    },
  );
};
