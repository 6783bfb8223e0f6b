import { showInstant } from "../../contract/instant.ts";
import type { JsonOutput } from "../../contract/json-text.ts";
import { redactedAmong } from "../../contract/redaction.ts";
import type { Attempt } from "../../domain/fold/attempts.ts";
import type { MemberPayload } from "../../domain/fold/member.ts";
import type { NodeState } from "../../domain/fold/node-fold.ts";
import type { TraceError, TraceGroup, TraceNode } from "../../domain/fold/trace.ts";
import { addPayload, addPreview, type Members, type PayloadView, setRedacted, shownField } from "./present-payload.ts";

const NODE_FIELDS = [
  "execution_metadata",
  "iteration_id",
  "iteration_index",
  "loop_id",
  "loop_index",
  "parallel_id",
  "parallel_start_node_id",
  "parent_parallel_id",
  "parent_parallel_start_node_id",
  "created_by",
  "created_by_role",
  "reason",
] as const;

const NODE_PAYLOAD = ["inputs", "process_data", "outputs"] as const;

/** Every payload value that a node shows with its attempts: what must be read to show it whole. */
export const payloadOf = (node: NodeState, attempts: readonly Attempt[]): MemberPayload[] => [
  ...new Set([...node.payload, ...attempts.flatMap((attempt) => attempt.payload)]),
];

/** A node execution, light or with payload. */
export const presentNode = (node: NodeState, view: PayloadView): Members => {
  const field = (name: string): JsonOutput => shownField(node.fields.get(name));
  const members: Members = new Map<string, JsonOutput>([
    ["node_execution_id", node.nodeExecutionId],
    ["node_id", field("node_id")],
    ["node_type", field("node_type")],
    ["title", field("title")],
    ["index", field("index")],
    ["predecessor_node_id", field("predecessor_node_id")],
    ["status", node.status],
    ["error", shownField(node.error)],
    ["epoch", node.epoch],
    ["started_at", node.startedAt ? showInstant(node.startedAt) : null],
    ["finished_at", node.finishedAt ? showInstant(node.finishedAt) : null],
    ["elapsed_time", node.elapsedTime ?? null],
  ]);
  for (const name of NODE_FIELDS) members.set(name, field(name));
  setRedacted(members, redactedAmong(node.fields));
  return addPayload(members, node.payload, { view, known: NODE_PAYLOAD });
};

/** An attempt: its own outcome and timing. */
export const presentAttempt = (attempt: Attempt, view: PayloadView): Members => {
  const members: Members = new Map<string, JsonOutput>([
    ["epoch", attempt.epoch],
    ["number", attempt.number],
    ["status", attempt.status],
    ["error", shownField(attempt.error)],
    ["started_at", attempt.startedAt ? showInstant(attempt.startedAt) : null],
    ["finished_at", attempt.finishedAt ? showInstant(attempt.finishedAt) : null],
    ["elapsed_time", attempt.elapsedTime ?? null],
    ["execution_metadata", shownField(attempt.metadata)],
  ]);
  setRedacted(members, attempt.redacted);
  return addPayload(members, attempt.payload, { view, known: NODE_PAYLOAD });
};

/** The error that the tree shows of a node or round: its own, or of the child that failed it. */
const setError = (members: Members, error: TraceError): Members => {
  members.set("error", shownField(error.value));
  members.delete("error_preview");
  members.delete("error_size");
  return error.payload === undefined ? members : addPreview(members, error.payload);
};

/** A round of a container with its nodes. */
export const presentGroup = (group: TraceGroup, view: PayloadView): Members => {
  const members: Members = new Map<string, JsonOutput>([
    ["index", group.index],
    ["status", group.status],
    ["elapsed_time", group.elapsedTime ?? null],
  ]);
  setError(members, group.error);
  return members.set(
    "nodes",
    group.nodes.map((node) => presentTraceNode(node, view)),
  );
};

/** A node of the trace with all that is below it. */
export const presentTraceNode = (trace: TraceNode, view: PayloadView): Members => {
  const members = presentNode(trace.node, view);
  members.set("status", trace.status);
  setError(members, trace.error);
  if (trace.isUnplaced) members.set("unplaced", true);
  members.set(
    "retries",
    trace.retries.map((attempt) => presentAttempt(attempt, view)),
  );
  if (trace.kind !== undefined) {
    members.set(
      `${trace.kind}s`,
      trace.groups.map((group) => presentGroup(group, view)),
    );
  } else if (trace.node.fields.get("node_type") === "iteration" || trace.node.fields.get("node_type") === "loop") {
    members.set(`${String(trace.node.fields.get("node_type"))}s`, []);
  }
  return members;
};
