import { JsonText } from "../contract/json-text.ts";
import { compareText } from "./member.ts";
import type { NodeState } from "./node-fold.ts";

export type ContainerKind = "iteration" | "loop";

/** That a node execution ran inside a container: known by the container's node id, and from its finish on by index. */
interface Membership {
  readonly kind: ContainerKind;
  readonly containerNodeId: string;
  readonly index: number | undefined;
}

/** Where a node execution stands in the tree. */
export interface Placement {
  readonly kind: ContainerKind;
  readonly container: NodeState;
  readonly index: number | undefined;
}

/** Engines give an index as a field, or as a key of `execution_metadata` at the end. */
const textOrNumber = (node: NodeState, name: string): string | number | undefined => {
  const field = node.fields.get(name);
  if (typeof field === "string" || typeof field === "number") return field;
  const metadata = node.fields.get("execution_metadata");
  const text = metadata instanceof Map ? (metadata as ReadonlyMap<string, JsonText>).get(name) : undefined;
  const value: unknown = text instanceof JsonText ? JSON.parse(text.text) : undefined;
  return typeof value === "string" || typeof value === "number" ? value : undefined;
};

const membershipsOf = (node: NodeState): Membership[] =>
  (["iteration", "loop"] as const).flatMap((kind) => {
    const containerNodeId = textOrNumber(node, `${kind}_id`);
    const index = textOrNumber(node, `${kind}_index`);
    if (typeof containerNodeId !== "string" || containerNodeId === "") return [];
    return [{ kind, containerNodeId, index: typeof index === "number" && index >= 0 ? Math.floor(index) : undefined }];
  });

/** Two executions of one container in one run are told apart by what they themselves run in, then by time. */
const fits = (container: readonly Membership[], child: readonly Membership[]): number => {
  let agreed = 0;
  for (const outer of container) {
    const same = child.find((other) => other.kind === outer.kind && other.containerNodeId === outer.containerNodeId);
    if (same?.index === undefined || outer.index === undefined) continue;
    if (same.index !== outer.index) return -1;
    agreed++;
  }
  return agreed;
};

const startOf = (node: NodeState): string => node.startedAt ?? "";

const compareCandidates =
  (child: NodeState, memberships: ReadonlyMap<string, Membership[]>) =>
  (a: NodeState, b: NodeState): number => {
    const agreement = (node: NodeState) =>
      fits(memberships.get(node.nodeExecutionId) ?? [], memberships.get(child.nodeExecutionId) ?? []);
    const isBefore = (node: NodeState) => Number(child.startedAt === undefined || startOf(node) <= startOf(child));
    const byTime = isBefore(a) === 1 ? compareText(startOf(b), startOf(a)) : compareText(startOf(a), startOf(b));
    return (
      agreement(b) - agreement(a) ||
      isBefore(b) - isBefore(a) ||
      byTime ||
      compareText(a.nodeExecutionId, b.nodeExecutionId)
    );
  };

/** Of two containers that hold the same node, the inner one runs in the other. */
const innermost = (
  placements: readonly Placement[],
  memberships: ReadonlyMap<string, Membership[]>,
): Placement | undefined => {
  const [first, second] = placements;
  if (first === undefined || second === undefined) return first;
  const runsIn = (inner: Placement, outer: Placement): boolean =>
    (memberships.get(inner.container.nodeExecutionId) ?? []).some(
      (membership) => membership.containerNodeId === outer.container.fields.get("node_id"),
    );
  if (runsIn(second, first)) return second;
  if (runsIn(first, second)) return first;
  return startOf(first.container) > startOf(second.container) ? first : second;
};

/** Nesting deeper than this is no engine's: what lies below stands at top level. */
const DEEPEST = 50;

const withoutCycles = (nodes: readonly NodeState[], placements: Map<string, Placement>): void => {
  for (const node of nodes) {
    let above = placements.get(node.nodeExecutionId);
    for (let depth = 1; above !== undefined; depth++) {
      if (above.container.nodeExecutionId === node.nodeExecutionId || depth > DEEPEST) {
        placements.delete(node.nodeExecutionId);
        break;
      }
      above = placements.get(above.container.nodeExecutionId);
    }
  }
};

/** What is known of the nodes' places: who has one, and who should have one but cannot be placed. */
export interface Containment {
  readonly placements: ReadonlyMap<string, Placement>;
  readonly unplaced: ReadonlySet<string>;
}

/** Finds the container execution that each node execution ran in. `nodes` come in display order. */
export const containmentOf = (nodes: readonly NodeState[]): Containment => {
  const byNodeId = Map.groupBy(nodes, (node) => node.fields.get("node_id"));
  const memberships = new Map(nodes.map((node) => [node.nodeExecutionId, membershipsOf(node)]));
  const placements = new Map<string, Placement>();
  const contained = nodes.filter((node) => (memberships.get(node.nodeExecutionId) ?? []).length > 0);
  for (const node of contained) {
    const found = (memberships.get(node.nodeExecutionId) ?? []).flatMap(({ kind, containerNodeId, index }) => {
      const compare = compareCandidates(node, memberships);
      const container = (byNodeId.get(containerNodeId) ?? [])
        .filter((candidate) => candidate !== node)
        .reduce<NodeState | undefined>((best, next) => (best && compare(best, next) <= 0 ? best : next), undefined);
      return container === undefined ? [] : [{ kind, container, index }];
    });
    const placement = innermost(found, memberships);
    if (placement !== undefined) placements.set(node.nodeExecutionId, placement);
  }
  withoutCycles(contained, placements);
  const unplaced = contained.filter((node) => !placements.has(node.nodeExecutionId));
  return { placements, unplaced: new Set(unplaced.map((node) => node.nodeExecutionId)) };
};
