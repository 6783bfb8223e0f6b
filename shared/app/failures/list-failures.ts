import * as v from "valibot";
import { type AppId, RunId, type TenantId } from "../../contract/identifiers.ts";
import { type Instant, instantOf, millisecondsOf } from "../../contract/instant.ts";
import { shardsToRead } from "../../domain/app-settings.ts";
import { type FailureGroup, groupFailures } from "../../domain/failures/failure-groups.ts";
import { hasExpired } from "../../domain/retention.ts";
import { rowText } from "../../domain/row-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FailurePosition, FailureRow, FailureStore } from "../../ports/failure-store.ts";
import type { ListPosition } from "../../ports/run-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import { type Listed, type Merged, mergeLists, pageOfMerged, type ReadList } from "../lists/merge-lists.ts";
import { MOST_NODE_TYPE_BYTES } from "./note-failures.ts";

/** What failures are listed from. */
export interface FailureListStores {
  readonly failures: Pick<FailureStore, "list">;
  readonly settings: Pick<SettingsStore, "ofTenant">;
  readonly clock: Clock;
}

/** Which failures are asked for. All that is said must hold; undefined says nothing. */
export interface FailureFilter {
  /** From when until when they happened: `since <= t < before`. */
  readonly since: Instant | undefined;
  readonly before: Instant | undefined;
  readonly nodeId: string | undefined;
  readonly nodeType: string | undefined;
  readonly fingerprint: string | undefined;
}

/** Whose failures are asked for, and which. */
export interface FailureQuestion {
  readonly tenantId: TenantId;
  readonly appId: AppId;
  readonly filter: FailureFilter;
}

/** The most rows that one request looks at, however rare what it asks for. */
const MOST_ROWS = 2_000;
/** Kinds of failures are counted over this time where none is asked for (milliseconds). */
const USUAL_SPAN_MS = 7 * 86_400_000;

interface ListedFailure extends Listed {
  readonly row: FailureRow;
}

/** Within one moment failures stand in the order of run and node execution. */
const placeOf = ({ finishedAt, runId, nodeExecutionId }: FailurePosition): ListPosition => ({
  listedAt: finishedAt,
  runId: `${runId}#${nodeExecutionId}`,
});

const positionAt = ({ listedAt, runId: place, isIncluded }: ListPosition): FailurePosition => {
  const [runId, nodeExecutionId = ""] = place.split("#");
  return { finishedAt: listedAt, runId: v.parse(RunId, runId), nodeExecutionId, isIncluded };
};

/** One list of each shard of the app. */
const listsFor = async (
  { failures, settings }: FailureListStores,
  { tenantId, appId, filter }: FailureQuestion,
): Promise<ReadList<ListedFailure>[]> => {
  const shards = shardsToRead(await settings.ofTenant(tenantId), appId);
  return Array.from(
    { length: shards },
    (_, shard): ReadList<ListedFailure> =>
      async ({ after, from, limit }) => {
        const { before } = filter;
        const position = after && positionAt(after);
        const { rows, hasMore } = await failures.list({
          tenantId,
          appId,
          shard,
          since: from,
          before,
          after: position,
          limit,
        });
        return { headers: rows.map((row) => ({ ...placeOf(row), rev: 0, row })), hasMore };
      },
  );
};

const isWanted = (filter: FailureFilter, now: number): ((listed: ListedFailure) => boolean) => {
  const { nodeId, nodeType, fingerprint } = filter;
  const keptType = nodeType && rowText(nodeType, MOST_NODE_TYPE_BYTES);
  const matches = (wanted: string | undefined, value: string | undefined) => wanted === undefined || wanted === value;
  return ({ row }) =>
    !hasExpired(row.expiresAt, now) &&
    matches(nodeId, row.nodeId) &&
    matches(keptType, row.nodeType) &&
    matches(fingerprint, row.fingerprint);
};

/** Failures of an app from a place on, newest first, in a total order. Those of runs that have expired are passed over. */
const mergedFailures = async (
  stores: FailureListStores,
  question: FailureQuestion,
  of: { readonly after: FailurePosition | undefined; readonly limit: number; readonly mostRows: number },
): Promise<Merged<ListedFailure>> =>
  mergeLists(await listsFor(stores, question), {
    ...of,
    after: of.after && { ...placeOf(of.after), isIncluded: of.after.isIncluded },
    from: question.filter.since,
    isWanted: isWanted(question.filter, stores.clock.now()),
  });

/**
 * Failures newest first, at most as many as asked for. Whoever goes on with `next` until there is none has seen every
 * one. `hasMore` says that another is known to follow; a page without any never says so.
 */
export interface FailurePage {
  readonly rows: readonly FailureRow[];
  readonly hasMore: boolean;
  readonly next: FailurePosition | undefined;
  /** Down to when was searched, where the most rows that a page looks at ended the search. */
  readonly searchedUntil: Instant | undefined;
}

/** A page of an app's failures: looks at 2,000 rows at the most. */
export const listFailures = async (
  stores: FailureListStores,
  query: FailureQuestion & { readonly after: FailurePosition | undefined; readonly limit: number },
): Promise<FailurePage> => {
  const { after, limit } = query;
  const merged = await mergedFailures(stores, query, { after, limit, mostRows: MOST_ROWS });
  const { shown, hasMore, next, searchedUntil } = pageOfMerged(merged, limit);
  return {
    rows: merged.headers.slice(0, shown).map(({ row }) => row),
    hasMore,
    next: next && positionAt(next),
    searchedUntil,
  };
};

/** The kinds of failures in a span of time. */
export interface FailureKinds {
  readonly groups: readonly FailureGroup<FailureRow>[];
  /** The span they are of. */
  readonly since: Instant;
  /** Down to when was searched, where the most rows that are looked at ended the search: earlier ones are not counted. */
  readonly searchedUntil: Instant | undefined;
}

/** The kinds of an app's failures, the newest 2,000 of the span: of the last seven days where none is asked for. */
export const failureKinds = async (stores: FailureListStores, question: FailureQuestion): Promise<FailureKinds> => {
  const { filter } = question;
  const end = filter.before === undefined ? stores.clock.now() : millisecondsOf(filter.before);
  const since = filter.since ?? instantOf(Math.max(0, end - USUAL_SPAN_MS));
  const bounded = { ...question, filter: { ...filter, since } };
  const merged = await mergedFailures(stores, bounded, { after: undefined, limit: MOST_ROWS, mostRows: MOST_ROWS });
  return { groups: groupFailures(merged.headers.map(({ row }) => row)), since, searchedUntil: merged.cutAt?.listedAt };
};
