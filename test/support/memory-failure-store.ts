import type { RunKey } from "../../shared/contract/identifiers.ts";
import { failureSortKey } from "../../shared/dynamodb/table.ts";
import type { FailureRow, FailureStore, RunMoment, StoredFailure } from "../../shared/ports/failure-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";

/** The rows, and how they are read with their run. */
export interface MemoryFailureStore extends FailureStore {
  rowsOf(run: RunKey): StoredFailure[];
}

const nameOf = ({ tenantId, runId }: RunKey): string => `${tenantId}#${runId}`;
const isLater = (a: RunMoment, b: RunMoment): boolean => (a.rev - b.rev || a.touches - b.touches) > 0;

/** Rows of failures without a database: passes the contract of its port, and is quick. `isBroken`: every call fails. */
export const memoryFailureStore = (of: { readonly isBroken?: boolean } = {}): MemoryFailureStore => {
  const runs = new Map<string, Map<string, StoredFailure>>();
  const check = (): void => {
    if (of.isBroken) throw new StoreFault("nobody is there", { cause: new Error("broken"), isRetryable: true });
  };
  const rowsOf = (run: RunKey): Map<string, StoredFailure> => {
    const rows = runs.get(nameOf(run)) ?? new Map<string, StoredFailure>();
    runs.set(nameOf(run), rows);
    return rows;
  };
  const hasLater = (run: RunKey, nodeExecutionId: string, moment: RunMoment): boolean => {
    const present = rowsOf(run).get(nodeExecutionId);
    return present !== undefined && isLater(present.moment, moment);
  };
  return {
    rowsOf: (run) => [...rowsOf(run).values()].sort((a, b) => (a.row.nodeExecutionId < b.row.nodeExecutionId ? -1 : 1)),
    put: async (run, stored) => {
      check();
      if (hasLater(run, stored.row.nodeExecutionId, stored.moment)) return false;
      rowsOf(run).set(stored.row.nodeExecutionId, stored);
      return true;
    },
    remove: async (run, nodeExecutionId, moment) => {
      check();
      if (hasLater(run, nodeExecutionId, moment)) return false;
      rowsOf(run).delete(nodeExecutionId);
      return true;
    },
    removeAll: async (run) => {
      check();
      runs.delete(nameOf(run));
    },
    list: async ({ tenantId, appId, shard, since, before, after, limit }) => {
      check();
      const isMeant = (row: FailureRow): boolean =>
        row.appId === appId &&
        row.shard === shard &&
        (since === undefined || row.finishedAt >= since) &&
        (before === undefined || row.finishedAt < before) &&
        (after === undefined ||
          failureSortKey(row) < failureSortKey(after) ||
          (after.isIncluded === true && failureSortKey(row) === failureSortKey(after)));
      const found = [...runs]
        .filter(([name]) => name.startsWith(`${tenantId}#`))
        .flatMap(([, rows]) => [...rows.values()].map(({ row }) => row).filter(isMeant))
        .sort((a, b) => (failureSortKey(a) < failureSortKey(b) ? 1 : -1));
      return { rows: found.slice(0, limit), hasMore: found.length > limit };
    },
  };
};
