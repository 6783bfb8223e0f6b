import { TenantId } from "../shared/contract/identifiers.ts";
import { dynamoTenantStore } from "../shared/dynamodb/dynamo-tenant-store.ts";
import type { CommandIo } from "./command-group.ts";
import { parseCommand, requiredOption, TARGET_OPTIONS } from "./command-line.ts";
import { openTarget } from "./open-target.ts";
import { openTable, outputOf } from "./target.ts";
import { findPlans } from "./tenant-limit.ts";
import { authorizerCacheSeconds, findUsageKey, gatewayOf, removeUsageKey, usageKeyName } from "./usage-plans.ts";
import { waitAndTell } from "./wait-and-tell.ts";

/** What the authorizer is asked while the tenant is removed may be remembered a little later. */
const MARGIN_SECONDS = 5;

/**
 * `tenants remove`. The tenant first, so that the authorizer no longer names its key; the key once API Gateway has
 * forgotten that it did: a key that is named and gone is refused. Safe to repeat, also after it was interrupted.
 */
export const removeTenant = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const options = { ...TARGET_OPTIONS, tenant: { type: "string" }, "no-wait": { type: "boolean" } } as const;
  const { values } = parseCommand(args, options);
  const tenantId = requiredOption("tenant", TenantId, values.tenant);

  using target = await openTarget(values, io.environment);
  if (target.stage === undefined) return io.print(`Nothing to do: ${target.name} has no limits by tenant.`);
  const hasLimits = (await findPlans(target)) !== undefined;
  const wasAdmitted = await dynamoTenantStore(await openTable(target)).remove(tenantId);

  const client = gatewayOf(target);
  const keyId = await findUsageKey(client, usageKeyName(target.stage, tenantId));
  if (keyId !== undefined) {
    if (hasLimits && !values["no-wait"] && !io.environment["AWS_ENDPOINT_URL"]) {
      const cacheSeconds = await authorizerCacheSeconds(client, await outputOf(target, "ApiId"));
      const until = "API Gateway has forgotten the tenant's key";
      await waitAndTell(io, { seconds: cacheSeconds + MARGIN_SECONDS, until });
    }
    await removeUsageKey(client, keyId);
  }
  client.destroy();
  if (!wasAdmitted && keyId === undefined) {
    return io.print(`Tenant ${tenantId} was not admitted to ${target.name}; nothing has changed.`);
  }
  const now = hasLimits
    ? "it shares the limit of all that were not admitted"
    : `${target.name} has no limits by tenant`;
  io.print(`Tenant ${tenantId} has no limits of its own any more: ${now}. Its API keys stay good.`);
};
