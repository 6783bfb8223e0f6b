import { createHash } from "node:crypto";
import { ERROR_HEAD, errorHead } from "../contract/event.ts";
import type { AppId } from "../contract/identifiers.ts";
import { type Instant, instantOf } from "../contract/instant.ts";
import { JsonText } from "../contract/json-text.ts";
import type { LedgerEntry } from "./ledger.ts";
import { type Member, memberName, membersIn } from "./member.ts";
import { DEFAULT_RETENTION_DAYS, runExpiry } from "./retention.ts";
import { foldRunCore, isRunLevel, type RunCore, type RunStatus } from "./run-fold.ts";

/**
 * The light run: what lists show. Texts are capped, so that a row of a run whose ids are as long as UUIDs stays under
 * 1 KB in every index.
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
}

/** How many bytes of UTF-8 a row keeps of each text: with keys of ids as long as UUIDs a row stays under 1 KB. */
const MOST_BYTES = { word: 48, workflowId: 64, tags: 64, error: 220 } as const;

/** The beginning of a text that fits, never half of a character. */
const cut = (text: string, mostBytes: number): string => {
  let bytes = 0;
  let kept = "";
  for (const character of text.slice(0, mostBytes)) {
    bytes += Buffer.byteLength(character);
    if (bytes > mostBytes) break;
    kept += character;
  }
  return kept;
};

const word = (core: RunCore, name: string, mostBytes: number = MOST_BYTES.word): string | undefined => {
  const value = core.fields.get(name);
  return typeof value === "string" ? cut(value, mostBytes) : undefined;
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
  const kept: string[] = [];
  let length = 0;
  for (const tag of Array.isArray(tags) ? (tags as readonly string[]) : []) {
    length += Buffer.byteLength(tag);
    if (length <= MOST_BYTES.tags) kept.push(tag);
  }
  return kept;
};

const errorOf = (core: RunCore): string | undefined => {
  if (core.error instanceof JsonText) return cut(errorHead(core.error.text), MOST_BYTES.error);
  const head = core.fields.get(ERROR_HEAD);
  return typeof head === "string" ? cut(head, MOST_BYTES.error) : undefined;
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
  workflowId: word(core, "workflow_id", MOST_BYTES.workflowId),
  workflowVersion: word(core, "workflow_version"),
  workflowType: word(core, "workflow_type"),
  triggeredFrom: word(core, "triggered_from"),
  createdBy: word(core, "created_by"),
  createdByRole: word(core, "created_by_role"),
  parentRunId: id(core, "parent_run_id"),
  tags: tagsOf(core),
  totalTokens: amount(core, "total_tokens"),
  totalSteps: amount(core, "total_steps"),
  exceptionsCount: amount(core, "exceptions_count"),
  error: errorOf(core),
});

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

/** The header that entries fold to; there must be one at least. */
export const headerOf = (entries: readonly LedgerEntry[], retentionDays: number = DEFAULT_RETENTION_DAYS): Header => {
  const all = membersIn(entries);
  const core = foldRunCore(all);
  const members = all.filter(isRunLevel);
  const phase = phaseOf(members);
  const finish = phase === "ended" ? members.filter((member) => member.type === "run.finished") : [];
  return {
    row: rowOf(core),
    phase,
    seen: fingerprintOfAll(members.filter((member) => !finish.includes(member))),
    seenFinish: finish.length === 0 ? undefined : fingerprintOfAll(finish),
    listedAt: core.startedAt ?? instantOf(firstReceipt(entries)),
    expiresAt: runExpiry(core.deciding?.receivedAt ?? firstReceipt(entries), retentionDays),
  };
};

/** What a plain finish changes on a header that stands for one plain start. */
export interface HeaderFinish {
  readonly row: RunRow;
  readonly seenFinish: string;
  readonly expiresAt: number;
}

/**
 * The change that an arrival makes to a header in phase `started`, found without reading it. Undefined where the
 * arrival is anything but one plain finish that names its app.
 */
export const finishOf = (
  entry: LedgerEntry,
  retentionDays: number = DEFAULT_RETENTION_DAYS,
): HeaderFinish | undefined => {
  const all = membersIn([entry]);
  const members = all.filter(isRunLevel);
  const [finish] = members;
  if (members.length !== 1 || finish?.type !== "run.finished" || finish.epoch !== 1) return undefined;
  if (finish.appId === undefined) return undefined;
  return {
    row: rowOf(foldRunCore(all)),
    seenFinish: fingerprintOfAll(members),
    expiresAt: runExpiry(finish.receivedAt, retentionDays),
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
