import { createHash } from "node:crypto";
import { ERROR_HEAD, errorHead } from "../contract/event.ts";
import type { AppId } from "../contract/identifiers.ts";
import { type Instant, instantOf, secondsBetween } from "../contract/instant.ts";
import { JsonText } from "../contract/json-text.ts";
import type { RunStatus } from "../contract/run-status.ts";
import { type RunPolicy, usualPolicy } from "./app-settings.ts";
import type { LedgerEntry } from "./fold/ledger.ts";
import { type Member, memberName, membersIn } from "./fold/member.ts";
import { foldRunCore, isRunLevel, type RunCore } from "./fold/run-fold.ts";
import { DEFAULT_RETENTION_DAYS, runExpiry } from "./retention.ts";
import { cutText, ROW_TEXT_BYTES, rowTags, rowText } from "./row-text.ts";

/**
 * The light run: what lists show. Texts are capped, so that a row of a run whose ids are as long as UUIDs stays under
 * 1 KB in every index; words and tags are in the form of `row-text`.
 */
export interface RunRow {
  readonly status: RunStatus;
  readonly isIncomplete: boolean;
  readonly epoch: number;
  readonly appId: AppId | undefined;
  readonly startedAt: Instant | undefined;
  readonly finishedAt: Instant | undefined;
  /** Seconds, where the finish says them; else a reader takes them from start and finish. */
  readonly elapsedTime: number | undefined;
  readonly workflowId: string | undefined;
  readonly workflowVersion: string | undefined;
  readonly workflowType: string | undefined;
  readonly triggeredFrom: string | undefined;
  readonly createdBy: string | undefined;
  readonly createdByRole: string | undefined;
  readonly parentRunId: string | undefined;
  readonly tags: readonly string[];
  /** Seconds, where the run says it itself: upkeep looks for silent runs by rows alone. */
  readonly idleTimeout: number | undefined;
  readonly totalTokens: number | undefined;
  readonly totalSteps: number | undefined;
  readonly exceptionsCount: number | undefined;
  readonly error: string | undefined;
}

/**
 * How much of a run's history a header stands for. `started`: one plain start and nothing else; `ended`: one plain
 * start and one plain finish. In both a join of the two is the fold. `folded`: anything else, by folding the ledger.
 */
export type HeaderPhase = "started" | "ended" | "folded";

/** The projection of a run's ledger for questions that do not know the run. */
export interface Header {
  readonly row: RunRow;
  readonly phase: HeaderPhase;
  /** Fingerprints of the run-level events it stands for: the start's and the finish's, or of all together. */
  readonly seen: string;
  readonly seenFinish: string | undefined;
  /** Where it stands in lists: its start, or the receipt of its first event while that is missing. */
  readonly listedAt: Instant;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** The retention that `expiresAt` was counted with (days). */
  readonly keptDays: number;
  /** The part of the app's lists that it is written to. */
  readonly shard: number;
}

const word = (core: RunCore, name: string, mostBytes?: number): string | undefined => {
  const value = core.fields.get(name);
  return typeof value === "string" ? rowText(value, mostBytes) : undefined;
};

const id = (core: RunCore, name: string): string | undefined => {
  const value = core.fields.get(name);
  return typeof value === "string" ? value : undefined;
};

const amount = (core: RunCore, name: string): number | undefined => {
  const value = core.fields.get(name);
  return typeof value === "number" ? value : undefined;
};

const tagsOf = (core: RunCore): string[] => {
  const tags = core.fields.get("tags");
  return rowTags(Array.isArray(tags) ? (tags as readonly string[]) : []);
};

const errorOf = (core: RunCore): string | undefined => {
  if (core.error instanceof JsonText) return cutText(errorHead(core.error.text), ROW_TEXT_BYTES.error);
  const head = core.fields.get(ERROR_HEAD);
  return typeof head === "string" ? cutText(head, ROW_TEXT_BYTES.error) : undefined;
};

/** The light run of a folded one. */
export const rowOf = (core: RunCore): RunRow => ({
  status: core.status,
  isIncomplete: core.isIncomplete,
  epoch: core.epoch,
  appId: core.appId,
  startedAt: core.startedAt,
  finishedAt: core.finishedAt,
  elapsedTime: amount(core, "elapsed_time"),
  workflowId: word(core, "workflow_id", ROW_TEXT_BYTES.workflowId),
  workflowVersion: word(core, "workflow_version"),
  workflowType: word(core, "workflow_type", ROW_TEXT_BYTES.kind),
  triggeredFrom: word(core, "triggered_from", ROW_TEXT_BYTES.kind),
  createdBy: word(core, "created_by"),
  createdByRole: word(core, "created_by_role"),
  parentRunId: id(core, "parent_run_id"),
  tags: tagsOf(core),
  idleTimeout: amount(core, "idle_timeout"),
  totalTokens: amount(core, "total_tokens"),
  totalSteps: amount(core, "total_steps"),
  exceptionsCount: amount(core, "exceptions_count"),
  error: errorOf(core),
});

/** How long a run took, in seconds: as its finish says, else from start to finish. Undefined while it has not ended. */
export const elapsedSeconds = (row: RunRow): number | undefined =>
  row.elapsedTime ?? (row.startedAt && row.finishedAt && secondsBetween(row.startedAt, row.finishedAt));

const FINGERPRINT_BYTES = 12;

/** Who speaks is part of it: an engine that says what the service had concluded outranks it. */
const fingerprint = (member: Member): Buffer =>
  createHash("sha256")
    .update(`${memberName(member)}\n${member.actor === "service"}`)
    .digest()
    .subarray(0, FINGERPRINT_BYTES);

/** A fingerprint of a set: the same for the same members in any order. */
const fingerprintOfAll = (members: readonly Member[]): string => {
  const total = Buffer.alloc(FINGERPRINT_BYTES);
  for (const member of members)
    fingerprint(member).forEach((byte, index) => {
      total[index] = (total[index] ?? 0) ^ byte;
    });
  return total.toString("base64url");
};

const phaseOf = (members: readonly Member[]): HeaderPhase => {
  const types = members
    .map((member) => (member.epoch === 1 ? member.type : ""))
    .sort()
    .join();
  if (types === "run.started") return "started";
  return types === "run.finished,run.started" ? "ended" : "folded";
};

const firstReceipt = (entries: readonly LedgerEntry[]): number =>
  entries.reduce((first, entry) => Math.min(first, entry.receivedAt), Number.POSITIVE_INFINITY);

const USUAL_POLICY = usualPolicy(DEFAULT_RETENTION_DAYS);

const shardOf = (entry: LedgerEntry | undefined, appId: AppId | undefined, policy: RunPolicy): number => {
  const runId = entry?.events[0]?.runId;
  return runId === undefined ? 0 : policy.shardOf(appId, runId);
};

/** The header that entries fold to; there must be one at least. */
export const headerOf = (entries: readonly LedgerEntry[], policy: RunPolicy = USUAL_POLICY): Header => {
  const all = membersIn(entries);
  const core = foldRunCore(all);
  const members = all.filter(isRunLevel);
  const phase = phaseOf(members);
  const finish = phase === "ended" ? members.filter((member) => member.type === "run.finished") : [];
  const keptDays = policy.retentionDays(core.appId, core.status);
  return {
    row: rowOf(core),
    phase,
    seen: fingerprintOfAll(members.filter((member) => !finish.includes(member))),
    seenFinish: finish.length === 0 ? undefined : fingerprintOfAll(finish),
    listedAt: core.startedAt ?? instantOf(firstReceipt(entries)),
    expiresAt: runExpiry(core.deciding?.receivedAt ?? firstReceipt(entries), keptDays),
    keptDays,
    shard: shardOf(entries[0], core.appId, policy),
  };
};

/** What a plain finish changes on a header that stands for one plain start. */
export interface HeaderFinish {
  readonly row: RunRow;
  readonly seenFinish: string;
  readonly expiresAt: number;
  readonly keptDays: number;
  readonly shard: number;
}

/**
 * The change that an arrival makes to a header in phase `started`, found without reading it. Undefined where the
 * arrival is anything but one plain finish that names its app.
 */
export const finishOf = (entry: LedgerEntry, policy: RunPolicy = USUAL_POLICY): HeaderFinish | undefined => {
  const all = membersIn([entry]);
  const members = all.filter(isRunLevel);
  const [finish] = members;
  if (members.length !== 1 || finish?.type !== "run.finished" || finish.epoch !== 1) return undefined;
  if (finish.appId === undefined) return undefined;
  const row = rowOf(foldRunCore(all));
  const keptDays = policy.retentionDays(finish.appId, row.status);
  return {
    row,
    seenFinish: fingerprintOfAll(members),
    expiresAt: runExpiry(finish.receivedAt, keptDays),
    keptDays,
    shard: shardOf(entry, finish.appId, policy),
  };
};

/** Whether a header stands for these run-level events already, as far as it can tell without the ledger. */
export const standsFor = (header: Header, entry: LedgerEntry): boolean => {
  if (header.phase === "folded") return false;
  return membersIn([entry])
    .filter(isRunLevel)
    .every((member) => [header.seen, header.seenFinish].includes(fingerprintOfAll([member])));
};

/** Whether two headers show the same state of the same events. */
export const isSameHeader = (a: Header, b: Header): boolean =>
  a.phase === b.phase && a.seen === b.seen && a.seenFinish === b.seenFinish && a.row.appId === b.row.appId;
