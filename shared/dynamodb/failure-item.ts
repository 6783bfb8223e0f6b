import * as v from "valibot";
import { AppId, RunId, type RunKey } from "../contract/identifiers.ts";
import { Instant } from "../contract/instant.ts";
import { RUN_STATUSES } from "../contract/run-status.ts";
import { NEVER } from "../domain/retention.ts";
import type { FailureRow, StoredFailure } from "../ports/failure-store.ts";
import { jsonAttribute } from "./json-attribute.ts";
import { failedNodeOf, failureKey, failurePartition, failureSortKey, shardOfPartition } from "./table.ts";

/** What the item shares with a header's, for the index repeats those attributes: lists, as names are billed like values. */
const startPart = (row: FailureRow): string =>
  JSON.stringify([
    row.nodeId ?? null,
    row.nodeType ?? null,
    row.title ?? null,
    row.workflowVersion ?? null,
    row.attempts,
  ]);

const finishPart = (row: FailureRow): string => JSON.stringify([row.elapsedTime ?? null, row.error, row.fingerprint]);

/** The item of a failure. */
export const failureItem = (run: RunKey, { row, moment }: StoredFailure): Record<string, unknown> => ({
  ...failureKey(run, row.nodeExecutionId),
  rev: moment.rev,
  touches: moment.touches === 0 ? undefined : moment.touches,
  epoch: row.epoch,
  status: row.runStatus,
  app: row.appId,
  start: startPart(row),
  finish: finishPart(row),
  expires_at: row.expiresAt === NEVER ? undefined : row.expiresAt,
  status_pk: failurePartition(run.tenantId, row.appId, row.shard),
  list_sk: failureSortKey(row),
});

const Text = v.nullable(v.string());
const StartPart = v.tuple([Text, Text, Text, Text, v.number()]);
const FinishPart = v.tuple([v.nullable(v.number()), v.string(), v.string()]);

const FailureItem = v.object({
  sk: v.string(),
  rev: v.number(),
  touches: v.optional(v.number(), 0),
  epoch: v.number(),
  status: v.picklist(RUN_STATUSES),
  app: AppId,
  start: jsonAttribute(StartPart),
  finish: jsonAttribute(FinishPart),
  expires_at: v.optional(v.number(), NEVER),
  status_pk: v.string(),
  list_sk: v.string(),
});

/** A failure's item, or its row of the index, which does not tell touches. Throws for one that cannot be read. */
export const storedFailureFrom = (stored: Record<string, unknown>): StoredFailure => {
  const item = v.parse(FailureItem, stored);
  const [finishedAt, runId] = item.list_sk.split("#");
  const [nodeId, nodeType, title, workflowVersion, attempts] = item.start;
  const [elapsedTime, error, fingerprint] = item.finish;
  return {
    moment: { rev: item.rev, touches: item.touches },
    row: {
      runId: v.parse(RunId, runId),
      nodeExecutionId: failedNodeOf(item.sk),
      appId: item.app,
      shard: shardOfPartition(item.status_pk),
      nodeId: nodeId ?? undefined,
      nodeType: nodeType ?? undefined,
      title: title ?? undefined,
      epoch: item.epoch,
      finishedAt: v.parse(Instant, finishedAt),
      elapsedTime: elapsedTime ?? undefined,
      attempts,
      error,
      fingerprint,
      workflowVersion: workflowVersion ?? undefined,
      runStatus: item.status,
      expiresAt: item.expires_at,
    },
  };
};
