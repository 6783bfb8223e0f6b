import type { RunKey } from "../../shared/contract/identifiers.ts";
import type { Header } from "../../shared/domain/header.ts";
import { hasExpired, NEVER } from "../../shared/domain/retention.ts";
import { listKeyRange, listSortKey } from "../../shared/dynamodb/table.ts";
import {
  isTombstone,
  type ListedHeader,
  type ListPage,
  type ListPart,
  type RunStore,
  type StoredHeader,
  type Tombstone,
} from "../../shared/ports/run-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";

interface Kept {
  readonly run: RunKey;
  readonly header: StoredHeader | Tombstone;
  /** The part of the lists of its status: a finish brings its own. */
  readonly statusShard: number;
}

const sortKeyOf = ({ listedAt, runId }: ListedHeader): string => listSortKey(listedAt, runId);

const rowOf = ({ runId, rev, row, listedAt, expiresAt }: StoredHeader): ListedHeader => ({
  runId,
  rev,
  touches: 0,
  row,
  listedAt,
  expiresAt,
});

const pageOf = (headers: readonly StoredHeader[], part: ListPart): ListPage => {
  const range = listKeyRange(part);
  const { from, to } = range ?? {};
  const found = headers
    .map(rowOf)
    .filter((row) => range !== undefined && !(from !== undefined && sortKeyOf(row) < from))
    .filter((row) => !(to !== undefined && sortKeyOf(row) > to))
    .sort((a, b) => (sortKeyOf(a) < sortKeyOf(b) ? -1 : 1));
  if (part.isOldestFirst !== true) found.reverse();
  return { headers: found.slice(0, part.limit), hasMore: found.length >= part.limit };
};

/** A run store without a database: passes the contract of its port, and is quick. `isBroken`: every call fails. */
export const memoryRunStore = (of: { readonly isBroken?: boolean } = {}): RunStore => {
  const kept = new Map<string, Kept>();
  const nameOf = ({ tenantId, runId }: RunKey): string => `${tenantId}#${runId}`;
  const check = (): void => {
    if (of.isBroken) throw new StoreFault("nobody is there", { cause: new Error("broken"), isRetryable: true });
  };
  const headerAt = (run: RunKey): StoredHeader | undefined => {
    const header = kept.get(nameOf(run))?.header;
    return isTombstone(header) ? undefined : header;
  };
  const put = (run: RunKey, header: StoredHeader, statusShard = header.shard): true => {
    kept.set(nameOf(run), { run, header, statusShard });
    return true;
  };
  const stored = (
    run: RunKey,
    header: Header,
    state: Pick<StoredHeader, "rev" | "touches" | "hold">,
  ): StoredHeader => ({
    ...header,
    ...state,
    runId: run.runId,
    expiresAt: state.hold === undefined ? header.expiresAt : NEVER,
  });
  const among = (isMeant: (one: Kept & { readonly header: StoredHeader }) => boolean): StoredHeader[] =>
    [...kept.values()].flatMap(({ run, header, statusShard }) =>
      !isTombstone(header) && isMeant({ run, header, statusShard }) ? [header] : [],
    );

  const store: RunStore = {
    find: async (run) => {
      check();
      return kept.get(nameOf(run))?.header;
    },
    create: async (run, header) => {
      check();
      if (kept.has(nameOf(run))) return false;
      return put(run, stored(run, header, { rev: 1, touches: 0, hold: undefined }));
    },
    finish: async (run, finish, now) => {
      check();
      const present = headerAt(run);
      if (present?.phase !== "started" || present.hold !== undefined) return false;
      if (present.row.appId !== finish.row.appId || hasExpired(present.expiresAt, now)) return false;
      const { status, finishedAt, elapsedTime, totalTokens, totalSteps, exceptionsCount, error } = finish.row;
      const row = { ...present.row, status, finishedAt, elapsedTime, totalTokens, totalSteps, exceptionsCount, error };
      const { seenFinish, expiresAt, keptDays } = finish;
      const header = {
        ...present,
        row,
        phase: "ended" as const,
        seenFinish,
        expiresAt,
        keptDays,
        rev: present.rev + 1,
      };
      return put(run, header, finish.shard);
    },
    replace: async (run, header, { rev, touches, hold }) => {
      check();
      if (kept.get(nameOf(run))?.header.rev !== rev) return false;
      return put(run, stored(run, header, { rev: rev + 1, touches, hold }));
    },
    touch: async (run) => {
      check();
      const present = headerAt(run);
      return present !== undefined && put(run, { ...present, touches: present.touches + 1 });
    },
    bury: async (run, { rev, deletedAt, hadExpired = false }) => {
      check();
      const present = headerAt(run);
      if (rev === 0 ? kept.has(nameOf(run)) : present?.rev !== rev || present.hold !== undefined) return false;
      const header: Tombstone = { isDeleted: true, rev: rev + 1, deletedAt, hadExpired };
      kept.set(nameOf(run), { run, header, statusShard: 0 });
      return true;
    },
    list: async (query) => {
      check();
      const { tenantId, appId, shard, status } = query;
      const found = among(
        ({ run, header, statusShard }) =>
          run.tenantId === tenantId &&
          header.row.appId === appId &&
          (status === undefined ? header.shard === shard : header.row.status === status && statusShard === shard),
      );
      return pageOf(found, query);
    },
    listOffspring: async (query) => {
      check();
      const { tenantId, runId } = query.parent;
      return pageOf(
        among(({ run, header }) => run.tenantId === tenantId && header.row.parentRunId === runId),
        query,
      );
    },
    listStates: async (query) => {
      const { headers, hasMore } = await store.list({ ...query, status: undefined });
      const last = hasMore ? headers.at(-1) : undefined;
      return {
        states: headers.map(({ row, expiresAt }) => ({ status: row.status, expiresAt })),
        reached: last && { listedAt: last.listedAt, runId: last.runId },
      };
    },
  };
  return store;
};
