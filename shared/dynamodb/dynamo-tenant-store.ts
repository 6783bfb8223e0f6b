import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { TenantId } from "../contract/identifiers.ts";
import type { Tenant, TenantStore } from "../ports/tenant-store.ts";
import { batchGet } from "./batch-get.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import { type ItemKey, TENANT_LISTING_PARTITION, tenantKey, tenantListingKey } from "./table.ts";

/** A listing says one thing and never changes. */
const IS_ABSENT = "attribute_not_exists(pk)";

const TenantItem = v.object({ tenant: TenantId, plan: v.string(), usage_key: v.string(), admitted_at: v.number() });

const tenantFrom = (stored: Record<string, unknown>): Tenant => {
  const item = v.parse(TenantItem, stored);
  return { tenantId: item.tenant, plan: item.plan, usageKey: item.usage_key, admittedAt: item.admitted_at };
};

/**
 * Tenants in DynamoDB. Every read is strongly consistent. A listing holds keys alone, as of credentials. `put` has no
 * condition: plan and key are copies of what API Gateway holds, so the last one to copy is right.
 */
export const dynamoTenantStore = (table: Table): TenantStore => ({
  put: async ({ tenantId, plan, usageKey, admittedAt }) => {
    const Item = tenantListingKey(tenantId);
    await sendingIf("PutItem", () =>
      table.client.send(new PutCommand({ TableName: table.name, Item, ConditionExpression: IS_ABSENT })),
    );
    const update = new UpdateCommand({
      TableName: table.name,
      Key: tenantKey(tenantId),
      UpdateExpression:
        "SET tenant = :tenant, #plan = :plan, usage_key = :key, admitted_at = if_not_exists(admitted_at, :at)",
      // `plan` is a reserved word of DynamoDB's expressions.
      ExpressionAttributeNames: { "#plan": "plan" },
      ExpressionAttributeValues: { ":tenant": tenantId, ":plan": plan, ":key": usageKey, ":at": admittedAt },
    });
    await sending("UpdateItem", () => table.client.send(update));
  },

  remove: async (tenantId) => {
    const remove = (Key: ItemKey) =>
      sending("DeleteItem", () =>
        table.client.send(new DeleteCommand({ TableName: table.name, Key: { ...Key }, ReturnValues: "ALL_OLD" })),
      );
    const { Attributes } = await remove(tenantKey(tenantId));
    await remove(tenantListingKey(tenantId));
    return Attributes !== undefined;
  },

  find: (tenantId) =>
    sending("GetItem", async () => {
      const { Item } = await table.client.send(
        new GetCommand({ TableName: table.name, Key: tenantKey(tenantId), ConsistentRead: true }),
      );
      return Item && tenantFrom(Item);
    }),

  list: async () => {
    const listings = query(table, {
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": TENANT_LISTING_PARTITION },
    });
    const keys: ItemKey[] = [];
    for await (const listing of listings) keys.push(tenantKey(v.parse(TenantId, listing["sk"])));
    return (await batchGet(table, keys)).map(tenantFrom);
  },
});
