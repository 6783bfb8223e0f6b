import type { FieldValue } from "../../contract/event.ts";
import { secondsBetween } from "../../contract/instant.ts";
import { JsonText } from "../../contract/json-text.ts";
import { type Attempt, attemptsOf } from "./attempts.ts";
import type { ContainerKind } from "./container-executions.ts";
import { type Containment, containmentOf, type Placement } from "./containment.ts";
import { compareText, type MemberPayload } from "./member.ts";
import type { NodeState, NodeStatus } from "./node-fold.ts";

/** An error as its node has it: small, or long and kept with payload, or neither. */
export interface TraceError {
  readonly value: FieldValue;
  readonly payload: MemberPayload | undefined;
}

/** One round of an iteration or loop. */
export interface TraceGroup {
  readonly index: number;
  readonly status: NodeStatus;
  readonly elapsedTime: number | undefined;
  readonly error: TraceError;
  readonly nodes: readonly TraceNode[];
}

/** A node execution with its place in the tree. */
export interface TraceNode {
  readonly node: NodeState;
  /** With the fate of its children: a container one of whose children failed reads failed. */
  readonly status: NodeStatus;
  readonly error: TraceError;
  readonly isUnplaced: boolean;
  readonly retries: readonly Attempt[];
  readonly kind: ContainerKind | undefined;
  readonly groups: readonly TraceGroup[];
}

interface Child {
  readonly node: NodeState;
  readonly placement: Placement;
}

/** A child without an index goes with the last group, or a new one where that group already holds the same node. */
const grouped = (children: readonly Child[]): Map<number, NodeState[]> => {
  const groups = new Map<number, NodeState[]>();
  const add = (index: number, node: NodeState): void => {
    const group = groups.get(index);
    if (group === undefined) groups.set(index, [node]);
    else group.push(node);
  };
  let last = 0;
  for (const { node, placement } of children) {
    if (placement.index === undefined) continue;
    last = Math.max(last, placement.index);
    add(placement.index, node);
  }
  for (const { node, placement } of children) {
    if (placement.index !== undefined) continue;
    const nodeId = node.fields.get("node_id");
    if (groups.get(last)?.some((other) => other.fields.get("node_id") === nodeId)) last++;
    add(last, node);
  }
  return groups;
};

const OPEN_FIRST: readonly NodeStatus[] = ["running", "retry", "paused", "stopped"];

const statusOfGroup = (nodes: readonly TraceNode[]): NodeStatus => {
  if (nodes.some((node) => node.status === "failed")) return "failed";
  return OPEN_FIRST.find((status) => nodes.some((node) => node.status === status)) ?? "succeeded";
};

/** Dify measures each round of a container: `{"0": 1.2}` under `iteration_duration_map` or `loop_duration_map`. */
const measuredSeconds = (container: NodeState, kind: ContainerKind, index: number): number | undefined => {
  const metadata = container.fields.get("execution_metadata");
  const text =
    metadata instanceof Map ? (metadata as ReadonlyMap<string, FieldValue>).get(`${kind}_duration_map`) : undefined;
  const durations: unknown = text instanceof JsonText ? JSON.parse(text.text) : undefined;
  if (typeof durations !== "object" || durations === null) return undefined;
  const seconds = (durations as Record<string, unknown>)[String(index)];
  return typeof seconds === "number" ? seconds : undefined;
};

const elapsedOf = (nodes: readonly TraceNode[]): number | undefined => {
  const starts = nodes.flatMap(({ node }) => node.startedAt ?? []).sort(compareText);
  const ends = nodes.flatMap(({ node }) => node.finishedAt ?? []).sort(compareText);
  const [start, end] = [starts[0], ends.at(-1)];
  return start === undefined || end === undefined || ends.length < nodes.length
    ? undefined
    : secondsBetween(start, end);
};

const retriesOf = (node: NodeState): Attempt[] => {
  const attempts = attemptsOf(node);
  const outcome = node.finishedAt === undefined ? undefined : attempts.at(-1);
  return attempts.filter((a) => a !== outcome && a.status === "failed" && a.finishedAt !== undefined);
};

const NO_ERROR: TraceError = { value: null, payload: undefined };

const errorOf = (node: NodeState): TraceError => ({
  value: node.error,
  payload: node.payload.find(({ field, isLongField }) => isLongField && field === "error"),
});

/** The error of the first that failed, where it gives one. */
const firstError = (failed: { readonly error: TraceError } | undefined, otherwise: TraceError): TraceError =>
  failed === undefined || (failed.error.value === null && failed.error.payload === undefined)
    ? otherwise
    : failed.error;

const treeOf = (children: ReadonlyMap<string, Child[]>, containment: Containment) => {
  const build = (node: NodeState): TraceNode => {
    const own = children.get(node.nodeExecutionId) ?? [];
    const kind = own[0]?.placement.kind;
    const groups = [...grouped(own)]
      .sort(([a], [b]) => a - b)
      .map(([index, members]): TraceGroup => {
        const nodes = members.map(build);
        const failed = nodes.find((member) => member.status === "failed");
        const elapsedTime = (kind && measuredSeconds(node, kind, index)) ?? elapsedOf(nodes);
        return { index, status: statusOfGroup(nodes), elapsedTime, error: firstError(failed, NO_ERROR), nodes };
      });
    const failed = groups.find((group) => group.status === "failed");
    return {
      node,
      status: failed === undefined ? node.status : "failed",
      error: firstError(failed, errorOf(node)),
      isUnplaced: containment.unplaced.has(node.nodeExecutionId),
      retries: retriesOf(node),
      kind,
      groups,
    };
  };
  return build;
};

/**
 * The execution tree of a run: every node execution once, in its container's round, or at top level. `nodes` come in
 * display order, and siblings keep it.
 */
export const traceOf = (nodes: readonly NodeState[]): TraceNode[] => {
  const containment = containmentOf(nodes);
  const contained = nodes.flatMap((node): Child[] => {
    const placement = containment.placements.get(node.nodeExecutionId);
    return placement === undefined ? [] : [{ node, placement }];
  });
  const children = Map.groupBy(contained, ({ placement }) => placement.container.nodeExecutionId);
  return nodes.filter((node) => !containment.placements.has(node.nodeExecutionId)).map(treeOf(children, containment));
};

/** A node of a trace, and the round it stands in, if any. */
export interface PlacedNode {
  readonly node: TraceNode;
  readonly group: TraceGroup | undefined;
}

/** Every node of a trace, each before what is below it. */
export const flattened = (trace: readonly TraceNode[]): PlacedNode[] => {
  const found: PlacedNode[] = [];
  const waiting: PlacedNode[] = trace.toReversed().map((node) => ({ node, group: undefined }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    found.push(next);
    for (const group of next.node.groups.toReversed()) {
      for (const node of group.nodes.toReversed()) waiting.push({ node, group });
    }
  }
  return found;
};

/** The trace with only these nodes and the containers that they stand in. What is said of a container stays. */
export const prunedTo = (trace: readonly TraceNode[], kept: ReadonlySet<TraceNode>): TraceNode[] =>
  trace.flatMap((node) => {
    const groups = node.groups
      .map((group) => ({ ...group, nodes: prunedTo(group.nodes, kept) }))
      .filter((group) => group.nodes.length > 0);
    return groups.length > 0 || kept.has(node) ? [{ ...node, groups }] : [];
  });
