import type { RunStatus } from "../../contract/run-status.ts";
import { compareText } from "../fold/member.ts";
import { addDecimals } from "./decimal.ts";
import { type LatencySketch, totalOfLatencies } from "./latency-sketch.ts";
import { addUsers, type UserSketch } from "./user-sketch.ts";

/** Statuses that statistics count: a run is counted when it has ended. */
export const COUNTED_STATUSES = ["succeeded", "failed", "stopped", "partial-succeeded"] as const satisfies RunStatus[];
/** Numbers by name. */
export type Counts = ReadonlyMap<string, number>;

/**
 * What is known of a set of runs that have ended: of one, of a quarter of an hour, of a year. Summaries add up, in any
 * order and grouping to the same.
 */
export interface Summary {
  /** Numbers of runs by status, one of {@link COUNTED_STATUSES}. */
  readonly runs: Counts;
  readonly tokens: bigint;
  /** Exact decimals by currency. */
  readonly prices: ReadonlyMap<string, string>;
  readonly latency: LatencySketch;
  readonly users: UserSketch;
  /** Numbers of runs by what triggered them, as rows of lists keep it; runs of which it is not known are left out. */
  readonly triggers: Counts;
  /** Likewise by version of the workflow. */
  readonly versions: Counts;
  /** Numbers of failed node executions by {@link failureName}. */
  readonly failures: Counts;
}

/** What stands for all names that there is no room for. */
export const OTHER = "(other)";

/** The currency of amounts that name none (ISO 4217: no currency). */
export const NO_CURRENCY = "XXX";

/** A node, and the hash of the fingerprint of its error. Ids hold no line's end. */
export const failureName = (nodeId: string, fingerprint: string): string => `${nodeId}\n${fingerprint}`;

/** A summary that others are added to. */
export interface SummaryTotal {
  add(summary: Summary): void;
  /** All so far. What is added later is not in it. */
  sum(): Summary;
}

const addCounts = (to: Map<string, number>, counts: Counts): void => {
  for (const [name, count] of counts) to.set(name, (to.get(name) ?? 0) + count);
};

const addPrices = (to: Map<string, string>, prices: Summary["prices"]): void => {
  for (const [currency, price] of prices) to.set(currency, addDecimals(to.get(currency) ?? "0", price));
};

/** A total of nothing yet. */
export const totalOfSummaries = (): SummaryTotal => {
  const runs = new Map<string, number>();
  const prices = new Map<string, string>();
  const latency = totalOfLatencies();
  const users = new Map<number, number>();
  const triggers = new Map<string, number>();
  const versions = new Map<string, number>();
  const failures = new Map<string, number>();
  let tokens = 0n;
  return {
    add: (summary) => {
      addCounts(runs, summary.runs);
      tokens += summary.tokens;
      addPrices(prices, summary.prices);
      latency.add(summary.latency);
      addUsers(users, summary.users);
      addCounts(triggers, summary.triggers);
      addCounts(versions, summary.versions);
      addCounts(failures, summary.failures);
    },
    sum: () => ({
      runs: new Map(runs),
      tokens,
      prices: new Map(prices),
      latency: latency.sum(),
      users: new Map(users),
      triggers: new Map(triggers),
      versions: new Map(versions),
      failures: new Map(failures),
    }),
  };
};

/** The summary of all runs of all these. */
export const sumOf = (summaries: Iterable<Summary>): Summary => {
  const total = totalOfSummaries();
  for (const summary of summaries) total.add(summary);
  return total.sum();
};

/** How many names of each kind are told apart. */
export interface MostNames {
  /** Of triggers, and of versions. */
  readonly names: number;
  readonly failures: number;
  readonly currencies: number;
}

/** Those with the highest counts, equal ones by name, and the rest as one. */
const highest = (counts: Counts, most: number): Counts => {
  const named = [...counts].filter(([name]) => name !== OTHER);
  if (named.length <= most) return counts;
  const sorted = named.sort(([a, countA], [b, countB]) => countB - countA || compareText(a, b));
  const rest = sorted.slice(most).reduce((sum, [, count]) => sum + count, counts.get(OTHER) ?? 0);
  return new Map([...sorted.slice(0, most), [OTHER, rest]]);
};

/**
 * Amounts of different currencies can neither be compared nor added up: those that come first by name stay, whichever
 * way the summary was put together, and beside them what names none.
 */
const firstCurrencies = (prices: Summary["prices"], most: number): Summary["prices"] => {
  const named = [...prices.keys()].filter((currency) => currency !== NO_CURRENCY).sort(compareText);
  const left = new Set(named.slice(most));
  return new Map([...prices].filter(([currency]) => !left.has(currency)));
};

/**
 * A summary with a bounded number of names: those that count most, and the rest as {@link OTHER}. No count gets lost;
 * amounts of currencies that there is no room for do.
 */
export const withFewNames = (summary: Summary, most: MostNames): Summary => ({
  ...summary,
  prices: firstCurrencies(summary.prices, most.currencies),
  triggers: highest(summary.triggers, most.names),
  versions: highest(summary.versions, most.names),
  failures: highest(summary.failures, most.failures),
});
