import type { Instant } from "../../contract/instant.ts";
import { compareText } from "../fold/member.ts";
import { errorFingerprint } from "./error-fingerprint.ts";

/** What grouping needs to know of a failure. */
export interface GroupedFailure {
  readonly fingerprint: string;
  readonly nodeId: string | undefined;
  readonly nodeType: string | undefined;
  readonly title: string | undefined;
  readonly runId: string;
  readonly nodeExecutionId: string;
  readonly finishedAt: Instant;
  readonly error: string;
}

/** Failures of one node that say the same, ids, numbers and the like aside. */
export interface FailureGroup<Failure extends GroupedFailure = GroupedFailure> {
  /** The latest of them: a sample of what it says. */
  readonly last: Failure;
  /** What they have in common, as far as the sample tells. */
  readonly fingerprintText: string;
  readonly count: number;
  /** How many runs they are of. */
  readonly runs: number;
  readonly firstAt: Instant;
}

/** Groups failures by node and fingerprint, the most frequent first, of those the one that happened last. */
export const groupFailures = <Failure extends GroupedFailure>(
  failures: readonly Failure[],
): FailureGroup<Failure>[] => {
  const byKind = Map.groupBy(failures, ({ nodeId, fingerprint }) => `${nodeId ?? ""}#${fingerprint}`);
  return [...byKind.values()]
    .flatMap((group): FailureGroup<Failure>[] => {
      const ordered = group.toSorted((a, b) => compareText(b.finishedAt, a.finishedAt));
      const [last, first] = [ordered[0], ordered.at(-1)];
      if (last === undefined || first === undefined) return [];
      return [
        {
          last,
          fingerprintText: errorFingerprint(last.error).text,
          count: group.length,
          runs: new Set(group.map(({ runId }) => runId)).size,
          firstAt: first.finishedAt,
        },
      ];
    })
    .sort(
      (a, b) =>
        b.count - a.count ||
        compareText(b.last.finishedAt, a.last.finishedAt) ||
        compareText(a.last.nodeId ?? "", b.last.nodeId ?? "") ||
        compareText(a.last.fingerprint, b.last.fingerprint),
    );
};
