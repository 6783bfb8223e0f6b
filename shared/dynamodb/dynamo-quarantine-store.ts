import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { TenantId } from "../contract/identifiers.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { QuarantineStore, RefusedMessage } from "../ports/quarantine-store.ts";
import { query, sending, type Table } from "./document-client.ts";
import { quarantineKey } from "./table.ts";

const KEPT_SECONDS = 14 * 86_400;
/** An item ends at 400 KB; a longer body goes to an object. */
const LONGEST_BODY_BYTES = 300_000;
/** Reasons are for reading: a body with thousands of errors keeps the first ones. */
const MOST_ERRORS = 100;
const LONGEST_PATH = 200;

/** The default quality takes a second for a megabyte. */
const QUICKLY = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

const RefusedItem = v.object({
  tenant: v.optional(TenantId),
  message: v.string(),
  index: v.optional(v.number()),
  sent_at: v.number(),
  code: v.string(),
  errors: v.array(v.object({ path: v.string(), message: v.string() })),
  body: v.optional(v.instance(Uint8Array)),
  object: v.optional(v.string()),
});

const position = (refused: RefusedMessage) => ({
  sentAt: new Date(refused.sentAt).toISOString(),
  message: `${refused.messageId}#${refused.index === undefined ? "whole" : String(refused.index).padStart(6, "0")}`,
});

/** Refused messages in DynamoDB, bodies compressed, large ones as objects. `list` is strongly consistent. */
export const dynamoQuarantineStore = (table: Table, blobs: BlobStore): QuarantineStore => {
  const bodyOf = async (item: v.InferOutput<typeof RefusedItem>): Promise<string> => {
    const bytes = item.object === undefined ? item.body : await blobs.get(item.object);
    return bytes === undefined ? "" : brotliDecompressSync(bytes).toString();
  };
  return {
    put: async (refused) => {
      const key = quarantineKey(refused.tenantId, position(refused));
      const body = brotliCompressSync(refused.body, QUICKLY);
      const isLarge = body.length > LONGEST_BODY_BYTES;
      const object = `quarantine/${key.pk.replaceAll("#", "/")}/${key.sk.replaceAll("#", "/")}`;
      if (isLarge) await blobs.put(object, body);
      const Item = {
        ...key,
        tenant: refused.tenantId,
        message: refused.messageId,
        index: refused.index,
        sent_at: refused.sentAt,
        code: refused.code,
        errors: refused.errors
          .slice(0, MOST_ERRORS)
          .map(({ path, message }) => ({ path: path.slice(0, LONGEST_PATH), message })),
        body: isLarge ? undefined : body,
        object: isLarge ? object : undefined,
        expires_at: Math.floor(refused.sentAt / 1000) + KEPT_SECONDS,
      };
      await sending("PutItem", () => table.client.send(new PutCommand({ TableName: table.name, Item })));
    },

    list: async (tenantId, limit) => {
      const { pk } = quarantineKey(tenantId, { sentAt: "", message: "" });
      const found = query(table, {
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": pk },
        ScanIndexForward: false,
        Limit: limit,
      });
      const refused: RefusedMessage[] = [];
      for await (const stored of found) {
        if (refused.length === limit) break;
        const item = v.parse(RefusedItem, stored);
        refused.push({
          tenantId: item.tenant,
          messageId: item.message,
          index: item.index,
          sentAt: item.sent_at,
          code: item.code,
          errors: item.errors,
          body: await bodyOf(item),
        });
      }
      return refused;
    },
  };
};
