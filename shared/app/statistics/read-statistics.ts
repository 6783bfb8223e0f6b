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

/**
 * Where marked quarters would make one call read more sums, it looks at half as many of them, the newest, or half of
 * those. A sum is some 5 KB where it is of many runs, 1 KB where it is of a hundred.
 */
export const MOST_SUMS = 3000;

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

/** What is read for spans. */
interface Plan {
  /** Quarters that stand alone, as a mark says them to be out of date. */
  readonly marked: readonly number[];
  /** The periods that make up the spans, by their begin: the position of the span that each belongs to. */
  readonly parts: Readonly<Record<Grain, ReadonlyMap<number, number>>>;
  readonly stretches: readonly Stretch[];
}

const planOf = (spans: readonly Span[], marked: readonly number[]): Plan => {
  const parts: Record<Grain, Map<number, number>> = { quarter: new Map(), hour: new Map(), day: new Map() };
  for (const [index, span] of spans.entries()) {
    for (const { grain, from } of periodsIn(span, marked)) parts[grain].set(from, index);
  }
  return { marked, parts, stretches: GRAINS.flatMap((grain) => stretchesOf(grain, parts[grain].keys())) };
};

const sumsIn = ({ stretches }: Plan): number =>
  stretches.reduce((count, { grain, span }) => count + (span.to - span.from) / GRAIN_MS[grain], 0);

/** How many sums are read at the most for spans of whole quarters of which none is marked. */
export const sumsToRead = (spans: readonly Span[]): number => sumsIn(planOf(spans, []));

/** The plan that looks at the most of the marked quarters, which come newest first, within the bound. */
const boundedPlan = (spans: readonly Span[], marked: readonly number[]): Plan => {
  const plan = planOf(spans, marked);
  if (marked.length === 0 || sumsIn(plan) <= MOST_SUMS) return plan;
  return boundedPlan(spans, marked.slice(0, Math.floor(marked.length / 2)));
};

/** Reads quarters run by run, the newest first; false where there was more than `mostRuns`. */
const addRuns = async (
  { statistics }: Stores,
  app: AppKey,
  of: { readonly wanted: ReadonlyMap<number, SummaryTotal>; readonly mostRuns: number },
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
 * are of few runs. Of marked quarters those sums are taken that will do until they are made anew, which is a few minutes:
 * provisional ones, and those of quarters that a long run of theirs has ended in since. Up to date to the moment that
 * each run was counted there, and elsewhere to the last summing up, of which the answer tells. Reads {@link MOST_SUMS} at
 * the most, where {@link sumsToRead} says no more, and runs by `most`.
 */
export const readStatistics = async (
  { statistics }: Stores,
  app: AppKey,
  of: { readonly spans: readonly Span[]; readonly now: number; readonly most?: MostUnsummed },
): Promise<ReadStatistics> => {
  const { spans, now, most = MOST_UNSUMMED } = of;
  const [first, last] = [spans[0], spans.at(-1)];
  if (first === undefined || last === undefined) return { sums: [], isComplete: true, asOf: undefined };
  const found = await statistics.marks(app, {
    span: { from: first.from, to: last.to },
    limit: most.quarters + 1,
    isNewestFirst: true,
  });
  const newest = found.slice(0, most.quarters).map(({ quarter }) => quarter);
  const { marked, parts, stretches } = boundedPlan(spans, newest);

  const totals = spans.map(() => totalOfSummaries());
  const totalFor = (grain: Grain, from: number): SummaryTotal | undefined => totals[parts[grain].get(from) ?? -1];
  const apart = new Map(marked.map((quarter) => [quarter, totalFor("quarter", quarter) as SummaryTotal]));
  const moments: (number | undefined)[] = [];
  const take = (grain: Grain, { from, summary, asOf }: StoredSummary): void => {
    if (grain === "quarter" && apart.has(from)) {
      const willDo = asOf !== undefined || canClose(from, now);
      if (!willDo) return;
      apart.delete(from);
      moments.push(asOf);
    }
    totalFor(grain, from)?.add(summary);
  };
  await sideBySide(stretches, STRETCHES_AT_A_TIME, async ({ grain, span }) => {
    for await (const sum of statistics.list(app, grain, span)) take(grain, sum);
  });
  const areRunsWhole = await addRuns({ statistics }, app, { wanted: apart, mostRuns: most.runs });
  const isWhole = areRunsWhole && marked.length === found.length;
  return {
    sums: totals.map((total) => total.sum()),
    isComplete: isWhole && moments.length === 0,
    asOf: isWhole ? earliest(moments) : undefined,
  };
};
