import { textOf } from "./frame.ts";
import { type Found, found, guessed, type Mapping } from "./mapping.ts";
import { measuredStart } from "./memory.ts";
import { isUnixTime } from "./unix-time.ts";

/** The container's execution: `<node_id>:<start>`. Dify's later frames carry their own time, not the container's start. */
const containerOf = ({ frame, kind, runId, memory }: Mapping): Found<string> => {
  const { node_id: nodeId, created_at: createdAt, finished_at: finishedAt } = frame.values;
  const isStart = kind.type === "node.started";
  const saysStart = isUnixTime(createdAt) && isUnixTime(finishedAt) && finishedAt - createdAt > 1;
  if (isStart || saysStart) return found(`${nodeId}:${createdAt}`);
  const remembered = memory.container(runId, frame);
  if (remembered !== undefined) return found(remembered.nodeExecutionId);
  const measured = measuredStart(frame.values);
  return guessed(`${nodeId}:${measured === undefined ? createdAt : Math.round(measured)}`);
};

/** The node execution that a frame speaks of; undefined for one that speaks of the run, or names none. */
export const executionOf = (mapping: Mapping): Found<string | undefined> => {
  const { frame, kind, runId, memory } = mapping;
  const nodeId = textOf(frame.values["node_id"]);
  switch (kind.subject) {
    case "container":
      return containerOf(mapping);
    case "latest": {
      const latest = memory.latest(runId, nodeId ?? "");
      return latest === undefined ? guessed(nodeId) : found(latest.nodeExecutionId);
    }
    case "own":
      return found(textOf(frame.values["id"]));
    case "log":
      return found(textOf(frame.values["node_execution_id"]));
    case "none":
      return found(undefined);
  }
};
