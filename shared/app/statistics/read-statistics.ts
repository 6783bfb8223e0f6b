import type { AppKey } from "../../contract/identifiers.ts";
import { canClose } from "../../domain/statistics/finality.ts";
import { GRAIN_MS, GRAINS, type Grain, periodsIn, type Span } from "../../domain/statistics/period.ts";
import { type Summary, type SummaryTotal, totalOfSummaries } from "../../domain/statistics/summary.ts";
import type { StatisticsStore, StoredSummary } from "../../ports/statistics-store.ts";
import { sideBySide } from "../side-by-side.ts";
import { MOST_RUNS_APART } from "./close-statistics.ts";

interface Stores {
  readonly statistics: StatisticsStore;
}

/** How much of what was not summed up yet one call reads. */
export interface MostUnsummed {
  /** Quarters that a mark says to be out of date, the newest first; of the others it takes what their sums say. */
  readonly quarters: number;
  /** Runs, where quarters are read run by run; what else is on their pages, of up to four quarters, is read along. */
  readonly runs: number;
}

/** A day of quarters; four quarters are open at a time, each of few runs or with a provisional sum soon. */
export const MOST_UNSUMMED: MostUnsummed = { quarters: 100, runs: 4 * MOST_RUNS_APART };

/** What runs come to, and whether all runs that are counted are in it. */
export interface ReadStatistics {
  /** One for each span. */
  readonly sums: Summary[];
  /** Else something is out of date for some minutes, until the next summing up. */
  readonly isComplete: boolean;
  /** Where it is not: all that was counted until then is in it (milliseconds since 1970). Undefined: that is not known. */
  readonly asOf: number | undefined;
}

const STRETCHES_AT_A_TIME = 16;
/** Few quarters are open, and so little is read along where reading ends. */
const QUARTERS_AT_A_TIME = 4;

/** Sums that are not wanted are read along where they cost less than another request. */
const MOST_READ_ALONG = 4;

/** So many sums of a busy app fill a page of 1 MB: what is longer is read in several places at once. */
const LONGEST_STRETCH = 200;

interface Stretch {
  readonly grain: Grain;
  readonly span: Span;
}

/** Stretches of one grain to be read, each in one request or a few. */
const stretchesOf = (grain: Grain, begins: Iterable<number>): Stretch[] => {
  const length = GRAIN_MS[grain];
  const spans: { from: number; to: number }[] = [];
  for (const from of [...begins].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    const isNear = last !== undefined && from - last.to <= MOST_READ_ALONG * length;
    if (isNear && from - last.from < LONGEST_STRETCH * length) last.to = from + length;
    else spans.push({ from, to: from + length });
  }
  return spans.map((span) => ({ grain, span }));
};

const readStretches = (
  { statistics }: Stores,
  app: AppKey,
  of: { readonly stretches: readonly Stretch[]; take(grain: Grain, sum: StoredSummary): void },
): Promise<void> =>
  sideBySide(of.stretches, STRETCHES_AT_A_TIME, async ({ grain, span }) => {
    for await (const sum of statistics.list(app, grain, span)) of.take(grain, sum);
  });

/**
 * Sums of marked quarters that will do until they are made anew, which is a few minutes: provisional ones, and those of
 * quarters that a long run of theirs has ended in since.
 */
const sumsOfMarked = async (
  stores: Stores,
  app: AppKey,
  of: { readonly marked: readonly number[]; readonly now: number },
): Promise<Map<number, StoredSummary>> => {
  const marked = new Set(of.marked);
  const found = new Map<number, StoredSummary>();
  await readStretches(stores, app, {
    stretches: stretchesOf("quarter", marked),
    take: (_grain, sum) => {
      const willDo = sum.asOf !== undefined || canClose(sum.from, of.now);
      if (marked.has(sum.from) && willDo) found.set(sum.from, sum);
    },
  });
  return found;
};

type Totals = Map<number, SummaryTotal>;

/** Reads quarters run by run, the newest first; false where there was more than `mostRuns`. */
const addRuns = async (
  { statistics }: Stores,
  app: AppKey,
  of: { readonly wanted: Totals; readonly mostRuns: number },
): Promise<boolean> => {
  const newestFirst = [...of.wanted].sort(([a], [b]) => b - a);
  let [left, isWhole] = [of.mostRuns, true];
  const addQuarter = async (quarter: number, total: SummaryTotal): Promise<boolean> => {
    if (left <= 0) return false;
    for await (const { summary } of statistics.contributions(app, quarter)) {
      if (left <= 0) return false;
      left--;
      if (summary !== undefined) total.add(summary);
    }
    return true;
  };
  await sideBySide(newestFirst, QUARTERS_AT_A_TIME, async ([quarter, total]) => {
    if (!(await addQuarter(quarter, total))) isWhole = false;
  });
  return isWhole;
};

/** The earliest of the moments, where each is known. */
const earliest = (moments: readonly (number | undefined)[]): number | undefined => {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 || known.length < moments.length ? undefined : Math.min(...known);
};

/**
 * What an app's runs come to in each of these spans of whole quarters, which follow one another without gaps. Reads the
 * fewest sums that cover them, and run by run only quarters that were never summed up: those of the last hour, where they
 * are of few runs. Up to date to the moment that each run was counted there, and elsewhere to the last summing up, of
 * which the answer tells. Bounded by the number of sums and by `most`.
 */
export const readStatistics = async (
  stores: Stores,
  app: AppKey,
  of: { readonly spans: readonly Span[]; readonly now: number; readonly most?: MostUnsummed },
): Promise<ReadStatistics> => {
  const { spans, now, most = MOST_UNSUMMED } = of;
  const [first, last] = [spans[0], spans.at(-1)];
  if (first === undefined || last === undefined) return { sums: [], isComplete: true, asOf: undefined };
  const found = await stores.statistics.marks(app, {
    span: { from: first.from, to: last.to },
    limit: most.quarters + 1,
    isNewestFirst: true,
  });
  const marked = found.slice(0, most.quarters).map(({ quarter }) => quarter);
  const summed = await sumsOfMarked(stores, app, { marked, now });
  const apart = new Set(marked.filter((quarter) => !summed.has(quarter)));

  const totals = spans.map(() => totalOfSummaries());
  const closed: Record<Grain, Totals> = { quarter: new Map(), hour: new Map(), day: new Map() };
  const runs: Totals = new Map();
  for (const [index, span] of spans.entries()) {
    const total = totals[index] as SummaryTotal;
    for (const { grain, from } of periodsIn(span, marked)) {
      const sum = grain === "quarter" ? summed.get(from) : undefined;
      if (sum !== undefined) total.add(sum.summary);
      else if (grain === "quarter" && apart.has(from)) runs.set(from, total);
      else closed[grain].set(from, total);
    }
  }
  await readStretches(stores, app, {
    stretches: GRAINS.flatMap((grain) => stretchesOf(grain, closed[grain].keys())),
    take: (grain, { from, summary }) => closed[grain].get(from)?.add(summary),
  });
  const isWhole = (await addRuns(stores, app, { wanted: runs, mostRuns: most.runs })) && found.length <= most.quarters;
  return {
    sums: totals.map((total) => total.sum()),
    isComplete: isWhole && summed.size === 0,
    asOf: isWhole ? earliest([...summed.values()].map(({ asOf }) => asOf)) : undefined,
  };
};
