import type { AppId, RunId, RunKey, TenantId } from "../contract/identifiers.ts";
import type { Instant } from "../contract/instant.ts";
import type { RunStatus } from "../contract/run-status.ts";
import type { NodeFailure } from "../domain/failures/node-failures.ts";
import type { StoredHeader } from "./run-store.ts";

/**
 * A failed node execution as lists show it. Texts are capped, so that a row whose ids are as long as UUIDs stays under
 * 1 KB.
 */
export interface FailureRow extends Omit<NodeFailure, "fingerprint"> {
  readonly runId: RunId;
  readonly appId: AppId;
  /** The part of the app's lists that it is written to: the run's. */
  readonly shard: number;
  /** As rows keep texts that lists ask for: cut, it ends in a hash. The workflow's version too. */
  readonly nodeType: string | undefined;
  /** The hash of the whole error's fingerprint. */
  readonly fingerprint: string;
  readonly workflowVersion: string | undefined;
  readonly runStatus: RunStatus;
  /** The run's (seconds since 1970, or NEVER). */
  readonly expiresAt: number;
}

/** The state of a run that a row was made from: of two states the later one has the higher `rev`, then more touches. */
export type RunMoment = Pick<StoredHeader, "rev" | "touches">;

/** A row as stored. */
export interface StoredFailure {
  readonly row: FailureRow;
  readonly moment: RunMoment;
}

/** Where a page of failures begins: after this one, or with it. */
export interface FailurePosition extends Pick<FailureRow, "finishedAt" | "runId" | "nodeExecutionId"> {
  readonly isIncluded?: boolean | undefined;
}

/** Which failures of an app are asked for. */
export interface FailureQuery {
  readonly tenantId: TenantId;
  readonly appId: AppId;
  readonly shard: number;
  /** Those that ended before this moment are left out. */
  readonly since: Instant | undefined;
  /** Those that ended at this moment or later are left out. */
  readonly before: Instant | undefined;
  readonly after: FailurePosition | undefined;
  readonly limit: number;
}

/**
 * Rows of failed node executions, each in its run's partition: `LedgerStore.readAll` gives those of a run, and
 * `removeAll` removes them. Every write is conditional and answers whether it took effect; false means that a later state
 * of the run was found, and changes nothing. `list` is eventually consistent (within about a second). Failures of the
 * store are thrown as StoreFault; every call can be repeated safely.
 */
export interface FailureStore {
  /** Only where the row is not there, or of this state of the run or an earlier one. */
  put(run: RunKey, stored: StoredFailure): Promise<boolean>;
  /** Only where the row is of this state of the run or an earlier one; true where there is none. */
  remove(run: RunKey, nodeExecutionId: string, moment: RunMoment): Promise<boolean>;
  /** Removes every row of a run that is gone for readers. */
  removeAll(run: RunKey): Promise<void>;
  /** Newest first, in a total order (end, run id, node execution id). May give fewer than `limit`; `hasMore` tells. */
  list(query: FailureQuery): Promise<{ rows: FailureRow[]; hasMore: boolean }>;
}
