import { type ContainerKind, startOf } from "../fold/container-executions.ts";
import { containmentOf, type Placement } from "../fold/containment.ts";
import { compareText } from "../fold/member.ts";
import type { NodeState } from "../fold/node-fold.ts";
import { comparePositions } from "../fold/node-order.ts";
import type { RunState } from "../fold/run-fold.ts";

/** A round of a container that a node execution stands in. */
export interface Round {
  readonly kind: ContainerKind;
  readonly containerNodeId: string | undefined;
  readonly index: number | undefined;
}

/** The executions of one node in two runs: of the same node, in the same round, as often executed there before. */
export interface NodePair {
  readonly nodeId: string | undefined;
  /** From the outer round to the inner one. */
  readonly rounds: readonly Round[];
  /** The how manieth of the node in this place, from 1. */
  readonly occurrence: number;
  readonly run: NodeState | undefined;
  readonly other: NodeState | undefined;
}

/** Two runs side by side, as far as their nodes go. */
export interface RunDiff {
  /** In order of execution, that of the first run where both have one. */
  readonly pairs: readonly NodePair[];
  /** The first that ran in one of the two only; undefined: the same nodes ran in both. */
  readonly partsAt: NodePair | undefined;
}

interface Located {
  readonly node: NodeState;
  readonly name: string;
  readonly rounds: readonly Round[];
  readonly occurrence: number;
}

const nodeIdOf = (node: NodeState): string | undefined => {
  const id = node.fields.get("node_id");
  return typeof id === "string" ? id : undefined;
};

/** What has no start began, as far as anybody knows, when it ended. */
const beginOf = (node: NodeState): string => startOf(node) || (node.finishedAt ?? "~");

const inExecutionOrder = (nodes: readonly NodeState[]): NodeState[] =>
  nodes.toSorted((a, b) => compareText(beginOf(a), beginOf(b)) || comparePositions(a.position, b.position));

const depthOf = (node: NodeState, placements: ReadonlyMap<string, Placement>): number => {
  let depth = 0;
  let placement = placements.get(node.nodeExecutionId);
  for (; placement !== undefined; placement = placements.get(placement.container.nodeExecutionId)) depth++;
  return depth;
};

/** Each node execution with a name that the same one of another run shares. In order of execution. */
const locate = (nodes: readonly NodeState[]): Located[] => {
  const { placements } = containmentOf(nodes);
  const ordered = inExecutionOrder(nodes);
  const byDepth = Map.groupBy(ordered, (node) => depthOf(node, placements));
  const found = new Map<string, Located>();
  const counts = new Map<string, number>();
  for (const depth of [...byDepth.keys()].sort((a, b) => a - b)) {
    for (const node of byDepth.get(depth) ?? []) {
      const placement = placements.get(node.nodeExecutionId);
      const container = placement && found.get(placement.container.nodeExecutionId);
      const place = `${container === undefined ? "" : `${container.name}[${placement?.index ?? ""}]`}/${nodeIdOf(node) ?? ""}`;
      const occurrence = (counts.get(place) ?? 0) + 1;
      counts.set(place, occurrence);
      const round = placement && {
        kind: placement.kind,
        containerNodeId: nodeIdOf(placement.container),
        index: placement.index,
      };
      const rounds = [...(container?.rounds ?? []), ...(round === undefined ? [] : [round])];
      found.set(node.nodeExecutionId, { node, name: `${place}#${occurrence}`, rounds, occurrence });
    }
  }
  return ordered.flatMap((node) => found.get(node.nodeExecutionId) ?? []);
};

const pairOf = (run: Located | undefined, other: Located | undefined): NodePair[] => {
  const one = run ?? other;
  if (one === undefined) return [];
  const { node, rounds, occurrence } = one;
  return [{ nodeId: nodeIdOf(node), rounds, occurrence, run: run?.node, other: other?.node }];
};

/** Merges two orders: what ran in one only stands behind what ran before it there. */
const aligned = (run: readonly Located[], other: readonly Located[]): NodePair[] => {
  const [ofRun, ofOther] = [run, other].map((all) => new Map(all.map((one) => [one.name, one]))) as [
    Map<string, Located>,
    Map<string, Located>,
  ];
  const pairs: NodePair[] = [];
  const taken = new Set<string>();
  let at = 0;
  const takeAlone = (): void => {
    for (let next = other[at]; next !== undefined; next = other[++at]) {
      if (ofRun.has(next.name)) {
        if (!taken.has(next.name)) return;
      } else pairs.push(...pairOf(undefined, next));
    }
  };
  for (const one of run) {
    if (ofOther.has(one.name)) takeAlone();
    taken.add(one.name);
    pairs.push(...pairOf(one, ofOther.get(one.name)));
  }
  takeAlone();
  return pairs;
};

/**
 * Compares the nodes of two runs. Executions are matched by node id, by the rounds of the containers that they stand in,
 * and by occurrence there. Depends on nothing but the two states.
 */
export const diffRuns = (run: Pick<RunState, "nodes">, other: Pick<RunState, "nodes">): RunDiff => {
  const pairs = aligned(locate(run.nodes), locate(other.nodes));
  return { pairs, partsAt: pairs.find((pair) => pair.run === undefined || pair.other === undefined) };
};
