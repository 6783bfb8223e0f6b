import type { FollowStores } from "../../shared/app/follow/follow-changes.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { RunStore } from "../../shared/ports/run-store.ts";
import { memoryFailureStore } from "./memory-failure-store.ts";
import { memoryLedgerStore } from "./memory-ledger-store.ts";
import { memoryRunStore } from "./memory-run-store.ts";
import { memoryStatisticsStore } from "./memory-statistics-store.ts";

/** The stores of runs, and of what follows from them. */
export interface RunStores extends FollowStores {
  readonly runs: RunStore;
}

/** Stores without a database, each of which sees what the others hold. Nothing is kept yet. */
export const memoryStores = (clock: Clock): RunStores => {
  const runs = memoryRunStore();
  const failures = memoryFailureStore();
  const ledger = memoryLedgerStore({ runs, failuresOf: failures.rowsOf, clock });
  return { runs, ledger, failures, statistics: memoryStatisticsStore(), clock };
};
