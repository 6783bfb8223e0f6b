import * as v from "valibot";
import { presentTraceNode } from "../../shared/app/present-node.ts";
import { addPayload, type Members, type PayloadView, shownField } from "../../shared/app/present-payload.ts";
import { presentRun } from "../../shared/app/present-run.ts";
import { showInstant } from "../../shared/contract/instant.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import type { AgentLog } from "../../shared/domain/agent-log.ts";
import { flattened, prunedTo, type TraceNode, traceOf } from "../../shared/domain/trace.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import { readCursor, writeCursor } from "../../shared/lambda/cursor.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { pageOf } from "../../shared/lambda/page.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { NO_SUCH_RUN, previewFor, requestedRun } from "./requested-run.ts";

const parameters = { root: v.optional(v.string()), after: v.optional(v.string()), cursor: v.optional(v.string()) };

const presentLog = (log: AgentLog, view: PayloadView): Members => {
  const field = (name: string): JsonOutput => shownField(log.fields.get(name));
  const members: Members = new Map<string, JsonOutput>([
    ["log_id", log.logId],
    ["parent_log_id", field("parent_log_id")],
    ["node_execution_id", log.nodeExecutionId],
    ["at", showInstant(log.at)],
    ["label", field("label")],
    ["status", field("status")],
    ["error", field("error")],
    ["metadata", field("metadata")],
  ]);
  return addPayload(members, log.payload, { view, known: ["data"] });
};

/** The part of the trace that was asked for; undefined where the run has no such node execution. */
const askedFor = (trace: readonly TraceNode[], root: string | undefined): readonly TraceNode[] | undefined => {
  if (root === undefined) return trace;
  const subtree = flattened(trace).find(({ node }) => node.nodeExecutionId === root);
  return subtree === undefined ? undefined : [subtree];
};

/** The nodes that come after the last one of the page before, each before what is below it. */
const following = (trace: readonly TraceNode[], last: string | undefined): TraceNode[] => {
  const nodes = flattened(trace);
  return nodes.slice(nodes.findIndex(({ node }) => node.nodeExecutionId === last) + 1);
};

/** `GET /v1/runs/{run_id}/trace`: cut by bytes anywhere in the tree; a page repeats the containers its nodes stand in. */
export const getTrace =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readQuery(request, parameters);
    if ("code" in read) return read;
    const cursor = readCursor(request, v.string());
    if ("code" in cursor) return cursor;
    const found = await requestedRun(dependencies, request);
    if (found === undefined) return NO_SUCH_RUN;
    const { run } = found;
    const { position } = cursor;
    const view = previewFor(request);
    const trace = askedFor(traceOf(run.state.nodes), read.query.root);
    if (trace === undefined) return refuse("NOT_FOUND", "the run has no node execution of this id");
    const left = following(trace, position);
    const page = pageOf(Number.POSITIVE_INFINITY);
    left.every((node) => page.add(presentTraceNode({ ...node, groups: [] }, view)));
    const kept = left.slice(0, page.items.length);
    const hasMore = kept.length < left.length;
    return jsonAnswer({
      run: presentRun(run, view),
      nodes: prunedTo(trace, new Set(kept)).map((node) => presentTraceNode(node, view)),
      agent_log: position === undefined ? run.state.agentLogs.map((log) => presentLog(log, view)) : [],
      has_more: hasMore,
      next_cursor: hasMore ? writeCursor(request, kept.at(-1)?.node.nodeExecutionId) : null,
    });
  };
