import { randomBytes } from "node:crypto";
import {
  type APIGatewayClient,
  type ApiKey,
  CreateApiKeyCommand,
  CreateUsagePlanKeyCommand,
  DeleteUsagePlanKeyCommand,
  GetUsagePlanKeyCommand,
  NotFoundException,
  paginateGetApiKeys,
} from "@aws-sdk/client-api-gateway";

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
