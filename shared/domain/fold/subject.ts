import { ERROR_HEAD, type FieldValue } from "../../contract/event.ts";
import { type Instant, secondsBetween } from "../../contract/instant.ts";
import type { JsonText } from "../../contract/json-text.ts";
import { fieldMarkedBy, MARKED, redactionMark } from "../../contract/redaction.ts";
import { compareText, isNull, type Member, type MemberPayload } from "./member.ts";
import { byRank, isTerminal } from "./rank.ts";

/** What a run and a node execution have in common: one event decides, the others complete the picture. */
export interface Subject {
  /** From the one that decides down; never empty. */
  readonly ranked: readonly Member[];
  readonly deciding: Member;
  /**
   * Values by name; a name is in `fields` or in `payload`, not in both (`execution_metadata` key by key). Marks say of
   * which the value that is shown was redacted.
   */
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly payload: readonly MemberPayload[];
  readonly startedAt: Instant | undefined;
  readonly finishedAt: Instant | undefined;
  /** Seconds; undefined while open, or where the start is missing and the finish does not say. */
  readonly elapsedTime: number | undefined;
}

/** What a subject begins with: tells runs from node executions. */
type StartType = "run.started" | "node.started";

const NODE_OUTCOME = ["status", "outputs", "error", "elapsed_time"];

/** These come as one unit from the deciding event, or not at all. */
const OUTCOME: Readonly<Record<StartType, ReadonlySet<string>>> = {
  "node.started": new Set(NODE_OUTCOME),
  "run.started": new Set([...NODE_OUTCOME, "total_tokens", "total_steps", "exceptions_count"]),
};

/** Those that give `process_data` first: the finish, then checkpoints by epoch and sequence, then retries by number. */
const byProgress = (ranked: readonly Member[]): Member[] => {
  const checkpoints = ranked.filter((member) => member.type === "node.checkpointed");
  const retries = ranked.filter((member) => member.type === "node.retried");
  const sequence = (member: Member) => numberOf(member, "sequence") ?? -1;
  const number = (member: Member) => numberOf(member, "retry_index") ?? 0;
  checkpoints.sort((a, b) => b.epoch - a.epoch || sequence(b) - sequence(a));
  retries.sort((a, b) => number(b) - number(a));
  return [...ranked.filter(isTerminal), ...checkpoints, ...retries, ...ranked];
};

/** A field of one event that is a number. */
export const numberOf = (member: Member, field: string): number | undefined => {
  const value = member.fields.get(field);
  return typeof value === "number" ? value : undefined;
};

/** The long form of a small field shares its name; any other value is a field of its own. */
const nameOf = ({ field, key, isLongField }: MemberPayload): string => {
  if (key !== undefined) return `\u0000${key}`;
  return isLongField ? field : `unknown\u0000${field}`;
};

class Collected {
  readonly fields = new Map<string, FieldValue>();
  readonly payload: MemberPayload[] = [];
  private readonly metadata = new Map<string, JsonText>();
  private readonly taken = new Set<string>();
  /** Whose value a field has; of metadata, whose values it has got last. */
  private readonly givers = new Map<string, Member>();

  private take(name: string): boolean {
    if (this.taken.has(name)) return false;
    this.taken.add(name);
    return true;
  }

  private addMetadata(member: Member, values: ReadonlyMap<string, JsonText>): void {
    if (!this.fields.has("execution_metadata")) this.fields.set("execution_metadata", this.metadata);
    for (const [key, text] of values) {
      if (text.text === "null" || !this.take(`\u0000${key}`)) continue;
      this.metadata.set(key, text);
      this.givers.set("execution_metadata", member);
    }
  }

  add(member: Member, isWanted: (field: string) => boolean): void {
    const marked: string[] = [];
    for (const [name, value] of member.fields) {
      const redacted = fieldMarkedBy(name);
      if (redacted !== undefined) marked.push(redacted);
      else if (value === null || !isWanted(name === ERROR_HEAD ? "error" : name)) continue;
      else if (value instanceof Map) this.addMetadata(member, value);
      else if (this.take(name)) {
        this.fields.set(name, value);
        this.givers.set(name, member);
      }
    }
    for (const payload of member.payload) {
      if (isNull(payload) || !isWanted(payload.field) || !this.take(nameOf(payload))) continue;
      this.payload.push(payload);
      this.givers.set(payload.field, member);
    }
    for (const field of marked) {
      if (this.givers.get(field) === member) this.fields.set(redactionMark(field), MARKED);
    }
  }
}

const earliest = (members: readonly Member[]): Instant | undefined =>
  members.reduce<Instant | undefined>(
    (found, member) => (found === undefined || compareText(member.at, found) < 0 ? member.at : found),
    undefined,
  );

/** Folds the events of one run, or of one node execution; stale ones are left out before. Undefined for none. */
export const foldSubject = (members: readonly Member[], startType: StartType): Subject | undefined => {
  const ranked = byRank(members);
  const deciding = ranked[0];
  if (deciding === undefined) return undefined;
  // A terminal event that does not decide gives no field.
  const givers = ranked.filter((member) => member === deciding || !isTerminal(member));

  const outcome = OUTCOME[startType];
  const collected = new Collected();
  if (isTerminal(deciding)) collected.add(deciding, (field) => outcome.has(field) && field !== "status");
  if (deciding.type === "node.retried") collected.add(deciding, (field) => field === "error");
  for (const member of byProgress(givers)) collected.add(member, (field) => field === "process_data");
  for (const member of givers) collected.add(member, (field) => !outcome.has(field) && field !== "process_data");

  const startedAt = earliest(ranked.filter((member) => member.type === startType));
  const finishedAt = isTerminal(deciding) ? deciding.at : undefined;
  const measured = startedAt && finishedAt ? secondsBetween(startedAt, finishedAt) : undefined;
  return {
    ranked,
    deciding,
    fields: collected.fields,
    payload: collected.payload,
    startedAt,
    finishedAt,
    elapsedTime: isTerminal(deciding) ? (numberOf(deciding, "elapsed_time") ?? measured) : undefined,
  };
};
