import { TERMINAL_STATUSES } from "../contract/run-status.ts";
import { rowOf } from "./header.ts";
import { latencyOf, NO_LATENCIES } from "./latency-sketch.ts";
import type { NodeFailure } from "./node-failures.ts";
import { pricesOf, tokensOf } from "./run-cost.ts";
import type { RunState } from "./run-fold.ts";
import { type Counts, failureName, type MostNames, type Summary, withFewNames } from "./summary.ts";
import { userOf } from "./user-sketch.ts";

/** What a run says of itself stays small, whatever it holds: one write unit. */
const MOST_NAMES: MostNames = { names: 1, failures: 4, currencies: 4 };

/** Longer than anything that runs (milliseconds): a sum of such stays exact. */
const LONGEST_MS = 1e13;

const one = (name: string | undefined): Counts => new Map(name === undefined ? [] : [[name, 1]]);

const countsOf = (failures: readonly NodeFailure[]): Counts => {
  const counts = new Map<string, number>();
  for (const { nodeId = "", fingerprint } of failures) {
    const name = failureName(nodeId, fingerprint.hash);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
};

/**
 * What a run adds to the statistics of its app; undefined for one that has not ended. It tells neither the run nor the
 * user, and nothing of payload.
 */
export const summaryOfRun = (state: RunState, failures: readonly NodeFailure[]): Summary | undefined => {
  const row = rowOf(state);
  if (!TERMINAL_STATUSES.has(row.status)) return undefined;
  const user = state.fields.get("created_by");
  const summary: Summary = {
    runs: one(row.status),
    tokens: row.totalTokens === undefined ? tokensOf(state.nodes) : BigInt(row.totalTokens),
    prices: pricesOf(state.nodes),
    latency:
      state.elapsedTime === undefined
        ? NO_LATENCIES
        : latencyOf(Math.min(LONGEST_MS, Math.round(state.elapsedTime * 1000))),
    users: typeof user === "string" ? userOf(user) : new Map(),
    triggers: one(row.triggeredFrom),
    versions: one(row.workflowVersion),
    failures: countsOf(failures),
  };
  return withFewNames(summary, MOST_NAMES);
};
