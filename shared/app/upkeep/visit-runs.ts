import type { ListedHeader, ListPosition } from "../../ports/run-store.ts";
import { positionOf } from "../lists/merge-lists.ts";
import { sideBySide } from "../side-by-side.ts";

/** How far one visit goes. */
export interface VisitLimits {
  /** Runs that are looked at, at the most. */
  readonly mostRuns: number;
  /** Whether there is no time to begin anything more. */
  readonly isOutOfTime: () => boolean;
}

/** What a visit has seen. */
export interface Visited {
  /** The last run that was looked at; undefined: none. */
  readonly after: ListPosition | undefined;
  /** Whether every run was looked at. */
  readonly isOver: boolean;
  readonly seen: number;
  /** What went wrong, run by run. */
  readonly failures: readonly unknown[];
}

const RUNS_AT_A_TIME = 8;
const BATCH = 32;

/**
 * Does something with each of many runs, as far as the limits go. `index` counts them. What is wrong with one run does
 * not keep the others from being dealt with; what fails in reading them is thrown.
 */
export const visitRuns = async (
  headers: AsyncIterable<ListedHeader>,
  { mostRuns, isOutOfTime }: VisitLimits,
  work: (header: ListedHeader, index: number) => Promise<void>,
): Promise<Visited> => {
  const failures: unknown[] = [];
  let after: ListPosition | undefined;
  let seen = 0;
  let batch: ListedHeader[] = [];
  const workOff = async (): Promise<void> => {
    const numbered = batch.map((header, at) => [header, seen + at] as const);
    await sideBySide(numbered, RUNS_AT_A_TIME, ([header, index]) =>
      work(header, index).catch((error: unknown) => failures.push(error)),
    );
    const last = batch.at(-1);
    after = last === undefined ? after : positionOf(last);
    seen += batch.length;
    batch = [];
  };
  for await (const header of headers) {
    batch.push(header);
    if (batch.length < Math.min(BATCH, mostRuns - seen)) continue;
    await workOff();
    if (seen >= mostRuns || isOutOfTime()) return { after, isOver: false, seen, failures };
  }
  await workOff();
  return { after, isOver: true, seen, failures };
};
