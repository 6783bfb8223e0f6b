import { instantOf, millisecondsOf, showInstant } from "../../contract/instant.ts";
import type { JsonOutput } from "../../contract/json-text.ts";
import { redactedAmong } from "../../contract/redaction.ts";
import type { Conflict } from "../../domain/fold/conflicts.ts";
import type { NodeState } from "../../domain/fold/node-fold.ts";
import { isTerminal } from "../../domain/fold/rank.ts";
import type { RunState } from "../../domain/fold/run-fold.ts";
import { elapsedSeconds } from "../../domain/header.ts";
import { NEVER } from "../../domain/retention.ts";
import { shownRowTags, shownRowText } from "../../domain/row-text.ts";
import type { ListedHeader } from "../../ports/run-store.ts";
import { addPayload, type Members, type PayloadView, setRedacted, shownField } from "./present-payload.ts";
import type { ReadRun } from "./read-run.ts";

const RUN_FIELDS = [
  "workflow_id",
  "workflow_version",
  "workflow_type",
  "triggered_from",
  "created_by",
  "created_by_role",
  "parent_run_id",
  "parent_node_execution_id",
  "tags",
  "idle_timeout",
  "reason",
  "total_tokens",
  "total_steps",
  "exceptions_count",
] as const;

/** Null for what is kept until somebody says otherwise. */
const showExpiry = (seconds: number): string | null =>
  seconds === NEVER ? null : showInstant(instantOf(seconds * 1000));

const showHold = ({ hold }: ReadRun["header"]): JsonOutput =>
  hold === undefined ? null : { held_at: showInstant(instantOf(hold.heldAt)), reason: hold.reason ?? null };

const countByStatus = (nodes: readonly NodeState[]): JsonOutput => {
  const counts: Record<string, number> = {
    running: 0,
    retry: 0,
    paused: 0,
    succeeded: 0,
    failed: 0,
    exception: 0,
    stopped: 0,
  };
  for (const { status } of nodes) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

/** Conflicts are for people to look at; a producer that sends thousands is told the number. */
const MOST_CONFLICTS = 100;

const showConflict = (conflict: Conflict): JsonOutput => {
  const show = (event: Conflict["kept"]) => ({ ...event, at: showInstant(event.at) });
  return {
    reason: conflict.reason,
    node_execution_id: conflict.nodeExecutionId ?? null,
    kept: show(conflict.kept),
    others: conflict.others.slice(0, MOST_CONFLICTS).map(show),
    others_count: conflict.others.length,
  };
};

/** Who holds the run: the last claimant, while the run is open. */
const lease = (state: RunState): { holder: JsonOutput; expiresAt: JsonOutput } => {
  const { claim, deciding } = state;
  if (claim === undefined || (deciding !== undefined && isTerminal(deciding))) return { holder: null, expiresAt: null };
  const seconds = claim.fields.get("lease_seconds");
  const until = typeof seconds === "number" ? instantOf(millisecondsOf(claim.at) + seconds * 1000) : undefined;
  return { holder: shownField(claim.fields.get("holder")), expiresAt: until === undefined ? null : showInstant(until) };
};

/** `<version>-<distinct events>`: changes with every new event. */
export const etagOf = (run: ReadRun): string => `"${run.header.rev}-${run.state.distinctEvents}"`;

/** The run as `GET /v1/runs/{run_id}` answers it. */
export const presentRun = (run: ReadRun, view: PayloadView): Members => {
  const { header, state } = run;
  const { holder, expiresAt } = lease(state);
  const members: Members = new Map<string, JsonOutput>([
    ["run_id", header.runId],
    ["app_id", state.appId ?? null],
    ["status", state.status],
    ["incomplete", state.isIncomplete],
    ["epoch", state.epoch],
    ["version", header.rev],
    ["started_at", state.startedAt ? showInstant(state.startedAt) : null],
    ["finished_at", state.finishedAt ? showInstant(state.finishedAt) : null],
    ["elapsed_time", state.elapsedTime ?? null],
    ["active_time", state.activeTime ?? null],
    ["paused_time", state.pausedTime ?? null],
    ["error", shownField(state.error)],
  ]);
  for (const name of RUN_FIELDS) members.set(name, shownField(state.fields.get(name)));
  members.set("node_counts", countByStatus(state.nodes));
  members.set("conflicts", state.conflicts.slice(0, MOST_CONFLICTS).map(showConflict));
  members.set("requested_action", null);
  members.set("holder", holder);
  members.set("lease_expires_at", expiresAt);
  members.set("expires_at", showExpiry(header.expiresAt));
  members.set("hold", showHold(header));
  setRedacted(members, redactedAmong(state.fields));
  return addPayload(members, state.payload, { view, known: ["inputs", "outputs", "graph"] });
};

const showText = (kept: string | undefined): JsonOutput => (kept === undefined ? null : shownRowText(kept));

/** The run as a list shows it. */
export const presentListedRun = (header: ListedHeader): Readonly<Record<string, JsonOutput>> => {
  const { row } = header;
  return {
    run_id: header.runId,
    app_id: row.appId ?? null,
    status: row.status,
    incomplete: row.isIncomplete,
    epoch: row.epoch,
    version: header.rev,
    started_at: row.startedAt ? showInstant(row.startedAt) : null,
    finished_at: row.finishedAt ? showInstant(row.finishedAt) : null,
    elapsed_time: elapsedSeconds(row) ?? null,
    workflow_id: showText(row.workflowId),
    workflow_version: showText(row.workflowVersion),
    workflow_type: showText(row.workflowType),
    triggered_from: showText(row.triggeredFrom),
    created_by: showText(row.createdBy),
    created_by_role: showText(row.createdByRole),
    parent_run_id: row.parentRunId ?? null,
    tags: shownRowTags(row.tags),
    total_tokens: row.totalTokens ?? null,
    total_steps: row.totalSteps ?? null,
    exceptions_count: row.exceptionsCount ?? null,
    error: row.error ?? null,
    expires_at: showExpiry(header.expiresAt),
  };
};
