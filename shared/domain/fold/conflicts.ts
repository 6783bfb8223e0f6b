import type { Instant } from "../../contract/instant.ts";
import { compareText, type Member } from "./member.ts";
import { byRank, isTerminal } from "./rank.ts";

interface ConflictingEvent {
  readonly type: string;
  readonly id: string;
  readonly digest: string;
  readonly at: Instant;
  readonly epoch: number;
}

/**
 * Events that contradict each other: the same type and id with other content (`same_id`), or more than one end of the
 * same run or node execution in one epoch (`several_ends`). None is lost; `kept` ranks first.
 */
export interface Conflict {
  readonly reason: "same_id" | "several_ends";
  readonly nodeExecutionId: string | undefined;
  readonly kept: ConflictingEvent;
  readonly others: readonly ConflictingEvent[];
}

const nodeOf = (member: Member): string | undefined => {
  const id = member.fields.get("node_execution_id");
  return typeof id === "string" ? id : undefined;
};

const shown = ({ type, id, digest, at, epoch }: Member): ConflictingEvent => ({ type, id, digest, at, epoch });

const conflict = (reason: Conflict["reason"], group: readonly Member[]): Conflict[] => {
  const [kept, ...others] = byRank(group);
  if (kept === undefined || others.length === 0) return [];
  return [{ reason, nodeExecutionId: nodeOf(kept), kept: shown(kept), others: others.map(shown) }];
};

const idOf = (member: Member): string => `${member.type}\n${member.id}`;

/** Every conflict among a run's members, in a fixed order. Stale ends do not compete. */
export const conflictsAmong = (members: readonly Member[], isStale: (member: Member) => boolean): Conflict[] => {
  const sameId = [...Map.groupBy(members, idOf).values()].flatMap((group) => conflict("same_id", group));
  const ends = members.filter((member) => isTerminal(member) && !isStale(member));
  const severalEnds = [...Map.groupBy(ends, (member) => `${member.epoch}\n${nodeOf(member) ?? ""}`).values()].flatMap(
    (group) => {
      const [kept] = byRank(group);
      // Ends that share the id of the one that counts are listed as `same_id` already.
      return conflict(
        "several_ends",
        group.filter((member) => kept !== undefined && (member === kept || idOf(member) !== idOf(kept))),
      );
    },
  );
  return [...sameId, ...severalEnds].sort(
    (a, b) =>
      compareText(a.nodeExecutionId ?? "", b.nodeExecutionId ?? "") ||
      a.kept.epoch - b.kept.epoch ||
      compareText(a.reason, b.reason) ||
      compareText(a.kept.type, b.kept.type) ||
      compareText(a.kept.id, b.kept.id) ||
      compareText(a.kept.digest, b.kept.digest),
  );
};
