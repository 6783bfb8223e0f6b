import { ERROR_HEAD, type FieldValue } from "../../contract/event.ts";
import type { Instant } from "../../contract/instant.ts";
import { attemptsOf } from "../fold/attempts.ts";
import { containmentOf, type Placement } from "../fold/containment.ts";
import { compareText, type MemberPayload } from "../fold/member.ts";
import type { NodeState } from "../fold/node-fold.ts";
import { isTerminal } from "../fold/rank.ts";
import type { RunState } from "../fold/run-fold.ts";
import { type ErrorFingerprint, errorFingerprint, errorWords } from "./error-fingerprint.ts";

/** A node execution that failed, and what it says about it. */
export interface NodeFailure {
  readonly nodeExecutionId: string;
  readonly nodeId: string | undefined;
  readonly nodeType: string | undefined;
  readonly title: string | undefined;
  readonly epoch: number;
  /** When it failed: where it never ended, when its run did. */
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

/** What of a run tells which of its nodes failed. */
export type FailingRun = Pick<RunState, "nodes" | "epoch" | "finishedAt" | "deciding">;

/** A node execution that failed, and when: at its own end, else at its run's. */
export interface FailedNode {
  readonly node: NodeState;
  readonly failedAt: Instant;
}

const hasEnd = ({ ranked: [deciding] }: NodeState): boolean => deciding !== undefined && isTerminal(deciding);

/** It failed by its own end. */
const hasFailed = (node: NodeState): boolean => node.status === "failed" && hasEnd(node);

/** It never ended, and reads failed because its run failed or was lost. */
const wasInterrupted = (node: NodeState): boolean => node.status === "failed" && !hasEnd(node);

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

/** Those that failed by themselves, of those that failed. */
const failedAlone = (failed: readonly NodeState[], { nodes }: FailingRun): readonly NodeState[] => {
  if (failed.length < 2) return failed;
  const others = failedByOthers(failed, containmentOf(nodes).placements);
  return failed.filter((node) => !others.has(node));
};

/** The moment of the last failure in the run's latest epoch: those before its claim were overcome. */
const lastFailure = (failed: readonly NodeState[], { epoch }: FailingRun): Instant | undefined =>
  failed
    .filter((node) => node.epoch >= epoch)
    .map(({ finishedAt }) => finishedAt as Instant)
    .sort(compareText)
    .at(-1);

/**
 * Those at work when their run failed or was lost, without what stands around them. What a failed node took with it is
 * left out: all of them where its engine ended the run; in a run that was lost, those that had begun before it failed.
 */
const interruptedNodes = (run: FailingRun, failedAt: Instant | undefined): NodeState[] => {
  const wasLost = run.deciding?.actor === "service";
  const isTaken = ({ startedAt = "" as Instant }: NodeState): boolean =>
    failedAt !== undefined && !(wasLost && compareText(startedAt, failedAt) > 0);
  const found = run.nodes.filter((node) => wasInterrupted(node) && !isTaken(node));
  if (found.length < 2) return found;
  const { placements } = containmentOf(run.nodes);
  const around = new Set(found.flatMap((node) => [...containersOf(node, placements)]));
  return found.filter((node) => !around.has(node));
};

/**
 * The node executions of a run that failed, in the order of their ends. Those that failed and then succeeded on another
 * try are none, nor is an `exception` (its workflow goes on as its author has planned), nor a container whose failure is
 * only that of a node in it. Where the run failed or was lost and no node's failure tells why, they are those that it
 * left unfinished, as of the run's end.
 */
export const failedNodes = (run: FailingRun): FailedNode[] => {
  const failed = run.nodes.filter(hasFailed);
  const interrupted = interruptedNodes(run, lastFailure(failed, run));
  return [
    ...failedAlone(failed, run).map((node) => ({ node, failedAt: node.finishedAt as Instant })),
    ...interrupted.map((node) => ({ node, failedAt: run.finishedAt as Instant })),
  ].sort((a, b) => compareText(a.failedAt, b.failedAt) || compareText(a.node.nodeExecutionId, b.node.nodeExecutionId));
};

/** A failed node execution with its error, which is its short one where the whole is not at hand. */
export const failureOf = (
  { node, failedAt }: FailedNode,
  error: FieldValue | undefined = shortErrorOf(node),
): NodeFailure => {
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
    finishedAt: failedAt,
    elapsedTime: node.elapsedTime,
    attempts: attemptsOf(node).length,
    error: oneLine(error),
    fingerprint: errorFingerprint(error),
  };
};
