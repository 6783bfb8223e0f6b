import type { AppKey, RunId, RunKey } from "../../contract/identifiers.ts";
import { instantOf } from "../../contract/instant.ts";
import { shardsToRead } from "../../domain/app-settings.ts";
import { foldRun } from "../../domain/fold/run-fold.ts";
import { contributionExpiry } from "../../domain/statistics/finality.ts";
import {
  endOf,
  GRAIN_MS,
  GRAINS,
  type Grain,
  type Period,
  periodOf,
  periodsIn,
  quarterOf,
  type Span,
} from "../../domain/statistics/period.ts";
import { summaryOfRun } from "../../domain/statistics/run-summary.ts";
import { type Summary, sumOf } from "../../domain/statistics/summary.ts";
import { writeSummary } from "../../domain/statistics/summary-text.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import type { ListedHeader, ListPosition, RunStore } from "../../ports/run-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import type { Contribution } from "../../ports/statistics-store.ts";
import { readFailures } from "../failures/read-failures.ts";
import { sideBySide } from "../side-by-side.ts";
import { sumPeriod, sumQuarter } from "./close-statistics.ts";
import { type CountStores, countedName, isFinal, placeName, placeOf } from "./contribute.ts";

/** The stores that recounting needs. */
export interface RecountStores extends CountStores {
  readonly ledger: LedgerStore;
  readonly runs: Pick<RunStore, "list">;
  readonly settings: Pick<SettingsStore, "ofTenant">;
}

/** What statistics say, and what a recount says: of a run in its quarter, or of a sum of what it is made of. */
export interface Difference {
  readonly of: { readonly runId: RunId } | { readonly grain: Grain };
  /** The begin of the period (milliseconds since 1970). */
  readonly from: number;
  /** Undefined: nothing is counted. */
  readonly counted: Summary | undefined;
  readonly recounted: Summary | undefined;
}

/** How much was compared. */
export interface Recount {
  /** Runs that were folded again. */
  runs: number;
  /** Runs that are counted and of which no ledger is left, or that moved elsewhere since. */
  gone: number;
  /** Runs of quarters that can be corrected no more. */
  final: number;
  /** Sums that were made again. */
  sums: number;
}

/** What to recount, and what to do. */
export interface RecountQuestion {
  readonly app: AppKey;
  /** Of whole days. */
  readonly span: Span;
  /** Whether to put right what differs. */
  readonly isWriting: boolean;
  /** Is told each difference. */
  tell(difference: Difference): void;
}

const RUNS_AT_A_TIME = 16;
const ROWS_A_PAGE = 250;

/** The headers of an app's runs within a span, shard after shard. */
async function* runsWithin(
  stores: RecountStores,
  { tenantId, appId }: AppKey,
  span: Span,
): AsyncGenerator<ListedHeader> {
  const shards = shardsToRead(await stores.settings.ofTenant(tenantId), appId);
  const [from, before] = [instantOf(span.from), instantOf(span.to)];
  for (let shard = 0; shard < shards; shard++) {
    for (let after: ListPosition | undefined, hasMore = true; hasMore; ) {
      const query = { tenantId, appId, shard, status: undefined, from, before, after, limit: ROWS_A_PAGE };
      const page = await stores.runs.list({ ...query, isOldestFirst: true });
      yield* page.headers;
      after = page.headers.at(-1) ?? after;
      hasMore = page.hasMore;
    }
  }
}

const textOf = (summary: Summary | undefined): string => (summary === undefined ? "" : writeSummary(summary));

/** Compares one run with what is counted of it, and puts it right where that is asked for. */
const recountRun = async (
  stores: RecountStores,
  of: RecountQuestion & { readonly quarter: number; readonly counted: Contribution | undefined },
  run: RunKey,
): Promise<void> => {
  const { header, entries } = await stores.ledger.readAll(run);
  const place = placeOf(run, header);
  const state = foldRun(entries);
  const isHere = place !== undefined && placeName(place) === placeName({ app: of.app, quarter: of.quarter });
  const recounted = isHere ? summaryOfRun(state, await readFailures(stores.ledger, run, state)) : undefined;
  const counted = of.counted?.summary;
  if (header === undefined || textOf(counted) === textOf(recounted)) return;
  of.tell({ of: { runId: run.runId }, from: of.quarter, counted, recounted });
  if (!of.isWriting) return;
  const contribution: Contribution = {
    run: countedName(run.runId),
    moment: { rev: header.rev, touches: header.touches },
    summary: recounted,
    expiresAt: contributionExpiry(stores.clock.now()),
  };
  await stores.statistics.contribute(of.app, of.quarter, contribution, true);
  await stores.statistics.mark(of.app, of.quarter);
};

/** Compares the runs of one quarter. */
const recountQuarter = async (
  stores: RecountStores,
  question: RecountQuestion,
  of: { readonly quarter: number; readonly runIds: readonly RunId[]; readonly done: Recount },
): Promise<void> => {
  const { app } = question;
  const { quarter, runIds, done } = of;
  if (await isFinal(stores, { app, quarter })) {
    done.final += runIds.length;
    return;
  }
  const counted = new Map<string, Contribution>();
  for await (const one of stores.statistics.contributions(app, quarter)) counted.set(one.run, one);
  await sideBySide(runIds, RUNS_AT_A_TIME, async (runId) => {
    const name = countedName(runId);
    const known = counted.get(name);
    counted.delete(name);
    await recountRun(stores, { ...question, quarter, counted: known }, { tenantId: app.tenantId, runId });
  });
  done.runs += runIds.length;
  done.gone += [...counted.values()].filter(({ summary }) => summary !== undefined).length;
};

/** A sum made again from what it is made of; undefined where that cannot be: something is waiting, or final. */
const sumAgain = async (stores: RecountStores, app: AppKey, period: Period): Promise<Summary | undefined> => {
  const { grain } = period;
  if (grain !== "quarter") return sumPeriod(stores, app, { ...period, grain });
  if (await isFinal(stores, { app, quarter: period.from })) return undefined;
  return (await sumQuarter(stores, app, { quarter: period.from })).summary;
};

const EMPTY = writeSummary(sumOf([]));

/** Compares the sums of one grain that no mark says to be out of date; those of `parts` must be there. */
const recountSums = async (
  stores: RecountStores,
  question: RecountQuestion,
  of: { readonly grain: Grain; readonly span: Span; readonly parts: Iterable<number>; readonly done: Recount },
): Promise<number[]> => {
  const { app, tell, isWriting } = question;
  const marks = await stores.statistics.marks(app, { span: of.span });
  const sums = new Map<number, Summary | undefined>();
  for (const part of of.parts) sums.set(periodOf(of.grain, part).from, undefined);
  for await (const { from, summary } of stores.statistics.list(app, of.grain, of.span)) sums.set(from, summary);
  for (const [from, counted] of sums) {
    const period: Period = { grain: of.grain, from };
    if (marks.some(({ quarter }) => quarter >= from && quarter < endOf(period))) continue;
    const recounted = await sumAgain(stores, app, period);
    if (recounted === undefined) continue;
    of.done.sums++;
    if ((textOf(counted) || EMPTY) === textOf(recounted)) continue;
    tell({ of: { grain: of.grain }, from, counted, recounted });
    if (isWriting) await stores.statistics.mark(app, from);
  }
  return [...sums.keys()];
};

/**
 * Counts an app's runs again from their ledgers and compares: what each run adds with what its ledger folds to, and
 * each sum with its parts, day by day. With `isWriting` it puts right what runs add and marks what is to be summed up
 * again; the sums follow when statistics are closed. Reads every run of the span. Safe to repeat and to stop anywhere.
 */
export const recountStatistics = async (stores: RecountStores, question: RecountQuestion): Promise<Recount> => {
  const done: Recount = { runs: 0, gone: 0, final: 0, sums: 0 };
  for (const day of periodsIn(question.span)) {
    const span = { from: day.from, to: day.from + GRAIN_MS[day.grain] };
    const byQuarter = new Map<number, RunId[]>();
    for await (const { listedAt, runId } of runsWithin(stores, question.app, span)) {
      const quarter = quarterOf(listedAt);
      byQuarter.set(quarter, [...(byQuarter.get(quarter) ?? []), runId]);
    }
    for (const [quarter, runIds] of byQuarter) {
      await recountQuarter(stores, question, { quarter, runIds, done });
    }
    let parts: Iterable<number> = byQuarter.keys();
    for (const grain of GRAINS) parts = await recountSums(stores, question, { grain, span, parts, done });
  }
  return done;
};
