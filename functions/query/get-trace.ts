import * as v from "valibot";
import { presentGroup, presentTraceNode } from "../../shared/app/read/present-node.ts";
import {
  addPayload,
  type Members,
  type PayloadView,
  setRedacted,
  shownField,
} from "../../shared/app/read/present-payload.ts";
import { presentRun } from "../../shared/app/read/present-run.ts";
import { showInstant } from "../../shared/contract/instant.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import { redactedAmong } from "../../shared/contract/redaction.ts";
import type { AgentLog } from "../../shared/domain/fold/agent-log.ts";
import { flattened, type PlacedNode, prunedTo, type TraceNode, traceOf } from "../../shared/domain/fold/trace.ts";
import { jsonAnswer, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { endOfPage, readListRequest } from "../../shared/lambda/list-request.ts";
import { NO_SUCH_RUN } from "../../shared/lambda/named-run.ts";
import { pageOf } from "../../shared/lambda/page.ts";
import { previewFor, requestedRun } from "./requested-run.ts";

const parameters = { root: v.optional(v.string()) };

/** The last node of the pages before, and how many agent logs they held. */
const Position = v.object({ last: v.nullable(v.string()), logs: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });

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
  setRedacted(members, redactedAmong(log.fields));
  return addPayload(members, log.payload, { view, known: ["data"] });
};

/** The part of the trace that was asked for; undefined where the run has no such node execution. */
const askedFor = (trace: readonly TraceNode[], root: string | undefined): readonly TraceNode[] | undefined => {
  if (root === undefined) return trace;
  const subtree = flattened(trace).find(({ node }) => node.node.nodeExecutionId === root);
  return subtree === undefined ? undefined : [subtree.node];
};

/** The nodes that come after the last one of the page before, each before what is below it. */
const following = (trace: readonly TraceNode[], last: string | null): PlacedNode[] => {
  const nodes = flattened(trace);
  return nodes.slice(nodes.findIndex(({ node }) => node.node.nodeExecutionId === last) + 1);
};

/** A node as it weighs on a page: alone, with the frame of its round. */
const weighed = ({ node, group }: PlacedNode, view: PayloadView): JsonOutput => {
  const alone = presentTraceNode({ ...node, groups: [] }, view);
  return group === undefined ? alone : [alone, presentGroup({ ...group, nodes: [] }, view)];
};

/** `GET /v1/runs/{run_id}/trace`: cut by bytes anywhere in the tree; a page repeats the containers its nodes stand in. */
export const getTrace =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readListRequest(request, parameters, Position);
    if ("code" in read) return read;
    const found = await requestedRun(dependencies, request);
    if (found === undefined) return NO_SUCH_RUN;
    const { run } = found;
    const position = read.position ?? { last: null, logs: 0 };
    const view = previewFor(request);
    const trace = askedFor(traceOf(run.state.nodes), read.query.root);
    if (trace === undefined) return refuse("NOT_FOUND", "the run has no node execution of this id");
    const page = pageOf(Number.POSITIVE_INFINITY);
    const nodes = following(trace, position.last);
    nodes.every((node) => page.add(weighed(node, view)));
    const kept = nodes.slice(0, page.items.length);
    const logs = run.state.agentLogs.slice(position.logs).map((log) => presentLog(log, view));
    if (kept.length === nodes.length) logs.every((log) => page.add(log));
    const keptLogs = logs.slice(0, page.items.length - kept.length);
    const next = {
      last: kept.at(-1)?.node.node.nodeExecutionId ?? position.last,
      logs: position.logs + keptLogs.length,
    };
    const hasMore = kept.length < nodes.length || keptLogs.length < logs.length;
    return jsonAnswer({
      run: presentRun(run, view),
      nodes: prunedTo(trace, new Set(kept.map(({ node }) => node))).map((node) => presentTraceNode(node, view)),
      agent_log: keptLogs,
      ...endOfPage(request, hasMore ? next : undefined),
    });
  };
