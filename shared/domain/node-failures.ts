import { ERROR_HEAD, type FieldValue } from "../contract/event.ts";
import type { Instant } from "../contract/instant.ts";
import { attemptsOf } from "./attempts.ts";
import { containmentOf, type Placement } from "./containment.ts";
import { type ErrorFingerprint, errorFingerprint, errorWords } from "./error-fingerprint.ts";
import { compareText, type MemberPayload } from "./member.ts";
import type { NodeState } from "./node-fold.ts";
import { isTerminal } from "./rank.ts";

/** A node execution that failed, and what it says about it. */
export interface NodeFailure {
  readonly nodeExecutionId: string;
  readonly nodeId: string | undefined;
  readonly nodeType: string | undefined;
  readonly title: string | undefined;
  readonly epoch: number;
  readonly finishedAt: Instant;
  /** Seconds. */
  readonly elapsedTime: number | undefined;
  /** How often it was tried, the last time included. */
  readonly attempts: number;
  /** What the error says, in one line; empty where there is none. */
  readonly error: string;
  readonly fingerprint: ErrorFingerprint;
}

/** An error that is kept with payload, because it is long. */
export const longErrorOf = (node: Pick<NodeState, "payload">): MemberPayload | undefined =>
  node.payload.find(({ field, isLongField }) => isLongField && field === "error");

/** The error that small fields hold; of a long one its beginning. */
export const shortErrorOf = (node: Pick<NodeState, "error" | "fields" | "payload">): FieldValue =>
  longErrorOf(node) === undefined ? node.error : (node.fields.get(ERROR_HEAD) ?? null);

/** It failed by its own end. What never finished, in a run that failed or was lost, did not fail by itself. */
const hasFailed = (node: NodeState): boolean =>
  node.status === "failed" && node.ranked[0] !== undefined && isTerminal(node.ranked[0]);

const oneLine = (error: FieldValue | undefined): string => errorWords(error).replace(/\s+/g, " ").trim();

/** Of what a child says, so much is looked for in what its container says: the container's text may be cut. */
const TELLING_CHARACTERS = 100;

/** The containers that a node execution stands in, from the inner to the outer ones. */
function* containersOf(node: NodeState, placements: ReadonlyMap<string, Placement>): Generator<NodeState> {
  let placement = placements.get(node.nodeExecutionId);
  while (placement !== undefined) {
    yield placement.container;
    placement = placements.get(placement.container.nodeExecutionId);
  }
}

/** Containers that failed because of a node in them: they say nothing, or say again what that node says. */
const failedByOthers = (failed: readonly NodeState[], placements: ReadonlyMap<string, Placement>): Set<NodeState> => {
  const words = new Map(failed.map((node) => [node, oneLine(shortErrorOf(node))]));
  const found = new Set<NodeState>();
  for (const node of failed) {
    const said = (words.get(node) ?? "").slice(0, TELLING_CHARACTERS);
    for (const container of containersOf(node, placements)) {
      const own = words.get(container);
      if (own === "" || (own !== undefined && said !== "" && own.includes(said))) found.add(container);
    }
  }
  return found;
};

/**
 * The node executions of a run that failed, in the order of their ends. Those that failed and then succeeded on another
 * try are none, nor is an `exception` (its workflow goes on as its author has planned), nor a container whose failure is
 * only that of a node in it. `nodes` come in display order.
 */
export const failedNodes = (nodes: readonly NodeState[]): NodeState[] => {
  const failed = nodes.filter(hasFailed);
  if (failed.length === 0) return [];
  const others = failed.length === 1 ? new Set() : failedByOthers(failed, containmentOf(nodes).placements);
  return failed
    .filter((node) => !others.has(node))
    .sort(
      (a, b) =>
        compareText(a.finishedAt ?? "", b.finishedAt ?? "") || compareText(a.nodeExecutionId, b.nodeExecutionId),
    );
};

/** A failed node execution with its error, which is its short one where the whole is not at hand. */
export const failureOf = (node: NodeState, error: FieldValue | undefined = shortErrorOf(node)): NodeFailure => {
  const word = (name: string): string | undefined => {
    const value = node.fields.get(name);
    return typeof value === "string" ? value : undefined;
  };
  return {
    nodeExecutionId: node.nodeExecutionId,
    nodeId: word("node_id"),
    nodeType: word("node_type"),
    title: word("title"),
    epoch: node.epoch,
    finishedAt: node.finishedAt as Instant,
    elapsedTime: node.elapsedTime,
    attempts: attemptsOf(node).length,
    error: oneLine(error),
    fingerprint: errorFingerprint(error),
  };
};
