import * as v from "valibot";
import {
  type FailureQuestion,
  failureKinds,
  listFailures as listFailuresOf,
} from "../../shared/app/failures/list-failures.ts";
import { presentFailure, presentFailureGroup } from "../../shared/app/failures/present-failure.ts";
import { Id, NodeExecutionId, RunId } from "../../shared/contract/identifiers.ts";
import { Instant, showInstant } from "../../shared/contract/instant.ts";
import { type Answer, jsonAnswer, type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { wholeNumber } from "../../shared/lambda/query-parameters.ts";
import { appIdOf, type Request, tenantOf } from "../../shared/lambda/request.ts";
import { TIME_PARAMETERS, timeRangeOf } from "../../shared/lambda/run-filter-parameters.ts";

const parameters = {
  ...TIME_PARAMETERS,
  node_id: v.optional(Id),
  node_type: v.optional(
    v.pipe(v.string(), v.minLength(1, "expected a text"), v.maxLength(256, "expected at most 256 characters")),
  ),
  fingerprint: v.optional(v.pipe(v.string(), v.regex(/^[\w-]{12}$/, "expected the fingerprint of a failure"))),
  group_by: v.optional(v.picklist(["fingerprint"], "expected fingerprint")),
  limit: wholeNumber({ min: 1, max: 100, otherwise: 20 }),
};

const Position = v.object({
  finishedAt: Instant,
  runId: RunId,
  nodeExecutionId: NodeExecutionId,
  isIncluded: v.optional(v.boolean()),
});

const searched = (until: Instant | undefined) => (until === undefined ? {} : { searched_until: showInstant(until) });

/** All kinds at once: there is nothing to go on to. */
const groups = async (
  dependencies: Dependencies,
  request: Request,
  question: FailureQuestion,
): Promise<Answer | Refusal> => {
  if (request.query.has("limit")) {
    const errors = [{ path: "limit", message: "not a parameter together with group_by" }];
    return refuse("INVALID_REQUEST", "the query is not valid", { errors });
  }
  const kinds = await failureKinds(dependencies, question);
  return jsonAnswer({
    data: kinds.groups.map(presentFailureGroup),
    ...endOfPage(request, undefined),
    since: showInstant(kinds.since),
    complete: kinds.searchedUntil === undefined,
    ...searched(kinds.searchedUntil),
  });
};

/**
 * `GET /v1/apps/{app_id}/failures`: failed node executions, newest first, or, grouped by fingerprint, their kinds, most
 * frequent first. Where the search was cut, `searched_until` says how far back it came.
 */
export const listFailures =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, Position);
    if ("code" in read) return read;
    const { query, position } = read;
    const happened = timeRangeOf(query);
    if ("code" in happened) return happened;
    const appId = appIdOf(request);
    if (appId === undefined) return refuse("NOT_FOUND", "there is no app of this id");
    const filter = {
      since: happened.after,
      before: happened.before,
      nodeId: query.node_id,
      nodeType: query.node_type,
      fingerprint: query.fingerprint,
    };
    const question = { tenantId: tenantOf(request), appId, filter };
    if (query.group_by !== undefined) return groups(dependencies, request, question);
    const page = await listFailuresOf(dependencies, { ...question, after: position, limit: query.limit });
    return jsonAnswer({
      data: page.rows.map(presentFailure),
      ...endOfPage(request, page.next),
      has_more: page.hasMore,
      ...searched(page.searchedUntil),
    });
  };
