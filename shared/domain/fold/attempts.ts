import type { FieldValue } from "../../contract/event.ts";
import { type Instant, secondsBetween } from "../../contract/instant.ts";
import { redactedAmong } from "../../contract/redaction.ts";
import { compareText, type Member, type MemberPayload } from "./member.ts";
import { INTERRUPTED, type NodeState } from "./node-fold.ts";
import { isTerminal } from "./rank.ts";
import { numberOf } from "./subject.ts";

/** One try of a node execution: known by node execution, epoch and number. */
export interface Attempt {
  readonly epoch: number;
  readonly number: number;
  readonly status: NodeState["status"];
  readonly error: FieldValue;
  readonly startedAt: Instant | undefined;
  readonly finishedAt: Instant | undefined;
  readonly elapsedTime: number | undefined;
  readonly payload: readonly MemberPayload[];
  readonly metadata: FieldValue;
  /** Its fields that are not as they came, in order. */
  readonly redacted: readonly string[];
}

const ended = (event: Member, of: { number: number; startedAt: Instant | undefined }): Attempt => {
  const measured = of.startedAt === undefined ? undefined : secondsBetween(of.startedAt, event.at);
  return {
    epoch: event.epoch,
    number: of.number,
    status: isTerminal(event) ? (event.fields.get("status") as Attempt["status"]) : "failed",
    error: event.fields.get("error") ?? null,
    startedAt: of.startedAt,
    finishedAt: event.at,
    elapsedTime: numberOf(event, "elapsed_time") ?? measured,
    payload: event.payload,
    metadata: event.fields.get("execution_metadata") ?? null,
    redacted: redactedAmong(event.fields),
  };
};

const attemptsOfEpoch = (node: NodeState, epoch: number): Attempt[] => {
  const events = node.ranked.filter((member) => member.epoch === epoch);
  const starts = events.filter((event) => event.type === "node.started").map((event) => event.at);
  const failures = new Map<number, Member>();
  // Events come by rank: the first of a number is the one that counts.
  for (const event of events.filter((member) => member.type === "node.retried")) {
    const number = numberOf(event, "retry_index") ?? 1;
    if (!failures.has(number)) failures.set(number, event);
  }
  const startOf = (number: number): Instant | undefined =>
    number === 1 ? starts.sort(compareText)[0] : failures.get(number - 1)?.at;

  const numbers = [...failures.keys()].sort((a, b) => a - b);
  const attempts = numbers.map((number) =>
    ended(failures.get(number) as Member, { number, startedAt: startOf(number) }),
  );
  const last = { number: (numbers.at(-1) ?? 0) + 1, startedAt: startOf((numbers.at(-1) ?? 0) + 1) };
  const best = events[0];
  if (best === undefined || best.type === "node.retried") return attempts;
  if (isTerminal(best)) return [...attempts, ended(best, last)];
  const isCurrent = epoch === node.epoch;
  const open: Attempt = {
    epoch,
    ...last,
    status: isCurrent ? node.status : "stopped",
    error: isCurrent ? node.error : INTERRUPTED,
    finishedAt: undefined,
    elapsedTime: undefined,
    payload: [],
    metadata: null,
    redacted: isCurrent ? redactedAmong(node.fields).filter((field) => field === "error") : [],
  };
  return [...attempts, open];
};

/**
 * The attempts of a node execution by epoch and number: attempt k ends with the retry event of number k, the last one
 * with the finish. Each keeps its own outcome.
 */
export const attemptsOf = (node: NodeState): Attempt[] =>
  [...new Set(node.ranked.map((member) => member.epoch))]
    .sort((a, b) => a - b)
    .flatMap((epoch) => attemptsOfEpoch(node, epoch));
