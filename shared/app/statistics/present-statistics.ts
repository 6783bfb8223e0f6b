import { instantOf, showInstant } from "../../contract/instant.ts";
import { type JsonOutput, JsonText } from "../../contract/json-text.ts";
import { shownRowText, toldRowText } from "../../domain/row-text.ts";
import { averageMs, type LatencySketch, quantileMs } from "../../domain/statistics/latency-sketch.ts";
import type { Span } from "../../domain/statistics/period.ts";
import {
  COUNTED_STATUSES,
  type Counts,
  type MostNames,
  OTHER,
  type Summary,
  withFewNames,
} from "../../domain/statistics/summary.ts";
import { countUsers } from "../../domain/statistics/user-sketch.ts";

/** So many names a row tells apart, the rest as one: an answer of 1,000 rows has room for them. */
const ROW_NAMES: MostNames = { names: 20, failures: 20, currencies: 20 };
/** The total of an answer tells more of them. */
const TOTAL_NAMES: MostNames = { names: 100, failures: 100, currencies: 100 };

const highestFirst = (counts: Counts): (readonly [name: string, count: number])[] =>
  [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));

/** Texts that were cut are shown as far as they go; where that looks like another, with what tells them apart. */
const showNames = (counts: Counts): ReadonlyMap<string, number> => {
  const alike = Map.groupBy(counts.keys(), shownRowText);
  const show = (name: string): string => {
    const shown = shownRowText(name);
    return alike.get(shown)?.length === 1 ? shown : toldRowText(name);
  };
  return new Map(highestFirst(counts).map(([name, count]) => [show(name), count]));
};

const showFailures = (failures: Counts): JsonOutput =>
  highestFirst(failures).map(([name, count]) => {
    const [nodeId, fingerprint] = name === OTHER ? [OTHER, null] : name.split("\n");
    return { node_id: nodeId || null, fingerprint: fingerprint ?? null, count };
  });

const showSeconds = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms) / 1000);

const showLatency = (latency: LatencySketch): JsonOutput => ({
  avg: showSeconds(averageMs(latency)),
  p50: showSeconds(quantileMs(latency, 0.5)),
  p95: showSeconds(quantileMs(latency, 0.95)),
  p99: showSeconds(quantileMs(latency, 0.99)),
});

const showRuns = (runs: Counts): JsonOutput => {
  const byStatus = COUNTED_STATUSES.map((status) => [status, runs.get(status) ?? 0] as const);
  return new Map<string, number>([["total", byStatus.reduce((sum, [, count]) => sum + count, 0)], ...byStatus]);
};

const present = (span: Span, summary: Summary, most: MostNames): Readonly<Record<string, JsonOutput>> => {
  const few = withFewNames(summary, most);
  return {
    from: showInstant(instantOf(span.from)),
    to: showInstant(instantOf(span.to)),
    runs: showRuns(few.runs),
    distinct_users: countUsers(few.users),
    total_tokens: new JsonText(String(few.tokens)),
    price: few.prices,
    ...(few.prices.size < summary.prices.size ? { price_more: summary.prices.size - few.prices.size } : {}),
    elapsed_time: showLatency(few.latency),
    by_trigger: showNames(few.triggers),
    by_workflow_version: showNames(few.versions),
    failures: showFailures(few.failures),
  };
};

/** One interval of an app's statistics. */
export const presentInterval = (span: Span, summary: Summary): JsonOutput => present(span, summary, ROW_NAMES);

/** All intervals of an answer together. */
export const presentTotal = (span: Span, summary: Summary): JsonOutput => present(span, summary, TOTAL_NAMES);
