import type { AppKey } from "../contract/identifiers.ts";
import { canClose } from "../domain/finality.ts";
import { GRAIN_MS, GRAINS, type Grain, periodsIn, type Span } from "../domain/period.ts";
import { type Summary, type SummaryTotal, totalOfSummaries } from "../domain/summary.ts";
import type { StatisticsStore } from "../ports/statistics-store.ts";
import { sideBySide } from "./side-by-side.ts";

interface Stores {
  readonly statistics: StatisticsStore;
}

const READS_AT_A_TIME = 16;

/** Sums that are not wanted are read along where they cost less than another request. */
const MOST_READ_ALONG = 4;

/** Stretches of one grain to be read, each in one request or a few. */
const stretchesOf = (grain: Grain, begins: Iterable<number>): Span[] => {
  const stretches: { from: number; to: number }[] = [];
  for (const from of [...begins].sort((a, b) => a - b)) {
    const last = stretches.at(-1);
    if (last !== undefined && from - last.to <= MOST_READ_ALONG * GRAIN_MS[grain]) last.to = from + GRAIN_MS[grain];
    else stretches.push({ from, to: from + GRAIN_MS[grain] });
  }
  return stretches;
};

type Readers = ReadonlyMap<number, SummaryTotal>;

/** Adds the sums of these periods, those that are there, to the totals that they belong to. */
const addSums = (stores: Stores, app: AppKey, of: { readonly grain: Grain; readonly wanted: Readers }) =>
  sideBySide(stretchesOf(of.grain, of.wanted.keys()), READS_AT_A_TIME, async (stretch) => {
    for await (const { from, summary } of stores.statistics.list(app, of.grain, stretch)) {
      of.wanted.get(from)?.add(summary);
    }
  });

/** Quarters that have not been summed up yet are read run by run. */
const addRuns = ({ statistics }: Stores, app: AppKey, wanted: Readers) =>
  sideBySide(wanted, READS_AT_A_TIME, async ([quarter, total]) => {
    for await (const { summary } of statistics.contributions(app, quarter)) {
      if (summary !== undefined) total.add(summary);
    }
  });

/**
 * Quarters that are to be summed up anew, and have been before: a long run of theirs has ended since. Their sum will do
 * until then, which is a few minutes.
 */
const summedBefore = async (
  { statistics }: Stores,
  app: AppKey,
  of: { readonly marked: readonly number[]; readonly now: number },
): Promise<Set<number>> => {
  const due = of.marked.filter((quarter) => canClose(quarter, of.now));
  const found = new Set<number>();
  await sideBySide(stretchesOf("quarter", due), READS_AT_A_TIME, async (stretch) => {
    for await (const { from } of statistics.list(app, "quarter", stretch)) found.add(from);
  });
  return new Set(due.filter((quarter) => found.has(quarter)));
};

/**
 * What an app's runs come to in each of these spans of whole quarters, which follow one another without gaps. Reads the
 * fewest sums that cover them, and run by run only quarters that were never summed up: those of the last hour. Up to date
 * to the moment that each run was counted there, and elsewhere to the last summing up.
 */
export const readStatistics = async (
  stores: Stores,
  app: AppKey,
  { spans, now }: { readonly spans: readonly Span[]; readonly now: number },
): Promise<Summary[]> => {
  const [first, last] = [spans[0], spans.at(-1)];
  if (first === undefined || last === undefined) return [];
  const marks = await stores.statistics.marks(app, { span: { from: first.from, to: last.to } });
  const open = marks.map(({ quarter }) => quarter);
  const summed = await summedBefore(stores, app, { marked: open, now });
  const openQuarters = new Set(open.filter((quarter) => !summed.has(quarter)));
  const totals = spans.map(() => totalOfSummaries());
  const closed: Record<Grain, Map<number, SummaryTotal>> = { quarter: new Map(), hour: new Map(), day: new Map() };
  const runs = new Map<number, SummaryTotal>();
  for (const [index, span] of spans.entries()) {
    const total = totals[index] as SummaryTotal;
    for (const { grain, from } of periodsIn(span, open)) {
      if (grain === "quarter" && openQuarters.has(from)) runs.set(from, total);
      else closed[grain].set(from, total);
    }
  }
  for (const grain of GRAINS) await addSums(stores, app, { grain, wanted: closed[grain] });
  await addRuns(stores, app, runs);
  return totals.map((total) => total.sum());
};
