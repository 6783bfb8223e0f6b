import fc from "fast-check";
import * as v from "valibot";
import { LEDGER_START } from "../../shared/app/read/follow-ledger.ts";
import type { ReadRun } from "../../shared/app/read/read-run.ts";
import { asOf, snapshotOf } from "../../shared/app/read/run-snapshot.ts";
import { RunId } from "../../shared/contract/identifiers.ts";
import { entryOf, type LedgerEntry } from "../../shared/domain/fold/ledger.ts";
import { foldRun } from "../../shared/domain/fold/run-fold.ts";
import { rowOf } from "../../shared/domain/header.ts";
import { anyEvents, arrivalOf, type Sent, sent, viewOfState, ZERO } from "../support/builders.ts";

/** Entries of one event each, received so many seconds after the beginning. */
const received = (events: readonly Sent[], seconds: (index: number) => number): LedgerEntry[] =>
  events.map(({ actor, event }, index) => entryOf(arrivalOf([event], { actor, receivedAt: seconds(index) })));

const readRun = (entries: readonly LedgerEntry[], version: number): ReadRun => {
  const state = foldRun(entries);
  const header = { runId: v.parse(RunId, "run-1"), row: rowOf(state), rev: version } as ReadRun["header"];
  return { header, entries, failures: [], state };
};

const READ_AT = ZERO + 3_600_000;

describe("a run as of a moment", () => {
  it("is the run that was read, whatever is received since, or was on its way into the ledger", () => {
    const seconds = fc.array(fc.integer({ min: 0, max: 3600 }), { minLength: 20, maxLength: 20 });
    const late = fc.array(fc.integer({ min: 3600 - 20, max: 4000 }), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(anyEvents, anyEvents, seconds, late, (events, others, times, lateTimes) => {
        const there = received(events, (index) => times[index] ?? 0);
        const snapshot = snapshotOf(readRun(there, 3), READ_AT);
        const entries = [...there, ...received(others, (index) => lateTimes[index] ?? 3600)];

        const { header, state } = asOf(readRun(entries, 7), JSON.parse(JSON.stringify(snapshot)));

        expect(viewOfState(state)).toEqual(viewOfState(foldRun(there)));
        expect(header.row).toEqual(rowOf(foldRun(there)));
        expect(header.rev).toBe(others.length === 0 ? 7 : 3);
      }),
    );
  });

  it("is told in little where nothing was received lately", () => {
    const entries = received([sent("run.started"), sent("run.finished", { at: 1 })], (index) => index);

    expect(snapshotOf(readRun(entries, 2), READ_AT)).toEqual({ settled: READ_AT - 30_000, recent: [], version: 2 });
    expect(snapshotOf(readRun(entries, 2), 0).settled).toBe(LEDGER_START.settled);
  });

  it("is whole and told in little though there were more than 250 deliveries in the last half minute", () => {
    const events = Array.from({ length: 300 }, (_, index) =>
      sent("node.started", { node_execution_id: `n${String(index).padStart(3, "0")}`, at: index }),
    );
    const there = received(events, (index) => 3590 + index / 100);
    const snapshot = snapshotOf(readRun(there.toReversed(), 1), READ_AT);
    const later = received([sent("node.started", { node_execution_id: "later" })], () => 3599);

    expect(asOf(readRun([...later, ...there], 2), snapshot).state.nodes).toHaveLength(300);
    expect(snapshot.recent.length).toBeLessThanOrEqual(250);
    expect(JSON.stringify(snapshot).length).toBeLessThan(3000);
  });
});
