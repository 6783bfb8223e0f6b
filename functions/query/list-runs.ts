import * as v from "valibot";
import { type ListedRun, listRuns as listRunsOf } from "../../shared/app/lists/list-runs.ts";
import { presentListedRun } from "../../shared/app/read/present-run.ts";
import { RunId } from "../../shared/contract/identifiers.ts";
import { Instant, showInstant } from "../../shared/contract/instant.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import { appIdOf, tenantOf } from "../../shared/lambda/request.ts";
import { RUN_FILTER_PARAMETERS, runFilterOf } from "../../shared/lambda/run-filter-parameters.ts";

const MOST_MIN_VERSIONS = 20;

/** `<run_id>:<version>`; ids may hold colons too. */
const minVersion = v.pipe(
  v.string(),
  v.regex(/^.+:[1-9]\d{0,14}$/, "expected <run_id>:<version>"),
  v.transform((text) => [text.slice(0, text.lastIndexOf(":")), Number(text.slice(text.lastIndexOf(":") + 1))]),
  v.tuple([RunId, v.number()]),
);

const parameters = {
  ...RUN_FILTER_PARAMETERS,
  min_version: v.optional(
    v.pipe(v.array(minVersion), v.maxLength(MOST_MIN_VERSIONS, `expected at most ${MOST_MIN_VERSIONS} runs`)),
    [],
  ),
  limit: wholeNumber({ min: 1, max: 100, otherwise: 20 }),
};

const Position = v.object({ listedAt: Instant, runId: RunId, isIncluded: v.optional(v.boolean()) });

const showRun = ({ header, isStale }: ListedRun): JsonOutput => ({
  ...presentListedRun(header),
  ...(isStale ? { stale: true } : {}),
});

/** The highest version that is asked for of each run. */
const highestOf = (versions: readonly (readonly [RunId, number])[]): Map<RunId, number> => {
  const highest = new Map<RunId, number>();
  for (const [runId, version] of versions) highest.set(runId, Math.max(version, highest.get(runId) ?? 0));
  return highest;
};

/**
 * `GET /v1/apps/{app_id}/runs` and, over all apps, `GET /v1/runs`: newest first. `next_cursor` leads on until there is
 * none; while `has_more` is true, the next page holds a run. Where what is asked for is so rare that the search was cut,
 * `searched_until` says how far back it came: then there may be a `next_cursor` though `has_more` is false.
 */
export const listRuns =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, Position);
    if ("code" in read) return read;
    const filter = runFilterOf(read.query);
    if ("code" in filter) return filter;
    const appId = appIdOf(request);
    if (appId === undefined && request.path["app_id"] !== undefined) {
      return refuse("NOT_FOUND", "there is no app of this id");
    }
    const page = await listRunsOf(dependencies, {
      tenantId: tenantOf(request),
      appId,
      filter,
      minVersions: highestOf(read.query.min_version),
      after: read.position,
      limit: read.query.limit,
    });
    return jsonAnswer({
      data: page.runs.map(showRun),
      ...endOfPage(request, page.next),
      has_more: page.hasMore,
      ...(page.searchedUntil === undefined ? {} : { searched_until: showInstant(page.searchedUntil) }),
    });
  };
