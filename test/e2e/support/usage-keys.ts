import { APIGatewayClient, DeleteApiKeyCommand, paginateGetApiKeys } from "@aws-sdk/client-api-gateway";
import { deployment } from "./deployment.ts";

/** Removes the usage keys of tenants that the suite admitted. */
export const removeUsageKeys = async (tenantIds: readonly string[]): Promise<void> => {
  const client = new APIGatewayClient({});
  for (const tenantId of tenantIds) {
    const nameQuery = `runstone-${deployment().stage}-tenant-${tenantId}`;
    for await (const page of paginateGetApiKeys({ client }, { nameQuery })) {
      for (const { id, name } of page.items ?? []) {
        if (name === nameQuery) await client.send(new DeleteApiKeyCommand({ apiKey: id }));
      }
    }
  }
  client.destroy();
};
