import * as v from "valibot";
import { AppId, RunId, type RunKey } from "../contract/identifiers.ts";
import { Instant } from "../contract/instant.ts";
import { RUN_STATUSES, type RunStatus } from "../contract/run-status.ts";
import type { Header, HeaderFinish, HeaderPhase, RunRow } from "../domain/header.ts";
import { DEFAULT_RETENTION_DAYS, NEVER } from "../domain/retention.ts";
import type { Burial, ListedHeader, ListedState, ListPosition, StoredHeader, Tombstone } from "../ports/run-store.ts";
import { jsonAttribute } from "./json-attribute.ts";
import {
  headerKey,
  listPartition,
  listSortKey,
  parentPartition,
  placeOfListKey,
  shardOfPartition,
  statusPartition,
} from "./table.ts";

const PHASES: Readonly<Record<HeaderPhase, string>> = { started: "S", ended: "E", folded: "F" };

const nullable = <T>(value: T | undefined): T | null => value ?? null;

/** The parts of a row are lists, not maps: attribute names are billed like values. New members go to the end. */
const startPart = (row: RunRow): string =>
  JSON.stringify([
    row.isIncomplete ? 2 : row.startedAt === undefined ? 0 : 1,
    nullable(row.workflowId),
    nullable(row.workflowVersion),
    nullable(row.workflowType),
    nullable(row.triggeredFrom),
    nullable(row.createdBy),
    nullable(row.createdByRole),
    nullable(row.parentRunId),
    row.tags,
    ...(row.idleTimeout === undefined ? [] : [row.idleTimeout]),
  ]);

const finishPart = (row: RunRow): string | undefined =>
  row.finishedAt === undefined
    ? undefined
    : JSON.stringify([
        row.finishedAt,
        nullable(row.elapsedTime),
        nullable(row.totalTokens),
        nullable(row.totalSteps),
        nullable(row.exceptionsCount),
        nullable(row.error),
      ]);

/** Sparse: a run that succeeded is found faster by time. */
const statusKey = (run: RunKey, { row, shard }: Pick<Header, "row" | "shard">): string | undefined =>
  row.status === "succeeded" ? undefined : statusPartition(run.tenantId, row.appId, { status: row.status, shard });

/** The retention that is not written down. */
const storedDays = (keptDays: number): number | undefined =>
  keptDays === DEFAULT_RETENTION_DAYS ? undefined : keptDays;

/** What a header has beside what its run's events make of it. */
export type HeaderState = Pick<StoredHeader, "rev" | "touches" | "hold">;

/** The state of a header that is new. */
export const NEW_HEADER: HeaderState = { rev: 1, touches: 0, hold: undefined };

/** The item of a header. */
export const headerItem = (run: RunKey, header: Header, state: HeaderState): Record<string, unknown> => {
  const { row } = header;
  const { rev, touches, hold } = state;
  return {
    ...headerKey(run),
    rev,
    touches: touches === 0 ? undefined : touches,
    held: hold && { at: hold.heldAt, reason: hold.reason },
    epoch: row.epoch,
    status: row.status,
    app: row.appId,
    start: startPart(row),
    finish: finishPart(row),
    phase: PHASES[header.phase],
    seen: Buffer.from(header.seen, "base64url"),
    seen_finish: header.seenFinish === undefined ? undefined : Buffer.from(header.seenFinish, "base64url"),
    kept: storedDays(header.keptDays),
    // Neither collected nor gone for readers while it is on hold.
    expires_at: hold === undefined ? header.expiresAt : undefined,
    time_pk: listPartition(run.tenantId, row.appId, header.shard),
    status_pk: statusKey(run, header),
    parent_pk:
      row.parentRunId === undefined
        ? undefined
        : parentPartition({ tenantId: run.tenantId, runId: v.parse(RunId, row.parentRunId) }),
    list_sk: listSortKey(header.listedAt, run.runId),
  };
};

/** What a plain finish changes on the item of a started run. */
export const finishChange = (run: RunKey, finish: HeaderFinish) => ({
  status: finish.row.status,
  finish: finishPart(finish.row),
  phase: PHASES.ended,
  seenFinish: Buffer.from(finish.seenFinish, "base64url"),
  expiresAt: finish.expiresAt,
  keptDays: storedDays(finish.keptDays),
  statusKey: statusKey(run, finish),
});

/** What a deleted run leaves behind under its header's key. It stands in no index. */
export const tombstoneItem = (run: RunKey, of: Burial): Record<string, unknown> => ({
  ...headerKey(run),
  rev: of.rev,
  deleted: of.deletedAt,
  lapsed: of.hadExpired === true ? true : undefined,
  expires_at: of.expiresAt,
});

/** The stored form of the phase that a plain finish expects. */
export const STARTED_PHASE = PHASES.started;

const Text = v.nullable(v.string());
const Amount = v.nullable(v.number());
const StartPart = v.tupleWithRest(
  [v.number(), Text, Text, Text, Text, Text, Text, Text, v.array(v.string())],
  v.number(),
);
const FinishPart = v.tuple([Instant, Amount, Amount, Amount, Amount, Text]);

const RowItem = v.object({
  rev: v.number(),
  epoch: v.number(),
  status: v.string(),
  app: v.optional(AppId),
  start: jsonAttribute(StartPart),
  finish: v.optional(jsonAttribute(FinishPart)),
  expires_at: v.optional(v.number(), NEVER),
  touches: v.optional(v.number(), 0),
  list_sk: v.string(),
});
const HoldItem = v.object({ at: v.number(), reason: v.optional(v.string()) });
const HeaderItem = v.object({
  ...RowItem.entries,
  kept: v.optional(v.number(), DEFAULT_RETENTION_DAYS),
  held: v.optional(HoldItem),
  time_pk: v.string(),
  phase: v.picklist(["S", "E", "F"]),
  seen: v.instance(Uint8Array),
  seen_finish: v.optional(v.instance(Uint8Array)),
});

const undefinedIfNull = <T>(value: T | null | undefined): T | undefined => value ?? undefined;

/** A row of an index, or a header, as lists show it. A row that cannot be read is ours to mend: it throws. */
export const listedHeaderFrom = (item: Record<string, unknown>): ListedHeader => {
  const row = v.parse(RowItem, item);
  const { listedAt, runId } = placeOfListKey(row.list_sk);
  const [state, workflowId, workflowVersion, workflowType, triggeredFrom, createdBy, ...further] = row.start;
  const [createdByRole, parentRunId, tags, idleTimeout] = further;
  const [finishedAt, elapsedTime, totalTokens, totalSteps, exceptionsCount, error] = row.finish ?? [];
  const listed = v.parse(Instant, listedAt);
  return {
    runId: v.parse(RunId, runId),
    rev: row.rev,
    touches: row.touches,
    listedAt: listed,
    expiresAt: row.expires_at,
    row: {
      status: row.status as RunStatus,
      isIncomplete: state === 2,
      epoch: row.epoch,
      appId: row.app,
      startedAt: state === 1 ? listed : undefined,
      finishedAt,
      elapsedTime: undefinedIfNull(elapsedTime),
      workflowId: undefinedIfNull(workflowId),
      workflowVersion: undefinedIfNull(workflowVersion),
      workflowType: undefinedIfNull(workflowType),
      triggeredFrom: undefinedIfNull(triggeredFrom),
      createdBy: undefinedIfNull(createdBy),
      createdByRole: undefinedIfNull(createdByRole),
      parentRunId: undefinedIfNull(parentRunId),
      tags,
      idleTimeout,
      totalTokens: undefinedIfNull(totalTokens),
      totalSteps: undefinedIfNull(totalSteps),
      exceptionsCount: undefinedIfNull(exceptionsCount),
      error: undefinedIfNull(error),
    },
  };
};

const StateItem = v.object({ status: v.picklist(RUN_STATUSES), expires_at: v.optional(v.number(), NEVER) });

/** What counting needs of a row of an index. */
export const listedStateFrom = (item: Record<string, unknown>): ListedState => {
  const { status, expires_at } = v.parse(StateItem, item);
  return { status, expiresAt: expires_at };
};

/** Where a read of a list stopped; undefined: at its end. */
export const listPositionFrom = (lastKey: Record<string, unknown> | undefined): ListPosition | undefined => {
  if (lastKey === undefined) return undefined;
  const { listedAt, runId } = placeOfListKey(v.parse(v.string(), lastKey["list_sk"]));
  return { listedAt: v.parse(Instant, listedAt), runId: v.parse(RunId, runId) };
};

const TombstoneItem = v.object({ rev: v.number(), deleted: v.number(), lapsed: v.optional(v.boolean(), false) });

/** What stands under a header's key. */
export const headerFrom = (item: Record<string, unknown>): StoredHeader | Tombstone => {
  if ("deleted" in item) {
    const { rev, deleted, lapsed } = v.parse(TombstoneItem, item);
    return { isDeleted: true, rev, deletedAt: deleted, hadExpired: lapsed };
  }
  const header = v.parse(HeaderItem, item);
  const phase = Object.entries(PHASES).find(([, letter]) => letter === header.phase)?.[0] as HeaderPhase;
  return {
    ...listedHeaderFrom(item),
    keptDays: header.kept,
    shard: shardOfPartition(header.time_pk),
    hold: header.held && { heldAt: header.held.at, reason: header.held.reason },
    phase,
    seen: Buffer.from(header.seen).toString("base64url"),
    seenFinish: header.seen_finish && Buffer.from(header.seen_finish).toString("base64url"),
  };
};
