import { PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { type JsonOutput, writeJson } from "../contract/json-text.ts";
import type { AuditAction, AuditEntry, AuditLog } from "../ports/audit-log.ts";
import { sending, type Table } from "./document-client.ts";
import { auditKey, auditPartition } from "./table.ts";

const AuditItem = v.object({
  sk: v.string(),
  action: v.string(),
  at: v.number(),
  by: v.string(),
  details: v.pipe(
    v.string(),
    v.transform((text) => JSON.parse(text) as Record<string, JsonOutput>),
  ),
});

const entryFrom = (item: Record<string, unknown>): AuditEntry => {
  const { sk, action, at, by, details } = v.parse(AuditItem, item);
  return { id: sk, action: action as AuditAction, at, by, details };
};

/** Audit entries in DynamoDB, those of a tenant in one partition. Reads are strongly consistent. */
export const dynamoAuditLog = (table: Table): AuditLog => ({
  append: async (tenantId, { id, action, at, by, details }) => {
    const Item = { ...auditKey(tenantId, id), action, at, by, details: writeJson(details) };
    await sending("PutItem", () => table.client.send(new PutCommand({ TableName: table.name, Item })));
  },

  list: (tenantId, { before, limit }) =>
    sending("Query", async () => {
      const page = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          KeyConditionExpression: before === undefined ? "pk = :pk" : "pk = :pk AND sk < :before",
          ExpressionAttributeValues: {
            ":pk": auditPartition(tenantId),
            ...(before === undefined ? {} : { ":before": before }),
          },
          ScanIndexForward: false,
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      return (page.Items ?? []).map(entryFrom);
    }),
});
