import { showInstant } from "../../contract/instant.ts";
import type { JsonOutput } from "../../contract/json-text.ts";
import type { FailureGroup } from "../../domain/failures/failure-groups.ts";
import { shownRowText } from "../../domain/row-text.ts";
import type { FailureRow } from "../../ports/failure-store.ts";

type Shown = Readonly<Record<string, JsonOutput>>;

const kept = (text: string | undefined): string | null => (text === undefined ? null : shownRowText(text));

/** What is told of the node that failed. */
const presentNode = ({ nodeId, nodeType, title }: FailureRow): Shown => ({
  node_id: nodeId ?? null,
  node_type: kept(nodeType),
  title: title ?? null,
});

/** A failed node execution as lists show it. */
export const presentFailure = (row: FailureRow): Shown => ({
  node_execution_id: row.nodeExecutionId,
  ...presentNode(row),
  run_id: row.runId,
  run_status: row.runStatus,
  workflow_version: kept(row.workflowVersion),
  epoch: row.epoch,
  finished_at: showInstant(row.finishedAt),
  elapsed_time: row.elapsedTime ?? null,
  attempts_count: row.attempts,
  error: row.error,
  fingerprint: row.fingerprint,
});

/** Failures of a kind: how many, of how many runs, since when, and the last of them. */
export const presentFailureGroup = (group: FailureGroup<FailureRow>): Shown => {
  const { last } = group;
  return {
    fingerprint: last.fingerprint,
    fingerprint_text: group.fingerprintText,
    ...presentNode(last),
    error: last.error,
    count: group.count,
    runs: group.runs,
    first_at: showInstant(group.firstAt),
    last_at: showInstant(last.finishedAt),
    last_run_id: last.runId,
    last_node_execution_id: last.nodeExecutionId,
  };
};
