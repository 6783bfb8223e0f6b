import { compareText } from "./member.ts";
import type { NodeState } from "./node-fold.ts";

/** Where a node execution stands among its run's: `index` (none: last), start (none: last), id. */
export type NodePosition = readonly [index: number | null, startedAt: string, id: string];

const NO_START = "~";

type Unplaced = Omit<NodeState, "position">;

const startOf = (node: Unplaced): string => node.startedAt ?? NO_START;

const indexOf = (node: Unplaced): number | undefined => {
  const index = node.fields.get("index");
  return typeof index === "number" ? index : undefined;
};

/** Nodes of one container are siblings; so are those of none. */
const familyOf = (node: Unplaced): string =>
  `${String(node.fields.get("iteration_id"))}\n${String(node.fields.get("loop_id"))}`;

/** Some engines number all nodes but containers. Such a node stands behind the siblings that began before it. */
const withIndexes = (family: readonly Unplaced[]): NodeState[] => {
  const byStart = [...family].sort(
    (a, b) =>
      compareText(startOf(a), startOf(b)) || Number(indexOf(a) === undefined) - Number(indexOf(b) === undefined),
  );
  const isNumbered = byStart.some((node) => indexOf(node) !== undefined);
  let latest = 0;
  return byStart.map((node) => {
    const index = indexOf(node);
    latest = Math.max(latest, index ?? 0);
    const place = index ?? (isNumbered && node.startedAt !== undefined ? latest + 0.5 : null);
    return { ...node, position: [place, startOf(node), node.nodeExecutionId] };
  });
};

/** The order that nodes are shown in. Total: no two nodes share a position. */
export const comparePositions = (a: NodePosition, b: NodePosition): number => {
  const [left, right] = [a[0] ?? Number.POSITIVE_INFINITY, b[0] ?? Number.POSITIVE_INFINITY];
  return (left === right ? 0 : left - right) || compareText(a[1], b[1]) || compareText(a[2], b[2]);
};

/** Node executions in the order of `index`, then start, then id. */
export const inOrder = (nodes: readonly Unplaced[]): NodeState[] =>
  [...Map.groupBy(nodes, familyOf).values()]
    .flatMap(withIndexes)
    .sort((a, b) => comparePositions(a.position, b.position));
