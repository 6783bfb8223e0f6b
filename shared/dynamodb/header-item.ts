import * as v from "valibot";
import { AppId, RunId, type RunKey } from "../contract/identifiers.ts";
import { Instant } from "../contract/instant.ts";
import type { Header, HeaderFinish, HeaderPhase, RunRow } from "../domain/header.ts";
import type { RunStatus } from "../domain/run-fold.ts";
import type { ListedHeader, StoredHeader } from "../ports/run-store.ts";
import { headerKey, listPartition, listSortKey, parentPartition, statusPartition } from "./table.ts";

/** One shard: a partition takes 1,000 writes a second, some hundred runs a second of one app. */
const SHARD = 0;

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
const statusKey = (run: RunKey, row: RunRow): string | undefined =>
  row.status === "succeeded"
    ? undefined
    : statusPartition(run.tenantId, row.appId, { status: row.status, shard: SHARD });

/** The item of a header at a revision. */
export const headerItem = (run: RunKey, header: Header, rev: number): Record<string, unknown> => {
  const { row } = header;
  return {
    ...headerKey(run),
    rev,
    epoch: row.epoch,
    status: row.status,
    app: row.appId,
    start: startPart(row),
    finish: finishPart(row),
    phase: PHASES[header.phase],
    seen: Buffer.from(header.seen, "base64url"),
    seen_finish: header.seenFinish === undefined ? undefined : Buffer.from(header.seenFinish, "base64url"),
    expires_at: header.expiresAt,
    time_pk: listPartition(run.tenantId, row.appId, SHARD),
    status_pk: statusKey(run, row),
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
  statusKey: statusKey(run, finish.row),
});

/** The stored form of the phase that a plain finish expects. */
export const STARTED_PHASE = PHASES.started;

const Text = v.nullable(v.string());
const Amount = v.nullable(v.number());
const StartPart = v.tuple([v.number(), Text, Text, Text, Text, Text, Text, Text, v.array(v.string())]);
const FinishPart = v.tuple([Instant, Amount, Amount, Amount, Amount, Text]);
const json = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.string(),
    v.transform((text): unknown => JSON.parse(text)),
    schema,
  );

const RowItem = v.object({
  rev: v.number(),
  epoch: v.number(),
  status: v.string(),
  app: v.optional(AppId),
  start: json(StartPart),
  finish: v.optional(json(FinishPart)),
  expires_at: v.number(),
  list_sk: v.string(),
});
const HeaderItem = v.object({
  ...RowItem.entries,
  phase: v.picklist(["S", "E", "F"]),
  seen: v.instance(Uint8Array),
  seen_finish: v.optional(v.instance(Uint8Array)),
});

const undefinedIfNull = <T>(value: T | null | undefined): T | undefined => value ?? undefined;

/** A row of an index, or a header, as lists show it. A row that cannot be read is ours to mend: it throws. */
export const listedHeaderFrom = (item: Record<string, unknown>): ListedHeader => {
  const row = v.parse(RowItem, item);
  const [listedAt, runId] = row.list_sk.split("#");
  const [state, workflowId, workflowVersion, workflowType, triggeredFrom, createdBy, createdByRole, parentRunId, tags] =
    row.start;
  const [finishedAt, elapsedTime, totalTokens, totalSteps, exceptionsCount, error] = row.finish ?? [];
  const listed = v.parse(Instant, listedAt);
  return {
    runId: v.parse(RunId, runId),
    rev: row.rev,
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
      totalTokens: undefinedIfNull(totalTokens),
      totalSteps: undefinedIfNull(totalSteps),
      exceptionsCount: undefinedIfNull(exceptionsCount),
      error: undefinedIfNull(error),
    },
  };
};

/** A whole header. */
export const headerFrom = (item: Record<string, unknown>): StoredHeader => {
  const header = v.parse(HeaderItem, item);
  const phase = Object.entries(PHASES).find(([, letter]) => letter === header.phase)?.[0] as HeaderPhase;
  return {
    ...listedHeaderFrom(item),
    phase,
    seen: Buffer.from(header.seen).toString("base64url"),
    seenFinish: header.seen_finish && Buffer.from(header.seen_finish).toString("base64url"),
  };
};
