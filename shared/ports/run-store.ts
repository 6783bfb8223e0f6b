import type { AppId, RunId, RunKey, TenantId } from "../contract/identifiers.ts";
import type { Instant } from "../contract/instant.ts";
import type { RunStatus } from "../contract/run-status.ts";
import type { Header, HeaderFinish } from "../domain/header.ts";

/** A header as stored. `rev` rises by one with each write: the version that callers see. */
export interface StoredHeader extends Header {
  readonly runId: RunId;
  readonly rev: number;
  /** How often node events arrived after the run had ended. Together with `rev` it orders the states that a run had. */
  readonly touches: number;
  /** Why it can neither expire nor be deleted; undefined: it can. */
  readonly hold: LegalHold | undefined;
}

/** A run under legal hold. */
export interface LegalHold {
  /** Milliseconds since 1970. */
  readonly heldAt: number;
  readonly reason: string | undefined;
}

/** What a deleted run leaves behind: it refuses late events. */
export interface Tombstone {
  readonly isDeleted: true;
  readonly rev: number;
  /** Milliseconds since 1970. */
  readonly deletedAt: number;
  /** Whether the run was gone for readers already when it was deleted. */
  readonly hadExpired: boolean;
}

/** How a run is buried: what its tombstone says, and until when it stands (seconds since 1970). */
export interface Burial extends Pick<Tombstone, "rev" | "deletedAt"> {
  readonly hadExpired?: boolean;
  readonly expiresAt: number;
}

/** What stands under the key of a run's header. */
export type FoundHeader = StoredHeader | Tombstone | undefined;

/** Whether a run was deleted. */
export const isTombstone = (found: FoundHeader): found is Tombstone => found !== undefined && "isDeleted" in found;

/** What a list shows of a run: a header without what only writers need. */
export type ListedHeader = Pick<StoredHeader, "runId" | "rev" | "touches" | "row" | "listedAt" | "expiresAt">;

/** Where a page of a list begins: after this run, or with it. */
export interface ListPosition {
  readonly listedAt: Instant;
  readonly runId: string;
  readonly isIncluded?: boolean | undefined;
}

/** A part of a list: `from <= listedAt < before`, after a position. */
export interface ListPart {
  readonly after: ListPosition | undefined;
  readonly from?: Instant | undefined;
  readonly before?: Instant | undefined;
  readonly limit: number;
  readonly isOldestFirst?: boolean;
}

/** Which headers of an app are asked for. */
export interface ListQuery extends ListPart {
  readonly tenantId: TenantId;
  /** Undefined: runs whose app is not known yet. */
  readonly appId: AppId | undefined;
  /** The part of the app's lists that they are written to. */
  readonly shard: number;
  /** Undefined: of any status. Of the runs that succeeded there is no list of their own. */
  readonly status: Exclude<RunStatus, "succeeded"> | undefined;
}

/** Which runs that came out of another are asked for: forks, resumes, sub-workflows. */
export interface OffspringQuery extends ListPart {
  readonly parent: RunKey;
}

/** A page of a list. May hold fewer than its limit; `hasMore` tells. */
export interface ListPage {
  readonly headers: ListedHeader[];
  readonly hasMore: boolean;
}

/** As little of a run as counting needs. */
export type ListedState = Pick<ListedHeader, "expiresAt"> & Pick<ListedHeader["row"], "status">;

/**
 * Headers of runs. Every write is conditional and answers whether it took effect; false means that another state was
 * found, and changes nothing. `find` is strongly consistent, lists are eventually (within about a second).
 * Failures of the store are thrown as StoreFault.
 */
export interface RunStore {
  find(run: RunKey): Promise<FoundHeader>;
  /** Only where the run has no header. */
  create(run: RunKey, header: Header): Promise<boolean>;
  /** Only on a header in phase `started` of the same app that is not on hold and has not expired by now (milliseconds). */
  finish(run: RunKey, finish: HeaderFinish, now: number): Promise<boolean>;
  /** Only on the header of this `rev`; touches and hold are as given. */
  replace(run: RunKey, header: Header, present: Pick<StoredHeader, "rev" | "touches" | "hold">): Promise<boolean>;
  /** Tells that node events arrived after the run had ended. Only where it has a header. Not idempotent, and harmless. */
  touch(run: RunKey): Promise<boolean>;
  /** Puts a tombstone in the header's place. Only on the header of this `rev` that is not on hold; of 0: only where there is none. */
  bury(run: RunKey, of: Burial): Promise<boolean>;
  /** Newest first where not asked otherwise, in a total order (start, then run id). */
  list(query: ListQuery): Promise<ListPage>;
  /** The same of runs that came out of another, whatever their apps. */
  listOffspring(query: OffspringQuery): Promise<ListPage>;
  /** The same runs as `list`, of any status, as far as one read comes. `reached` is the last of them; undefined: the end. */
  listStates(
    query: Omit<ListQuery, "status">,
  ): Promise<{ readonly states: readonly ListedState[]; readonly reached: ListPosition | undefined }>;
}
