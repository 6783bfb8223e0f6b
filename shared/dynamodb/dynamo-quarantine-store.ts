import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import type { BlobStore } from "../ports/blob-store.ts";
import type { QuarantineStore } from "../ports/quarantine-store.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import {
  quarantinedFrom,
  quarantineItem,
  quarantineItemKey,
  quarantineRange,
  storedReasons,
} from "./quarantine-item.ts";

/** What was removed in the meantime is not put back. */
const IS_THERE = "attribute_exists(pk)";

const Removed = v.object({ object: v.optional(v.string()) });

/** Refused messages in DynamoDB, bodies compressed, large ones as objects. Every read is strongly consistent. */
export const dynamoQuarantineStore = (table: Table, blobs: BlobStore): QuarantineStore => {
  const TableName = table.name;
  const readObject = (key: string): Promise<Uint8Array | undefined> => blobs.get(key);
  return {
    put: async (refused) => {
      const { item: Item, object } = quarantineItem(refused);
      if (object !== undefined) await blobs.put(object.key, object.bytes);
      await sending("PutItem", () => table.client.send(new PutCommand({ TableName, Item })));
    },

    list: async function* (tenantId, asked) {
      const { pk, from, to, after } = quarantineRange(tenantId, asked);
      // DynamoDB refuses a range that ends before it begins: the page before ended among what has expired since.
      if (from > to) return;
      const found = query(table, {
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
        ExpressionAttributeValues: { ":pk": pk, ":from": from, ":to": to },
        ScanIndexForward: asked.isOldestFirst ?? false,
        Limit: after === undefined ? asked.limit : asked.limit + 1,
      });
      let left = asked.limit;
      for await (const item of found) {
        if (item["sk"] === after) continue;
        yield quarantinedFrom(item, readObject);
        if (--left === 0) return;
      }
    },

    find: (tenantId, position) =>
      sending("GetItem", async () => {
        const Key = quarantineItemKey(tenantId, position);
        const { Item } = await table.client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
        return Item && quarantinedFrom(Item, readObject);
      }),

    replaceReasons: (tenantId, position, { code, errors }) =>
      sendingIf("UpdateItem", () =>
        table.client.send(
          new UpdateCommand({
            TableName,
            Key: quarantineItemKey(tenantId, position),
            UpdateExpression: "SET #code = :code, #errors = :errors",
            ConditionExpression: IS_THERE,
            ExpressionAttributeNames: { "#code": "code", "#errors": "errors" },
            ExpressionAttributeValues: { ":code": code, ":errors": storedReasons(errors) },
          }),
        ),
      ),

    remove: async (tenantId, position) => {
      const Key = quarantineItemKey(tenantId, position);
      const command = new DeleteCommand({ TableName, Key, ReturnValues: "ALL_OLD" });
      const { Attributes } = await sending("DeleteItem", () => table.client.send(command));
      if (Attributes === undefined) return false;
      // An object that outlives its item is collected with its lifetime; an item without its body would be of no use.
      const { object } = v.parse(Removed, Attributes);
      if (object !== undefined) await blobs.remove(object);
      return true;
    },
  };
};
