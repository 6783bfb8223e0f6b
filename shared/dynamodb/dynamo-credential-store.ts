import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { TenantId } from "../contract/identifiers.ts";
import { SCOPES } from "../contract/routes.ts";
import type { CredentialStore } from "../ports/credential-store.ts";
import { sending, type Table } from "./document-client.ts";
import { credentialKey } from "./table.ts";

const CredentialItem = v.object({
  tenant: TenantId,
  scopes: v.array(v.picklist(SCOPES)),
  name: v.string(),
  valid_until: v.optional(v.number()),
  is_revoked: v.boolean(),
});

/** Credentials in DynamoDB. `find` is strongly consistent: a revocation counts at once. */
export const dynamoCredentialStore = (table: Table): CredentialStore => ({
  put: async (sha256, credential) => {
    const Item = {
      ...credentialKey(sha256),
      tenant: credential.tenantId,
      scopes: credential.scopes,
      name: credential.name,
      valid_until: credential.expiresAt,
      is_revoked: credential.isRevoked,
    };
    await sending("PutItem", () => table.client.send(new PutCommand({ TableName: table.name, Item })));
  },

  find: (sha256) =>
    sending("GetItem", async () => {
      const { Item } = await table.client.send(
        new GetCommand({ TableName: table.name, Key: credentialKey(sha256), ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      const item = v.parse(CredentialItem, Item);
      return {
        tenantId: item.tenant,
        scopes: item.scopes,
        name: item.name,
        expiresAt: item.valid_until,
        isRevoked: item.is_revoked,
      };
    }),
});
