import { compareText } from "./member.ts";
import type { NodeState } from "./node-fold.ts";

/** Where a node execution stands among its run's: `index` (none: last), start (none: last), id. */
export type NodePosition = readonly [index: number | null, startedAt: string, id: string];

const NO_START = "~";

export const positionOf = (node: NodeState): NodePosition => {
  const index = node.fields.get("index");
  return [typeof index === "number" ? index : null, node.startedAt ?? NO_START, node.nodeExecutionId];
};

/** The order that nodes are shown in. Total: no two nodes share a position. */
export const compareNodes = (a: NodePosition, b: NodePosition): number => {
  const [left, right] = [a[0] ?? Number.POSITIVE_INFINITY, b[0] ?? Number.POSITIVE_INFINITY];
  return (left === right ? 0 : left - right) || compareText(a[1], b[1]) || compareText(a[2], b[2]);
};
