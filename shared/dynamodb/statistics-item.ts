import * as v from "valibot";
import type { AppKey } from "../contract/identifiers.ts";
import type { Grain } from "../domain/statistics/period.ts";
import { readSummary, writeSummary } from "../domain/statistics/summary-text.ts";
import type { Contribution, Mark, PeriodSummary, StoredSummary } from "../ports/statistics-store.ts";
import {
  contributionPartition,
  type ItemKey,
  momentOfStatistics,
  type StatisticsKind,
  statisticsPartition,
  statisticsSortKey,
} from "./table.ts";

type Item = Record<string, unknown>;

const KINDS: Readonly<Record<Grain, StatisticsKind>> = { quarter: "Q", hour: "H", day: "D" };

/** What sums of a grain are kept under. */
export const kindOfGrain = (grain: Grain): StatisticsKind => KINDS[grain];

/** The key of what is kept of one moment of an app. */
export const statisticsKey = ({ tenantId, appId }: AppKey, kind: StatisticsKind, moment: number): ItemKey => ({
  pk: statisticsPartition(tenantId, appId),
  sk: statisticsSortKey(kind, moment),
});

/** The item of what a run adds. A run that adds nothing any more has no `sum`. */
export const contributionItem = ({ tenantId, appId }: AppKey, quarter: number, of: Contribution): Item => ({
  pk: contributionPartition(tenantId, appId, quarter),
  sk: of.run,
  rev: of.moment.rev,
  touches: of.moment.touches,
  sum: of.summary && writeSummary(of.summary),
  expires_at: of.expiresAt,
});

const ContributionItem = v.object({
  sk: v.string(),
  rev: v.number(),
  touches: v.number(),
  sum: v.optional(v.string()),
  expires_at: v.number(),
});

/** What a run adds, read back. */
export const contributionFrom = (item: Item): Contribution => {
  const { sk, rev, touches, sum, expires_at } = v.parse(ContributionItem, item);
  return {
    run: sk,
    moment: { rev, touches },
    summary: sum === undefined ? undefined : readSummary(sum),
    expiresAt: expires_at,
  };
};

/** The attributes of a sum beside its key. */
export const summaryItem = (of: PeriodSummary, version: number): Item => ({
  version,
  sum: writeSummary(of.summary),
  final_at: of.finalAt,
  as_of: of.asOf,
});

const SummaryItem = v.object({
  sk: v.string(),
  version: v.number(),
  sum: v.string(),
  final_at: v.optional(v.number()),
  as_of: v.optional(v.number()),
});

/** A sum, read back. */
export const summaryFrom = (item: Item): StoredSummary => {
  const { sk, version, sum, final_at, as_of } = v.parse(SummaryItem, item);
  return { from: momentOfStatistics(sk), version, summary: readSummary(sum), finalAt: final_at, asOf: as_of };
};

const MarkItem = v.object({ sk: v.string(), mark: v.string() });

/** A mark, read back. */
export const markFrom = (item: Item): Mark => {
  const { sk, mark } = v.parse(MarkItem, item);
  return { quarter: momentOfStatistics(sk), mark };
};
