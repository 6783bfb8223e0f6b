import { ERROR_HEAD, type FieldValue } from "../../contract/event.ts";
import type { AppId } from "../../contract/identifiers.ts";
import { type Instant, secondsBetween } from "../../contract/instant.ts";
import { redactionMark } from "../../contract/redaction.ts";
import type { RunStatus } from "../../contract/run-status.ts";
import { type AgentLog, agentLogsAmong } from "./agent-log.ts";
import { type Conflict, conflictsAmong } from "./conflicts.ts";
import type { LedgerEntry } from "./ledger.ts";
import { compareText, type Member, type MemberPayload, membersIn } from "./member.ts";
import { foldNode, type NodeState, type RunFate } from "./node-fold.ts";
import { inOrder } from "./node-order.ts";
import { pausedSeconds, toMilliseconds } from "./paused-time.ts";
import { isTerminal, staleness } from "./rank.ts";
import { foldSubject, type Subject } from "./subject.ts";

/** A run without its nodes: what its run-level events make of it. */
export interface RunCore {
  readonly status: RunStatus;
  /** None of its deciding events has arrived. */
  readonly isIncomplete: boolean;
  readonly epoch: number;
  readonly appId: AppId | undefined;
  readonly error: FieldValue;
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly payload: readonly MemberPayload[];
  readonly startedAt: Instant | undefined;
  readonly finishedAt: Instant | undefined;
  readonly elapsedTime: number | undefined;
  /** Seconds; both undefined while the run is open. */
  readonly activeTime: number | undefined;
  readonly pausedTime: number | undefined;
  /** The event that decides, if any has arrived. */
  readonly deciding: Member | undefined;
  /** The claim that opened the current epoch, if any. */
  readonly claim: Member | undefined;
}

/** A run with its nodes, logs and conflicts. */
export interface RunState extends RunCore {
  /** In the order of `index`, then start, then id. */
  readonly nodes: readonly NodeState[];
  readonly agentLogs: readonly AgentLog[];
  readonly conflicts: readonly Conflict[];
  readonly distinctEvents: number;
}

/** Whether an event can change its run's own state; a sign of life cannot. */
export const isRunLevel = (event: { readonly type: string }): boolean =>
  event.type.startsWith("run.") && event.type !== "run.heartbeat";

const STATUS_BY_TYPE: Readonly<Record<string, RunStatus>> = {
  "run.scheduled": "scheduled",
  "run.started": "running",
  "run.resumed": "running",
  "run.claimed": "running",
  "run.paused": "paused",
};

const statusOf = (deciding: Member | undefined): RunStatus => {
  if (deciding === undefined) return "running";
  return STATUS_BY_TYPE[deciding.type] ?? (deciding.fields.get("status") as RunStatus);
};

/** The app of the highest-ranked run-level event that names one; else the smallest that any event names. */
const appOf = (run: Subject | undefined, members: readonly Member[]): AppId | undefined =>
  run?.ranked.find((member) => member.appId !== undefined && (member === run.deciding || !isTerminal(member)))?.appId ??
  smallestApp(members);

/** The smallest app id that events name: stands in until a run-level event says whose the run is. */
export const smallestApp = (events: Iterable<{ readonly appId: AppId | undefined }>): AppId | undefined => {
  let smallest: AppId | undefined;
  for (const { appId } of events) {
    if (appId !== undefined && (smallest === undefined || compareText(appId, smallest) < 0)) smallest = appId;
  }
  return smallest;
};

const latestClaim = (members: readonly Member[]): Member | undefined =>
  members
    .filter((member) => member.type === "run.claimed")
    .reduce<Member | undefined>((found, claim) => (found && found.epoch >= claim.epoch ? found : claim), undefined);

const foldCore = (members: readonly Member[], isStale: (member: Member) => boolean): RunCore => {
  const deciders = members.filter((member) => isRunLevel(member) && !isStale(member));
  const run = foldSubject(deciders, "run.started");
  const claim = latestClaim(members);
  const { startedAt, finishedAt, elapsedTime } = run ?? {};
  const span = startedAt && finishedAt ? { from: startedAt, to: finishedAt } : undefined;
  const pausedTime = span && pausedSeconds(deciders, span);
  const total = span && secondsBetween(span.from, span.to);
  const fields = new Map(run?.fields);
  fields.delete("error");
  return {
    status: statusOf(run?.deciding),
    isIncomplete: run === undefined,
    epoch: claim?.epoch ?? 1,
    appId: appOf(run, members),
    error: run?.fields.get("error") ?? null,
    fields,
    payload: run?.payload ?? [],
    startedAt,
    finishedAt,
    elapsedTime,
    pausedTime,
    activeTime: total === undefined || pausedTime === undefined ? undefined : toMilliseconds(total - pausedTime),
    deciding: run?.deciding,
    claim,
  };
};

const foldNodes = (members: readonly Member[], run: RunFate): NodeState[] => {
  const byId = Map.groupBy(
    members.filter((member) => member.type.startsWith("node.")),
    (member) => member.fields.get("node_execution_id") as string,
  );
  return inOrder([...byId].flatMap(([id, group]) => foldNode(id, group, run) ?? []));
};

/** Folds only what decides about the run itself: what a header shows. */
export const foldRunCore = (members: readonly Member[]): RunCore => foldCore(members, staleness(members));

/**
 * The state of a run: a function of the set of its events. Order, repetition and the way events were cut into entries
 * change nothing.
 */
export const foldRun = (entries: Iterable<LedgerEntry>): RunState => {
  const members = membersIn(entries);
  const isStale = staleness(members);
  const core = foldCore(members, isStale);
  const effective = members.filter((member) => !isStale(member));
  const errorPayload = core.payload.find((payload) => payload.field === "error");
  return {
    ...core,
    nodes: foldNodes(effective, {
      ...core,
      errorPayload,
      errorHead: core.fields.get(ERROR_HEAD),
      isErrorRedacted: core.fields.has(redactionMark("error")),
    }),
    agentLogs: agentLogsAmong(effective),
    conflicts: conflictsAmong(members, isStale),
    distinctEvents: members.length,
  };
};
