import { randomUUID } from "node:crypto";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { TenantId } from "../contract/identifiers.ts";
import type { JobId } from "../contract/job-id.ts";
import type { Job } from "../domain/job.ts";
import type { JobStore } from "../ports/job-store.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import { jobItem, storedJobFrom, writerOf } from "./job-item.ts";
import { jobKey, jobsPartition } from "./table.ts";

/** What was begun already has come further. */
const IS_ABSENT = "attribute_not_exists(pk)";
/** Somebody else has written since we read. */
const IS_UNCHANGED = "rev = :rev";

/**
 * Jobs in DynamoDB, those of a tenant in one partition. Reads are strongly consistent. The SDK's second try of a write
 * that took effect finds its own writing, and is a success.
 */
export const dynamoJobStore = (table: Table): JobStore => {
  const TableName = table.name;
  const itemOf = (tenantId: TenantId, jobId: JobId) =>
    sending("GetItem", async () => {
      const Key = jobKey(tenantId, jobId);
      return (await table.client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item;
    });

  return {
    create: async (tenantId, job) => {
      const Item = jobItem(tenantId, job, { rev: 1, writer: randomUUID() });
      await sendingIf("PutItem", () =>
        table.client.send(new PutCommand({ TableName, Item, ConditionExpression: IS_ABSENT })),
      );
    },

    find: async (tenantId, jobId) => {
      const item = await itemOf(tenantId, jobId);
      return item && storedJobFrom(item);
    },

    replace: async (tenantId, job, rev) => {
      const writer = randomUUID();
      const isWritten = await sendingIf("PutItem", () =>
        table.client.send(
          new PutCommand({
            TableName,
            Item: jobItem(tenantId, job, { rev: rev + 1, writer }),
            ConditionExpression: IS_UNCHANGED,
            ExpressionAttributeValues: { ":rev": rev },
          }),
        ),
      );
      return isWritten || writerOf(await itemOf(tenantId, job.id)) === writer;
    },

    list: async (tenantId, { before, limit }) => {
      const items = query(table, {
        KeyConditionExpression: before === undefined ? "pk = :pk" : "pk = :pk AND sk < :before",
        ExpressionAttributeValues: {
          ":pk": jobsPartition(tenantId),
          ...(before === undefined ? {} : { ":before": before }),
        },
        ScanIndexForward: false,
        Limit: limit,
      });
      const jobs: Job[] = [];
      for await (const item of items) {
        jobs.push(storedJobFrom(item).job);
        if (jobs.length === limit) break;
      }
      return jobs;
    },
  };
};
