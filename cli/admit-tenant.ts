import { TenantId } from "../shared/contract/identifiers.ts";
import { dynamoTenantStore } from "../shared/dynamodb/dynamo-tenant-store.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandIo } from "./command-group.ts";
import { parseCommand, requiredOption, TARGET_OPTIONS } from "./command-line.ts";
import { openTarget } from "./open-target.ts";
import { openTable } from "./target.ts";
import { findPlans, limitOf, type PlanIds } from "./tenant-limit.ts";
import { gatewayOf, placeUsageKey, usageKeyName } from "./usage-plans.ts";
import { waitAndTell } from "./wait-and-tell.ts";

/** API Gateway does not tell when it knows a new key; it takes up to a minute. */
const NEW_KEY_SECONDS = 60;

const planIdOf = (plans: PlanIds, plan: string, stageName: string): string => {
  const planId = Object.hasOwn(plans, plan) ? plans[plan] : undefined;
  if (planId !== undefined) return planId;
  const names = Object.keys(plans).join(", ");
  throw new CommandFailure(`--plan: ${stageName} has no plan ${JSON.stringify(plan)} (it has ${names})`);
};

/**
 * `tenants admit`. A tenant that shares a limit so far keeps sharing it until API Gateway knows its own key: only then the
 * authorizer names it. Safe to repeat, also after it was interrupted.
 */
export const admitTenant = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const text = { type: "string" } as const;
  const options = { ...TARGET_OPTIONS, tenant: text, plan: { ...text, default: "standard" } };
  const { values } = parseCommand(args, { ...options, "no-wait": { type: "boolean" } });
  const tenantId = requiredOption("tenant", TenantId, values.tenant);
  const { plan } = values;

  using target = await openTarget(values, io.environment);
  const plans = await findPlans(target);
  if (plans === undefined || target.stage === undefined) {
    return io.print(`Nothing to do: ${target.name} has no limits by tenant, so every tenant is admitted.`);
  }
  const planId = planIdOf(plans, plan, target.name);
  const tenants = dynamoTenantStore(await openTable(target));
  const hasShared = limitOf(await tenants.find(tenantId), plans) === "shared";

  const client = gatewayOf(target);
  const name = usageKeyName(target.stage, tenantId);
  const usageKey = await placeUsageKey(client, { name, planId, planIds: Object.values(plans) });
  client.destroy();

  const isWaiting = hasShared && !values["no-wait"] && !io.environment["AWS_ENDPOINT_URL"];
  if (isWaiting) await waitAndTell(io, { seconds: NEW_KEY_SECONDS, until: "API Gateway knows the tenant's key" });
  await tenants.put({ tenantId, plan, usageKey, admittedAt: io.now() });
  const meanwhile = hasShared && values["no-wait"] ? "; until then its requests may fail" : "";
  io.print(
    `Tenant ${tenantId} has the limits of the plan "${plan}", once API Gateway has taken it in (a minute or so)${meanwhile}.`,
  );
};
