import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { TenantId } from "../contract/identifiers.ts";
import { SCOPES } from "../contract/routes.ts";
import type { Credential, CredentialStore, StoredCredential } from "../ports/credential-store.ts";
import { batchGet } from "./batch-get.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import {
  credentialKey,
  digestOfCredential,
  digestOfListing,
  type ItemKey,
  keyListingKey,
  keyListingRange,
} from "./table.ts";

/** A credential that is there keeps its revocation and its days. */
const IS_ABSENT = "attribute_not_exists(pk)";
/** An update alone would make an item that stands for no key. */
const IS_PRESENT = "attribute_exists(pk)";
/** One write a day and key, whoever comes first; days in text order are days in order. */
const IS_NOT_NOTED = "(attribute_not_exists(last_used_on) OR last_used_on < :day)";

/** For how long a request waits for bookkeeping (milliseconds). */
const LONGEST_USE_WRITE_MS = 1000;

const CredentialItem = v.object({
  pk: v.string(),
  tenant: TenantId,
  scopes: v.array(v.picklist(SCOPES)),
  name: v.string(),
  /** Items of the first version have none: they count as the oldest there are. */
  created_at: v.optional(v.number(), 0),
  valid_until: v.optional(v.number()),
  revoked_at: v.optional(v.number()),
  /** How the first version said it, without a time. */
  is_revoked: v.optional(v.boolean(), false),
  last_used_on: v.optional(v.string()),
});

const itemOf = (sha256: string, credential: Credential) => ({
  ...credentialKey(sha256),
  tenant: credential.tenantId,
  scopes: credential.scopes,
  name: credential.name,
  created_at: credential.createdAt,
  valid_until: credential.expiresAt,
  revoked_at: credential.revokedAt,
  last_used_on: credential.lastUsedOn,
});

const credentialFrom = (stored: Record<string, unknown>): StoredCredential => {
  const item = v.parse(CredentialItem, stored);
  return {
    sha256: digestOfCredential(item.pk),
    tenantId: item.tenant,
    scopes: item.scopes,
    name: item.name,
    createdAt: item.created_at,
    expiresAt: item.valid_until,
    revokedAt: item.revoked_at ?? (item.is_revoked ? 0 : undefined),
    lastUsedOn: item.last_used_on,
  };
};

/**
 * Credentials in DynamoDB. Every read is strongly consistent. A listing holds keys alone, and `list` reads the credentials
 * themselves, so that nothing is written twice; a listing whose credential was never written is left out.
 */
export const dynamoCredentialStore = (table: Table): CredentialStore => {
  const putIfAbsent = (item: ItemKey): Promise<boolean> =>
    sendingIf("PutItem", () =>
      table.client.send(new PutCommand({ TableName: table.name, Item: { ...item }, ConditionExpression: IS_ABSENT })),
    );

  return {
    put: async (sha256, credential) => {
      await putIfAbsent(keyListingKey(credential.tenantId, sha256));
      await putIfAbsent(itemOf(sha256, credential));
    },

    find: (sha256) =>
      sending("GetItem", async () => {
        const { Item } = await table.client.send(
          new GetCommand({ TableName: table.name, Key: credentialKey(sha256), ConsistentRead: true }),
        );
        return Item && credentialFrom(Item);
      }),

    revoke: async (sha256, at) => {
      const update = new UpdateCommand({
        TableName: table.name,
        Key: credentialKey(sha256),
        UpdateExpression: "SET revoked_at = if_not_exists(revoked_at, :at)",
        ConditionExpression: IS_PRESENT,
        ExpressionAttributeValues: { ":at": at },
        ReturnValues: "ALL_NEW",
      });
      let revokedAt: number | undefined;
      await sendingIf("UpdateItem", async () => {
        const { Attributes } = await table.client.send(update);
        revokedAt = credentialFrom(Attributes ?? {}).revokedAt;
      });
      return revokedAt;
    },

    recordUse: (sha256, day) => {
      const update = new UpdateCommand({
        TableName: table.name,
        Key: credentialKey(sha256),
        UpdateExpression: "SET last_used_on = :day",
        ConditionExpression: `${IS_PRESENT} AND ${IS_NOT_NOTED}`,
        ExpressionAttributeValues: { ":day": day },
      });
      return sendingIf("UpdateItem", () =>
        table.client.send(update, { abortSignal: AbortSignal.timeout(LONGEST_USE_WRITE_MS) }),
      );
    },

    list: async (tenantId) => {
      const { pk, prefix } = keyListingRange(tenantId);
      const listings = query(table, {
        KeyConditionExpression: prefix === "" ? "pk = :pk" : "pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues: { ":pk": pk, ...(prefix === "" ? {} : { ":prefix": prefix }) },
      });
      const listed = new Set<string>();
      for await (const listing of listings) listed.add(String(listing["sk"]));
      const keys = [...listed].map((sortKey) => credentialKey(digestOfListing(sortKey)));
      const credentials = (await batchGet(table, keys)).map(credentialFrom);
      // A listing under a tenant that does not have the key says nothing.
      return credentials.filter((it) => listed.has(keyListingKey(it.tenantId, it.sha256).sk));
    },
  };
};
