import { type DifyFrame, textOf } from "./frame.ts";
import { isUnixTime } from "./unix-time.ts";

/** A node execution that the ledger knows from earlier pieces of a stream. `startedAt` is in seconds since 1970. */
export interface KnownNode {
  readonly runId: string;
  readonly nodeId: string;
  readonly nodeExecutionId: string;
  readonly startedAt: number;
}

/**
 * What the ledger knew before a stream, and the stream said before a frame. Frames rely on it that do not say
 * everything: a container's later frames, agent logs, forms.
 */
export interface StreamMemory {
  remember(node: KnownNode): void;
  rememberTime(runId: string, seconds: number): void;
  rememberResumption(runId: string, seconds: number): void;
  /** The latest execution of a node. */
  latest(runId: string, nodeId: string): KnownNode | undefined;
  execution(runId: string, nodeExecutionId: string): KnownNode | undefined;
  /** The container's execution that a frame belongs to. */
  container(runId: string, frame: DifyFrame): KnownNode | undefined;
  /** The time of the last frame that had one, in seconds. */
  lastTime(runId: string): number | undefined;
  lastResumption(runId: string): number | undefined;
}

const keyOf = (runId: string, id: string): string => `${runId} ${id}`;

type Values = Readonly<Record<string, unknown>>;

/** When the container of an end frame began, measured back from its end. */
export const measuredStart = ({ finished_at, elapsed_time }: Values): number | undefined =>
  isUnixTime(finished_at) && isUnixTime(elapsed_time) ? Math.max(0, finished_at - elapsed_time) : undefined;

/** The one whose start is nearest to a time; of equally near ones the later. */
const nearest = (nodes: readonly KnownNode[], seconds: number): KnownNode | undefined => {
  const distance = (node: KnownNode) => Math.abs(node.startedAt - seconds);
  return nodes.toSorted((a, b) => distance(a) - distance(b) || b.startedAt - a.startedAt)[0];
};

/** A memory that begins with what the ledger knows. */
export const streamMemory = (known: readonly KnownNode[]): StreamMemory => {
  const byNode = new Map<string, KnownNode[]>();
  const byExecution = new Map<string, KnownNode>();
  const times = new Map<string, number>();
  const resumptions = new Map<string, number>();

  const remember = (node: KnownNode): void => {
    const executionKey = keyOf(node.runId, node.nodeExecutionId);
    if (byExecution.has(executionKey)) return;
    byExecution.set(executionKey, node);
    const nodeKey = keyOf(node.runId, node.nodeId);
    const executions = byNode.get(nodeKey);
    if (executions === undefined) byNode.set(nodeKey, [node]);
    else executions.push(node);
  };
  for (const node of known.toSorted((a, b) => a.startedAt - b.startedAt)) remember(node);

  return {
    remember,
    rememberTime: (runId, seconds) => times.set(runId, seconds),
    rememberResumption: (runId, seconds) => resumptions.set(runId, seconds),
    latest: (runId, nodeId) => byNode.get(keyOf(runId, nodeId))?.at(-1),
    execution: (runId, nodeExecutionId) => byExecution.get(keyOf(runId, nodeExecutionId)),
    container: (runId, { values }) => {
      const spokenAt = [values["finished_at"], values["created_at"]].find(isUnixTime) ?? 0;
      const executions = byNode.get(keyOf(runId, textOf(values["node_id"]) ?? "")) ?? [];
      const begun = executions.filter((node) => Math.floor(node.startedAt) <= spokenAt);
      return nearest(begun, measuredStart(values) ?? spokenAt);
    },
    lastTime: (runId) => times.get(runId),
    lastResumption: (runId) => resumptions.get(runId),
  };
};
