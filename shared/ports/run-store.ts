import type { AppId, RunId, RunKey, TenantId } from "../contract/identifiers.ts";
import type { Instant } from "../contract/instant.ts";
import type { Header, HeaderFinish } from "../domain/header.ts";
import type { RunStatus } from "../domain/run-fold.ts";

/** A header as stored. `rev` rises by one with each write: the version that callers see. */
export interface StoredHeader extends Header {
  readonly runId: RunId;
  readonly rev: number;
}

/** What a list shows of a run: a header without what only writers need. */
export type ListedHeader = Pick<StoredHeader, "runId" | "rev" | "row" | "listedAt" | "expiresAt">;

/** Where a page of a list begins: after this run. */
export interface ListPosition {
  readonly listedAt: Instant;
  readonly runId: string;
}

/** Which headers of an app are asked for. */
export interface ListQuery {
  readonly tenantId: TenantId;
  readonly appId: AppId;
  /** Undefined: of any status. */
  readonly status: RunStatus | undefined;
  readonly after: ListPosition | undefined;
  readonly limit: number;
  readonly isOldestFirst?: boolean;
}

/**
 * Headers of runs. Every write is conditional and answers whether it took effect; false means that another state was
 * found, and changes nothing. `find` is strongly consistent, `list` eventually (within about a second).
 * Failures of the store are thrown as StoreFault.
 */
export interface RunStore {
  find(run: RunKey): Promise<StoredHeader | undefined>;
  /** Only where the run has no header. */
  create(run: RunKey, header: Header): Promise<boolean>;
  /** Only on a header in phase `started` of the same app. */
  finish(run: RunKey, finish: HeaderFinish): Promise<boolean>;
  /** Only on the header of this `rev`. */
  replace(run: RunKey, header: Header, rev: number): Promise<boolean>;
  /** Newest first where not asked otherwise, in a total order (start, then run id). May give fewer than `limit`; `hasMore` tells. */
  list(query: ListQuery): Promise<{ headers: ListedHeader[]; hasMore: boolean }>;
}
