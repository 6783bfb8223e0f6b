import { JsonText } from "../../contract/json-text.ts";
import { ContainerExecutions, type ContainerKind, type Membership, startOf } from "./container-executions.ts";
import type { NodeState } from "./node-fold.ts";

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
  const ofNode = (node: NodeState): Membership[] => memberships.get(node.nodeExecutionId) ?? [];
  const executions = new Map<string, ContainerExecutions>();
  const executionsOf = ({ kind, containerNodeId }: Membership): ContainerExecutions => {
    const name = `${kind}#${containerNodeId}`;
    const found = executions.get(name) ?? new ContainerExecutions(kind, byNodeId.get(containerNodeId) ?? [], ofNode);
    executions.set(name, found);
    return found;
  };
  const placements = new Map<string, Placement>();
  const contained = nodes.filter((node) => ofNode(node).length > 0);
  for (const node of contained) {
    const found = ofNode(node).flatMap((membership) => {
      const container = executionsOf(membership).find(node, ofNode(node));
      return container === undefined ? [] : [{ kind: membership.kind, container, index: membership.index }];
    });
    const placement = innermost(found, memberships);
    if (placement !== undefined) placements.set(node.nodeExecutionId, placement);
  }
  withoutCycles(contained, placements);
  const unplaced = contained.filter((node) => !placements.has(node.nodeExecutionId));
  return { placements, unplaced: new Set(unplaced.map((node) => node.nodeExecutionId)) };
};
