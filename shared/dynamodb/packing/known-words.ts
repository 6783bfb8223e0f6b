import type { FieldValue } from "../../contract/event.ts";
import { JsonText } from "../../contract/json-text.ts";

/**
 * Names that packed entries write as one character: their place here. The order is part of the format. New names go
 * to the end and make nothing unreadable that was written before; the first 75 take one byte, later ones two.
 */
export const KNOWN_NAMES: readonly string[] = [
  ..."run.scheduled run.started run.paused run.resumed run.heartbeat run.finished run.claimed".split(" "),
  ..."node.started node.checkpointed node.retried node.paused node.finished".split(" "),
  ..."agent.logged edge.taken edge.skipped".split(" "),
  ..."node_execution_id node_id node_type title index predecessor_node_id".split(" "),
  ..."iteration_id iteration_index loop_id loop_index parallel_id parallel_start_node_id".split(" "),
  ..."parent_parallel_id parent_parallel_start_node_id".split(" "),
  ..."status error elapsed_time execution_metadata total_tokens total_price currency".split(" "),
  ..."inputs process_data outputs graph data reasons".split(" "),
  ..."workflow_id workflow_version workflow_type triggered_from created_by created_by_role".split(" "),
  ..."parent_run_id parent_node_execution_id tags idle_timeout".split(" "),
  ..."total_steps exceptions_count retry_index reason sequence".split(" "),
  ..."log_id parent_log_id label metadata".split(" "),
  ..."edge_id source_node_id target_node_id source_handle".split(" "),
];

const NODE_TYPES = [
  ..."start end answer llm knowledge-retrieval if-else code template-transform question-classifier".split(" "),
  ..."http-request tool variable-aggregator loop iteration iteration-start loop-start loop-end".split(" "),
  ..."parameter-extractor assigner document-extractor list-operator agent".split(" "),
];

/**
 * Values that columns know before they are written. Part of the format like {@link KNOWN_NAMES}, but closed: the values
 * of an entry are counted from the end of these, so a longer list needs a new version.
 */
export const KNOWN_VALUES: Readonly<Record<string, readonly FieldValue[]>> = {
  epoch: [1],
  node_type: NODE_TYPES,
  status: ["succeeded", "failed", "exception", "stopped", "partial-succeeded"],
  workflow_type: ["workflow", "chat"],
  triggered_from: ["app-run", "debugging"],
  created_by_role: ["account", "end_user"],
  "execution_metadata.currency": [new JsonText('"USD"')],
};
