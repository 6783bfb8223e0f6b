import type { FieldValue } from "../../contract/event.ts";
import type { Instant } from "../../contract/instant.ts";
import { compareText, isNull, type Member, type MemberPayload } from "./member.ts";
import { byRank } from "./rank.ts";

/** A line of an agent's log: events of one log id merged, the latest first. */
export interface AgentLog {
  readonly logId: string;
  readonly nodeExecutionId: string;
  /** When it was first written. */
  readonly at: Instant;
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly payload: readonly MemberPayload[];
}

const text = (member: Member, field: string): string => String(member.fields.get(field));

const merged = (events: readonly Member[]): AgentLog[] => {
  const ranked = byRank(events);
  const [latest] = ranked;
  if (latest === undefined) return [];
  const fields = new Map<string, FieldValue>();
  const payload = new Map<string, MemberPayload>();
  const isNew = (name: string): boolean => !fields.has(name) && !payload.has(name);
  for (const event of ranked) {
    for (const [name, value] of event.fields) if (value !== null && isNew(name)) fields.set(name, value);
    for (const value of event.payload) if (!isNull(value) && isNew(value.field)) payload.set(value.field, value);
  }
  const at = ranked.reduce((first, event) => (compareText(event.at, first) < 0 ? event.at : first), latest.at);
  const logId = text(latest, "log_id");
  return [{ logId, nodeExecutionId: text(latest, "node_execution_id"), at, fields, payload: [...payload.values()] }];
};

/** The agent logs among events, in the order they were first written. */
export const agentLogsAmong = (members: readonly Member[]): AgentLog[] => {
  const events = members.filter((member) => member.type === "agent.logged");
  return [...Map.groupBy(events, (event) => `${text(event, "node_execution_id")}\n${text(event, "log_id")}`).values()]
    .flatMap(merged)
    .sort(
      (a, b) =>
        compareText(a.at, b.at) || compareText(a.nodeExecutionId, b.nodeExecutionId) || compareText(a.logId, b.logId),
    );
};
