import * as v from "valibot";
import { Id, NodeExecutionId, RunId } from "./identifiers.ts";

const text = v.nullish(v.string("expected a string or null"));
const word = v.nullish(
  v.pipe(v.string("expected a string or null"), v.maxLength(256, "expected at most 256 characters")),
);
const id = v.nullish(Id);
const count = v.nullish(
  v.pipe(
    v.number("expected a number or null"),
    v.safeInteger("expected a whole number"),
    v.minValue(0, "expected 0 or more"),
  ),
);
const seconds = v.nullish(
  v.pipe(
    v.number("expected a number of seconds or null"),
    v.finite("expected a finite number"),
    v.minValue(0, "expected 0 or more"),
  ),
);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const object = v.nullish(v.custom<Record<string, unknown>>(isObject, "expected an object or null"));
const error = v.nullish(
  v.custom<string | Record<string, unknown>>(
    (value) => typeof value === "string" || isObject(value),
    "expected a string, an object or null",
  ),
);
const creator = {
  created_by: word,
  created_by_role: v.nullish(v.picklist(["account", "end_user"], "expected account or end_user")),
};

const runStart = {
  workflow_id: id,
  workflow_version: word,
  workflow_type: word,
  triggered_from: word,
  ...creator,
  parent_run_id: v.nullish(RunId),
  parent_node_execution_id: v.nullish(NodeExecutionId),
  tags: v.nullish(
    v.pipe(
      v.array(
        v.pipe(v.string("expected a string"), v.maxLength(256, "expected at most 256 characters")),
        "expected a list of strings",
      ),
      v.maxLength(20, "expected at most 20 tags"),
    ),
  ),
  idle_timeout: seconds,
};

const structure = {
  iteration_id: id,
  iteration_index: count,
  loop_id: id,
  loop_index: count,
  parallel_id: id,
  parallel_start_node_id: id,
  parent_parallel_id: id,
  parent_parallel_start_node_id: id,
};

const node = { node_execution_id: NodeExecutionId };
const nodeDescription = {
  ...node,
  node_id: id,
  node_type: word,
  title: text,
  index: count,
  predecessor_node_id: id,
  ...structure,
  execution_metadata: object,
  ...creator,
};
const edge = { edge_id: id, source_node_id: id, target_node_id: id, source_handle: word };

/** The fields of each event type beside its envelope and its payload: the small ones that state is made of. */
export const EVENT_FIELDS = {
  "run.scheduled": runStart,
  "run.started": runStart,
  "run.paused": {},
  "run.resumed": { reason: text },
  "run.heartbeat": {},
  "run.finished": {
    status: v.picklist(
      ["succeeded", "failed", "stopped", "partial-succeeded"],
      "expected succeeded, failed, stopped or partial-succeeded",
    ),
    error,
    elapsed_time: seconds,
    total_tokens: count,
    total_steps: count,
    exceptions_count: count,
  },
  "node.started": nodeDescription,
  "node.checkpointed": { ...node, sequence: count },
  "node.retried": {
    ...node,
    node_id: id,
    retry_index: v.pipe(
      v.number("expected the number of the attempt that failed"),
      v.safeInteger("expected a whole number"),
      v.minValue(1, "expected 1 or more"),
    ),
    error,
    elapsed_time: seconds,
    execution_metadata: object,
  },
  "node.paused": { ...node, reason: text },
  "node.finished": {
    ...nodeDescription,
    status: v.picklist(
      ["succeeded", "failed", "exception", "stopped"],
      "expected succeeded, failed, exception or stopped",
    ),
    error,
    elapsed_time: seconds,
  },
  "agent.logged": { ...node, log_id: Id, parent_log_id: id, label: text, status: word, metadata: object, error },
  "edge.taken": edge,
  "edge.skipped": edge,
} as const;

/** What an event can say. */
export type EventType = keyof typeof EVENT_FIELDS;
/** Every event type. */
export const EVENT_TYPES = Object.keys(EVENT_FIELDS) as EventType[];

/** Payload by name; every field that a type does not know is payload too. */
export const PAYLOAD_FIELDS = ["inputs", "outputs", "process_data", "graph", "data", "reasons"] as const;

/** Fields whose values are free JSON and small: kept as text, like payload. `execution_metadata` is kept key by key. */
export const FREE_FIELDS: ReadonlySet<string> = new Set(["error", "metadata"]);
