import { compareText } from "./member.ts";
import type { NodeState } from "./node-fold.ts";

/** What runs its children in rounds. */
export type ContainerKind = "iteration" | "loop";

/** That a node execution ran inside a container: known by the container's node id, and from its finish on by index. */
export interface Membership {
  readonly kind: ContainerKind;
  readonly containerNodeId: string;
  readonly index: number | undefined;
}

/** When an execution began; the smallest text where that is not known. */
export const startOf = (node: NodeState): string => node.startedAt ?? "";

const inTime = (nodes: readonly NodeState[]): NodeState[] =>
  nodes.toSorted((a, b) => compareText(startOf(a), startOf(b)) || compareText(a.nodeExecutionId, b.nodeExecutionId));

/** The position of the first execution that began after a moment. */
const firstAfter = (nodes: readonly NodeState[], moment: string): number => {
  let [low, high] = [0, nodes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(nodes[middle] as NodeState) <= moment) low = middle + 1;
    else high = middle;
  }
  return low;
};

const firstEqual = (nodes: readonly NodeState[], position: number): number => {
  const start = startOf(nodes[position] as NodeState);
  let first = position;
  while (first > 0 && startOf(nodes[first - 1] as NodeState) === start) first--;
  return first;
};

/** Of executions in order of time, the last that had begun when the child did; else the first. */
const nearest = (nodes: readonly NodeState[], child: NodeState): NodeState | undefined => {
  const isOfSameNode = nodes[0]?.fields.get("node_id") === child.fields.get("node_id");
  const others = isOfSameNode ? nodes.filter((node) => node !== child) : nodes;
  const end = child.startedAt === undefined ? others.length : firstAfter(others, child.startedAt);
  const last = others[Math.max(0, end - 1)];
  // Of those that began together the smallest id.
  return last && others[end === 0 ? 0 : firstEqual(others, end - 1)];
};

const other = (memberships: readonly Membership[], kind: ContainerKind): Membership | undefined =>
  memberships.find((membership) => membership.kind !== kind);

/**
 * The executions of one container node, to find a child's among them. Two executions of one container in one run are
 * told apart by the round of the other container that they themselves run in, then by time.
 */
export class ContainerExecutions {
  private readonly kind: ContainerKind;
  private readonly all: readonly NodeState[];
  private readonly outer: ReadonlyMap<NodeState, Membership | undefined>;
  private readonly byRound: ReadonlyMap<string, readonly NodeState[]>;
  private readonly outsideOf = new Map<string, readonly NodeState[]>();

  constructor(
    kind: ContainerKind,
    executions: readonly NodeState[],
    membershipsOf: (node: NodeState) => readonly Membership[],
  ) {
    this.kind = kind;
    this.all = inTime(executions);
    this.outer = new Map(this.all.map((node) => [node, other(membershipsOf(node), kind)]));
    this.byRound = Map.groupBy(this.all, (node) => {
      const round = this.outer.get(node);
      return round?.index === undefined ? "" : `${round.containerNodeId}#${round.index}`;
    });
  }

  /** Executions that are not known to run in a round of that container. */
  private withoutRoundOf(containerNodeId: string): readonly NodeState[] {
    const known = this.outsideOf.get(containerNodeId);
    if (known !== undefined) return known;
    const found = this.all.filter((node) => {
      const round = this.outer.get(node);
      return round?.index === undefined || round.containerNodeId !== containerNodeId;
    });
    this.outsideOf.set(containerNodeId, found);
    return found;
  }

  /** The execution that a child with these memberships ran in. */
  find(child: NodeState, memberships: readonly Membership[]): NodeState | undefined {
    const round = other(memberships, this.kind);
    if (round?.index === undefined) return nearest(this.all, child);
    return (
      nearest(this.byRound.get(`${round.containerNodeId}#${round.index}`) ?? [], child) ??
      nearest(this.withoutRoundOf(round.containerNodeId), child) ??
      nearest(this.all, child)
    );
  }
}
