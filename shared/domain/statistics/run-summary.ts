import { TERMINAL_STATUSES } from "../../contract/run-status.ts";
import type { NodeFailure } from "../failures/node-failures.ts";
import type { RunState } from "../fold/run-fold.ts";
import { elapsedSeconds, type RunRow, rowOf } from "../header.ts";
import { type LatencySketch, latencyOf, NO_LATENCIES } from "./latency-sketch.ts";
import { pricesOf, tokensOf } from "./run-cost.ts";
import { type Counts, failureName, type MostNames, type Summary, withFewNames } from "./summary.ts";
import { userOf } from "./user-sketch.ts";

/** What a run says of itself stays small, whatever it holds: usually one write unit. */
const MOST_NAMES: MostNames = { names: 1, failures: 20, currencies: 50 };

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

const latencyAfter = (seconds: number | undefined): LatencySketch =>
  seconds === undefined ? NO_LATENCIES : latencyOf(Math.min(LONGEST_MS, Math.round(seconds * 1000)));

/**
 * What a run adds to the statistics of its app as far as its row tells, which knows neither prices nor failures;
 * undefined for one that has not ended.
 */
export const summaryOfRow = (row: RunRow): Summary | undefined =>
  TERMINAL_STATUSES.has(row.status)
    ? {
        runs: one(row.status),
        tokens: BigInt(row.totalTokens ?? 0),
        prices: new Map(),
        latency: latencyAfter(elapsedSeconds(row)),
        users: row.createdBy === undefined ? new Map() : userOf(row.createdBy),
        triggers: one(row.triggeredFrom),
        versions: one(row.workflowVersion),
        failures: new Map(),
      }
    : undefined;

/**
 * What a run adds to the statistics of its app; undefined for one that has not ended. It tells neither the run nor the
 * user, and nothing of payload.
 */
export const summaryOfRun = (state: RunState, failures: readonly NodeFailure[]): Summary | undefined => {
  const row = rowOf(state);
  const told = summaryOfRow(row);
  if (told === undefined) return undefined;
  const user = state.fields.get("created_by");
  const summary: Summary = {
    ...told,
    tokens: row.totalTokens === undefined ? tokensOf(state.nodes) : told.tokens,
    prices: pricesOf(state.nodes),
    latency: latencyAfter(state.elapsedTime),
    users: typeof user === "string" ? userOf(user) : new Map(),
    failures: countsOf(failures),
  };
  return withFewNames(summary, MOST_NAMES);
};
