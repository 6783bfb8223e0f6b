import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { admitApiKey, newApiKey, sha256Of } from "../../../shared/app/keys/api-keys.ts";
import { TenantId } from "../../../shared/contract/identifiers.ts";
import { SCOPES, type Scope } from "../../../shared/contract/routes.ts";
import { tableOf } from "../../../shared/dynamodb/document-client.ts";
import { dynamoCredentialStore } from "../../../shared/dynamodb/dynamo-credential-store.ts";
import { dynamodb } from "./aws-clients.ts";
import { deployment } from "./deployment.ts";

const credentials = dynamoCredentialStore(tableOf(dynamodb, deployment().tableName));
const made: string[] = [];

/** A tenant that nobody else has: what the suite makes is named after it. */
export const newTenant = (name: string): TenantId => v.parse(TenantId, `e2e-${name}-${randomBytes(5).toString("hex")}`);

/** A key, admitted to the deployed table as the command line does it. All scopes, where not said otherwise. */
export const newKey = async (
  tenantId: TenantId,
  of: { readonly scopes?: readonly Scope[]; readonly expiresAt?: number } = {},
): Promise<string> => {
  const key = newApiKey();
  await admitApiKey(credentials, key, {
    tenantId,
    scopes: of.scopes ?? SCOPES,
    name: "end-to-end suite",
    createdAt: Date.now(),
    expiresAt: of.expiresAt,
  });
  made.push(key);
  return key;
};

/** Takes a key back. */
export const revokeKey = async (key: string): Promise<void> => {
  await credentials.revoke(sha256Of(key), Date.now());
};

/** Takes back every key that was made here: a suite leaves no open door. */
export const revokeKeys = async (): Promise<void> => {
  await Promise.all(made.splice(0).map(revokeKey));
};
