import { PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { AppId } from "../contract/identifiers.ts";
import type { AppRegistry } from "../ports/app-registry.ts";
import { sending, sendingIf, type Table } from "./document-client.ts";
import { REGISTRY_RANGE, registryKey, registryPlaceOf, registryRange } from "./table.ts";
import { upkeepFrom } from "./upkeep-item.ts";

/** The first registration stays, with its time. */
const IS_ABSENT = "attribute_not_exists(pk)";
/** How many apps a process remembers, so that no run pays for its app again. */
const MOST_REMEMBERED = 10_000;

const RegistryItem = v.object({ sk: v.string(), registered_at: v.number() });

/** Apps in DynamoDB. Lists are strongly consistent. A process writes an app once and then remembers it. */
export const dynamoAppRegistry = (table: Table): AppRegistry => {
  const remembered = new Set<string>();
  return {
    register: async (tenantId, app) => {
      const key = registryKey(tenantId, app.appId);
      if (remembered.has(key.sk)) return;
      const Item = { ...key, registered_at: app.registeredAt };
      await sendingIf("PutItem", () =>
        table.client.send(new PutCommand({ TableName: table.name, Item, ConditionExpression: IS_ABSENT })),
      );
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      remembered.add(key.sk);
    },

    list: (tenantId, page) =>
      sending("Query", async () => {
        const { pk, prefix } = registryRange(tenantId);
        const after = page.after === undefined ? prefix : `${prefix}${page.after}`;
        const { Items } = await table.client.send(
          new QueryCommand({
            TableName: table.name,
            ConsistentRead: true,
            KeyConditionExpression: "pk = :pk AND sk BETWEEN :after AND :end",
            // "~" sorts after every character of an id.
            ExpressionAttributeValues: { ":pk": pk, ":after": `${after}\u0000`, ":end": `${prefix}~` },
            Limit: page.limit,
          }),
        );
        return (Items ?? []).map((item) => {
          const row = v.parse(RegistryItem, item);
          return { appId: v.parse(AppId, row.sk.slice(prefix.length)), registeredAt: row.registered_at };
        });
      }),

    listAll: ({ after, limit }) =>
      sending("Query", async () => {
        const { pk, from, to } = REGISTRY_RANGE;
        const { Items } = await table.client.send(
          new QueryCommand({
            TableName: table.name,
            ConsistentRead: true,
            KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
            ExpressionAttributeValues: {
              ":pk": pk,
              ":from": after === undefined ? from : `${registryKey(after.tenantId, after.appId).sk}\u0000`,
              ":to": to,
            },
            Limit: limit,
          }),
        );
        return (Items ?? []).map((item) => {
          const row = v.parse(RegistryItem, item);
          const { tenantId, appId } = registryPlaceOf(row.sk);
          const registeredAt = row.registered_at;
          if (appId === undefined) return { tenantId, appId, registeredAt };
          return { tenantId, appId, registeredAt, upkeep: upkeepFrom(item) };
        });
      }),
  };
};
