import { ERROR_HEAD, type FieldValue } from "../../contract/event.ts";
import type { Instant } from "../../contract/instant.ts";
import { JsonText } from "../../contract/json-text.ts";
import { MARKED, redactionMark } from "../../contract/redaction.ts";
import type { Member, MemberPayload } from "./member.ts";
import type { NodePosition } from "./node-order.ts";
import { isTerminal } from "./rank.ts";
import { foldSubject, type Subject } from "./subject.ts";

/** What a node execution reads (contract, section 1). */
export type NodeStatus = "running" | "retry" | "paused" | "succeeded" | "failed" | "exception" | "stopped";

/** A node execution as its events, and the fate of its run, make it. */
export interface NodeState {
  readonly nodeExecutionId: string;
  readonly status: NodeStatus;
  readonly error: FieldValue;
  readonly epoch: number;
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly payload: readonly MemberPayload[];
  readonly startedAt: Instant | undefined;
  readonly finishedAt: Instant | undefined;
  readonly elapsedTime: number | undefined;
  /** Its events by rank, stale ones left out: attempts are read from them. */
  readonly ranked: readonly Member[];
  readonly position: NodePosition;
}

/** What a node that never finished needs to know of its run. */
export interface RunFate {
  readonly status: string;
  readonly epoch: number;
  readonly error: FieldValue;
  /** An error that is kept with payload, because it is long, and its beginning. */
  readonly errorPayload: MemberPayload | undefined;
  readonly errorHead: FieldValue | undefined;
  readonly isErrorRedacted: boolean;
}

/** The error of a node that was still at work when its run ended or was claimed by another holder. */
export const INTERRUPTED = new JsonText(
  '{"code":"INTERRUPTED","message":"the run went on or ended without this node"}',
);

const ownStatus = (deciding: Member): NodeStatus => {
  if (deciding.type === "node.finished") return deciding.fields.get("status") as NodeStatus;
  if (deciding.type === "node.retried") return "retry";
  return deciding.type === "node.paused" ? "paused" : "running";
};

interface Fate {
  readonly status: NodeStatus;
  readonly error: FieldValue;
  readonly errorPayload?: MemberPayload | undefined;
  readonly errorHead?: FieldValue | undefined;
  readonly isErrorRedacted: boolean;
}

const ERROR_MARK = redactionMark("error");

const fateOf = (node: Subject, run: RunFate): Fate => {
  const status = ownStatus(node.deciding);
  const own = { status, error: node.fields.get("error") ?? null, isErrorRedacted: node.fields.has(ERROR_MARK) };
  const hasEnded = run.status === "stopped" || run.status === "succeeded" || run.status === "partial-succeeded";
  if (isTerminal(node.deciding)) return own;
  const isOfEarlierEpoch = node.deciding.epoch < run.epoch;
  if (hasEnded || (isOfEarlierEpoch && status !== "paused")) {
    return { status: "stopped", error: INTERRUPTED, isErrorRedacted: false };
  }
  if (run.status === "failed") {
    const { error, errorPayload, errorHead, isErrorRedacted } = run;
    return { status: "failed", error, errorPayload, errorHead, isErrorRedacted };
  }
  return own;
};

const withoutError = (node: Subject, fate: Fate): Pick<NodeState, "fields" | "payload"> => {
  const fields = new Map(node.fields);
  fields.delete("error");
  fields.delete(ERROR_MARK);
  if (fate.isErrorRedacted) fields.set(ERROR_MARK, MARKED);
  const isOwn = fate.error === (node.fields.get("error") ?? null) && fate.errorPayload === undefined;
  if (fate.errorHead !== undefined) fields.set(ERROR_HEAD, fate.errorHead);
  const payload = isOwn ? node.payload : node.payload.filter((value) => value.field !== "error");
  return { fields, payload: fate.errorPayload === undefined ? payload : [...payload, fate.errorPayload] };
};

/** Folds the events of one node execution. Undefined where all of them are stale. */
export const foldNode = (
  nodeExecutionId: string,
  members: readonly Member[],
  run: RunFate,
): Omit<NodeState, "position"> | undefined => {
  const node = foldSubject(members, "node.started");
  if (node === undefined) return undefined;
  const fate = fateOf(node, run);
  return {
    nodeExecutionId,
    status: fate.status,
    error: fate.error,
    epoch: node.deciding.epoch,
    ...withoutError(node, fate),
    startedAt: node.startedAt,
    finishedAt: node.finishedAt,
    elapsedTime: node.elapsedTime,
    ranked: node.ranked,
  };
};
