import { randomBytes } from "node:crypto";
import {
  APIGatewayClient,
  type ApiKey,
  CreateApiKeyCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  DeleteUsagePlanKeyCommand,
  GetAuthorizersCommand,
  GetUsagePlanKeyCommand,
  NotFoundException,
  paginateGetApiKeys,
} from "@aws-sdk/client-api-gateway";
import type { TenantId } from "../shared/contract/identifiers.ts";
import type { Target } from "./target.ts";

/** API Gateway, where a target is. */
export const gatewayOf = ({ region }: Pick<Target, "region">): APIGatewayClient =>
  new APIGatewayClient(region === undefined ? {} : { region });

/** What a tenant's usage key is called. */
export const usageKeyName = (stage: string, tenantId: TenantId): string => `runstone-${stage}-tenant-${tenantId}`;

/** API Gateway takes 20 to 128 characters. */
const USAGE_KEY_BYTES = 32;

const findKey = async (client: APIGatewayClient, name: string): Promise<ApiKey | undefined> => {
  for await (const page of paginateGetApiKeys({ client }, { nameQuery: name, includeValues: true })) {
    // API Gateway finds every name that begins like this one.
    const key = page.items?.find((item) => item.name === name);
    if (key !== undefined) return key;
  }
  return undefined;
};

const makeKey = (client: APIGatewayClient, name: string): Promise<ApiKey> =>
  client.send(
    new CreateApiKeyCommand({
      name,
      description: "Counts the requests of one tenant of Runstone",
      value: randomBytes(USAGE_KEY_BYTES).toString("hex"),
      enabled: true,
    }),
  );

const isInPlan = async (client: APIGatewayClient, usagePlanId: string, keyId: string): Promise<boolean> => {
  try {
    await client.send(new GetUsagePlanKeyCommand({ usagePlanId, keyId }));
    return true;
  } catch (error) {
    if (error instanceof NotFoundException) return false;
    throw error;
  }
};

/**
 * The usage key of this name, made where there is none, in the plan `planId` and in no other of `planIds`. Safe to repeat,
 * also after it failed half-way. A key that moves is in no plan for a moment: API Gateway allows it one plan of a stage.
 */
export const placeUsageKey = async (
  client: APIGatewayClient,
  of: { readonly name: string; readonly planId: string; readonly planIds: readonly string[] },
): Promise<string> => {
  const { id: keyId, value } = (await findKey(client, of.name)) ?? (await makeKey(client, of.name));
  if (keyId === undefined || value === undefined) throw new Error(`API Gateway did not show the key ${of.name}`);
  for (const usagePlanId of of.planIds) {
    if (usagePlanId === of.planId || !(await isInPlan(client, usagePlanId, keyId))) continue;
    await client.send(new DeleteUsagePlanKeyCommand({ usagePlanId, keyId }));
  }
  if (!(await isInPlan(client, of.planId, keyId))) {
    await client.send(new CreateUsagePlanKeyCommand({ usagePlanId: of.planId, keyId, keyType: "API_KEY" }));
  }
  return value;
};

/** The id of the usage key of this name; undefined where there is none. */
export const findUsageKey = async (client: APIGatewayClient, name: string): Promise<string | undefined> =>
  (await findKey(client, name))?.id;

/** Removes a usage key, out of its plan too. Safe to repeat. */
export const removeUsageKey = async (client: APIGatewayClient, keyId: string): Promise<void> => {
  try {
    await client.send(new DeleteApiKeyCommand({ apiKey: keyId }));
  } catch (error) {
    if (!(error instanceof NotFoundException)) throw error;
  }
};

/** For how long an API remembers what its authorizer said, usage keys included. */
export const authorizerCacheSeconds = async (client: APIGatewayClient, restApiId: string): Promise<number> => {
  const { items = [] } = await client.send(new GetAuthorizersCommand({ restApiId }));
  return Math.max(0, ...items.map(({ authorizerResultTtlInSeconds }) => authorizerResultTtlInSeconds ?? 0));
};
