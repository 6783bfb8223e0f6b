import { setTimeout } from "node:timers/promises";
import * as v from "valibot";
import { exportDirectly } from "../../shared/app/export/export-directly.ts";
import { startJob } from "../../shared/app/jobs/start-job.ts";
import type { AppId } from "../../shared/contract/identifiers.ts";
import type { ExportForm } from "../../shared/domain/job.ts";
import type { RunFilter } from "../../shared/domain/run-filter.ts";
import { refuse } from "../../shared/lambda/answer.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { STATUS_OK } from "../../shared/lambda/outcomes.ts";
import { PAGE_BYTES } from "../../shared/lambda/page.ts";
import { hasPreference } from "../../shared/lambda/preference.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { appIdOf, type Request, tenantOf } from "../../shared/lambda/request.ts";
import { RUN_FILTER_PARAMETERS, runFilterOf } from "../../shared/lambda/run-filter-parameters.ts";
import type { ControlDependencies } from "./control-dependencies.ts";
import { jobAnswer } from "./job-answer.ts";

const parameters = {
  ...RUN_FILTER_PARAMETERS,
  events: v.optional(v.picklist(["true", "false"], "expected true or false"), "true"),
};

/** An answer is made in this time, or by a job. */
const DIRECT_MS = 6_000;
/** One run can be so wide that reading it takes longer than a request has. */
const PATIENCE_MS = 12_000;

interface Asked {
  readonly appId: AppId;
  readonly filter: RunFilter;
  readonly form: ExportForm;
}

/** The export itself, where it is small. */
const tryDirectly = async (
  dependencies: ControlDependencies,
  request: Request,
  asked: Asked,
): Promise<string | undefined> => {
  const { clock } = dependencies;
  const until = clock.now() + DIRECT_MS;
  const given = new AbortController();
  const hasTime = (): boolean => clock.now() < until && !given.signal.aborted;
  const made = exportDirectly(dependencies, { ...asked, tenantId: tenantOf(request), mostBytes: PAGE_BYTES, hasTime });
  const patience = setTimeout(PATIENCE_MS, undefined, { signal: given.signal }).catch(() => undefined);
  try {
    return await Promise.race([made, patience]);
  } finally {
    given.abort();
    // What it still comes to is nobody's any more.
    made.catch(() => undefined);
  }
};

/**
 * `GET /v1/apps/{app_id}/export`: the runs that match as NDJSON; a large export by a job. Served here rather than beside
 * reading, because a job is written down, and `query` writes nothing.
 */
export const getExport =
  (dependencies: ControlDependencies): RouteHandler =>
  async (request) => {
    const read = readQuery(request, parameters);
    if ("code" in read) return read;
    const filter = runFilterOf(read.query);
    if ("code" in filter) return filter;
    const appId = appIdOf(request);
    if (appId === undefined) return refuse("NOT_FOUND", "there is no app of this id");
    const hasPayload = request.caller?.scopes.has("payload") ?? false;
    const form = { hasEvents: read.query.events === "true", hasPayload };
    const text = hasPreference(request, "respond-async")
      ? undefined
      : await tryDirectly(dependencies, request, { appId, filter, form });
    if (text !== undefined) {
      return { status: STATUS_OK, headers: { "content-type": "application/x-ndjson" }, body: text };
    }
    const { job } = await startJob(
      dependencies,
      {
        tenantId: tenantOf(request),
        appId,
        filter,
        by: request.caller?.speaker ?? "unknown",
        task: { kind: "export", ...form },
      },
      { delaySeconds: 0 },
    );
    return jobAnswer(dependencies, request, { job, isNew: true });
  };
