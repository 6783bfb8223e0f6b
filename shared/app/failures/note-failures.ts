import type { RunKey } from "../../contract/identifiers.ts";
import { TERMINAL_STATUSES } from "../../contract/run-status.ts";
import type { FailingRun, NodeFailure } from "../../domain/failures/node-failures.ts";
import { foldRun } from "../../domain/fold/run-fold.ts";
import { cutText, rowText } from "../../domain/row-text.ts";
import type { FailureRow, FailureStore, RunMoment, StoredFailure } from "../../ports/failure-store.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import type { ListedHeader, StoredHeader } from "../../ports/run-store.ts";
import { StoreFault } from "../../ports/store-fault.ts";
import { sideBySide } from "../side-by-side.ts";
import { readFailures } from "./read-failures.ts";

/** What noting failures works on. */
export interface FailureStores {
  readonly ledger: LedgerStore;
  readonly failures: FailureStore;
}

/** A run as it was read: its header (undefined: it is gone), what its ledger folds to, and the rows that it has. */
export interface NotedRun {
  readonly header: StoredHeader | undefined;
  readonly failures: readonly StoredFailure[];
  readonly state: FailingRun;
}

/** So many failures of one run are listed, the first in time; its trace shows all. */
const MOST_ROWS = 100;
/** How many bytes of JSON a row keeps of a node's type: lists ask for it, and so it is kept as they ask. */
export const MOST_NODE_TYPE_BYTES = 48;
const MOST_TITLE_BYTES = 48;
const MOST_ERROR_BYTES = 220;
/** How often a run can change while its failures are noted. */
const MOST_ROUNDS = 8;
const WRITES_AT_A_TIME = 16;
/** After any state that a run can have had. */
const AFTER_ALL: RunMoment = { rev: Number.MAX_SAFE_INTEGER, touches: 0 };

/** Whether a run in this state can have failures to note: it has ended, or had ended before it was claimed. */
export const mayHaveFailures = ({ row }: Pick<ListedHeader, "row">): boolean =>
  TERMINAL_STATUSES.has(row.status) || row.epoch > 1;

const rowOf = (header: StoredHeader, failure: NodeFailure): FailureRow[] => {
  const { runId, row, shard, expiresAt } = header;
  const { nodeExecutionId, nodeId, nodeType, title, epoch, finishedAt, elapsedTime, attempts } = failure;
  if (row.appId === undefined) return [];
  return [
    {
      runId,
      nodeExecutionId,
      appId: row.appId,
      shard,
      nodeId,
      nodeType: nodeType && rowText(nodeType, MOST_NODE_TYPE_BYTES),
      title: title && cutText(title, MOST_TITLE_BYTES),
      epoch,
      finishedAt,
      elapsedTime,
      attempts,
      error: cutText(failure.error, MOST_ERROR_BYTES),
      fingerprint: failure.fingerprint.hash,
      workflowVersion: row.workflowVersion,
      runStatus: row.status,
      expiresAt,
    },
  ];
};

const isSame = (a: FailureRow, b: FailureRow): boolean =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].every(
    (name) => a[name as keyof FailureRow] === b[name as keyof FailureRow],
  );

/** What must be written so that the rows there become the wanted ones. */
const changesBetween = (wanted: readonly FailureRow[], present: readonly StoredFailure[]) => {
  const there = new Map(present.map(({ row }) => [row.nodeExecutionId, row]));
  const ids = new Set(wanted.map(({ nodeExecutionId }) => nodeExecutionId));
  return {
    put: wanted.filter((row) => {
      const found = there.get(row.nodeExecutionId);
      return found === undefined || !isSame(found, row);
    }),
    remove: [...there.keys()].filter((id) => !ids.has(id)),
  };
};

/**
 * Brings the rows of a run's failures up to what the run is now. Repeating it changes nothing, and of several at once the
 * one that saw the latest state prevails: whoever has written looks at the run again, and goes on until nothing differs.
 * A run that is gone keeps no rows. Throws StoreFault; calling again then is safe.
 */
export const noteFailures = async (stores: FailureStores, run: RunKey, read: NotedRun): Promise<void> => {
  let { header, failures, state } = read;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = header === undefined ? [] : await readFailures(stores.ledger, run, state);
    const wanted =
      header === undefined ? [] : found.slice(0, MOST_ROWS).flatMap((one) => rowOf(header as StoredHeader, one));
    const { put, remove } = changesBetween(wanted, failures);
    if (put.length + remove.length === 0) return;
    const moment: RunMoment = header === undefined ? AFTER_ALL : { rev: header.rev, touches: header.touches };
    await sideBySide(put, WRITES_AT_A_TIME, (row) => stores.failures.put(run, { row, moment }));
    await sideBySide(remove, WRITES_AT_A_TIME, (id) => stores.failures.remove(run, id, moment));
    const record = await stores.ledger.readAll(run);
    ({ header, failures } = record);
    state = foldRun(record.entries);
  }
  throw new StoreFault("the run's failures change faster than they are noted", { cause: undefined, isRetryable: true });
};
