import { compareText } from "../../domain/fold/member.ts";
import { foldRun } from "../../domain/fold/run-fold.ts";
import { rowOf } from "../../domain/header.ts";
import { markOf, SETTLED_AFTER_MS } from "./follow-ledger.ts";
import type { ReadRun } from "./read-run.ts";

/**
 * A run as somebody has read it, told in few characters: entries are never changed, so those that were there make the
 * same state again, whatever has come since.
 */
export interface RunSnapshot {
  /** Milliseconds since 1970: every entry received up to then was there. */
  readonly settled: number;
  /** The ends of the ULIDs of those that were there and were received later. */
  readonly recent: readonly string[];
  readonly version: number;
}

/** Cursors of two runs travel in one URL: at eleven characters an entry this is what fits. */
const MOST_RECENT = 250;

/**
 * What tells a run as it was read by this moment (milliseconds since 1970). Of a run with more than 250 deliveries in
 * the last half minute it names the newest: one that was received before them, and came late into the ledger, is let in.
 */
export const snapshotOf = (run: ReadRun, readAt: number): RunSnapshot => {
  const since = Math.max(0, readAt - SETTLED_AFTER_MS);
  const newest = run.entries
    .filter(({ receivedAt }) => receivedAt > since)
    .sort((a, b) => b.receivedAt - a.receivedAt || compareText(b.ulid, a.ulid));
  const settled = newest[MOST_RECENT]?.receivedAt ?? since;
  const recent = newest.filter(({ receivedAt }) => receivedAt > settled).reverse();
  return { settled, recent: recent.map(markOf), version: run.header.rev };
};

/** A run as it was when the snapshot was made. What was decided since about how long it is kept holds all the same. */
export const asOf = (run: ReadRun, { settled, recent, version }: RunSnapshot): ReadRun => {
  const known = new Set(recent);
  const entries = run.entries.filter((entry) => entry.receivedAt <= settled || known.has(markOf(entry)));
  if (entries.length === run.entries.length) return run;
  const state = foldRun(entries);
  return { ...run, header: { ...run.header, rev: version, row: rowOf(state) }, entries, state };
};
