import { APIGatewayClient } from "@aws-sdk/client-api-gateway";
import * as v from "valibot";
import { TenantId } from "../shared/contract/identifiers.ts";
import { dynamoTenantStore } from "../shared/dynamodb/dynamo-tenant-store.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandGroup, CommandIo } from "./command-group.ts";
import { chooseCommand, parseCommand, requiredOption, TARGET_OPTIONS } from "./command-line.ts";
import { openTarget } from "./open-target.ts";
import { openTable } from "./target.ts";
import { textTable } from "./text-table.ts";
import { placeUsageKey } from "./usage-plans.ts";

const HELP = `Tenants with limits of their own. Any tenant can be given keys; those that were not admitted share one limit.

  npm run cli -- tenants admit --tenant T [--plan standard] --stage NAME [--region R]
      Counts the tenant's requests by themselves, under the limits of a plan of the stage. Again with another plan:
      the tenant moves to it, and may be refused for a moment meanwhile.
  npm run cli -- tenants list [--json] [--stage NAME] [--region R]
      Tenants that were admitted, and their plans.

Plans and limits are the stage's settings (limits.plans); where a stage has none, there is nothing to admit to.`;

const PlanIds = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

const admit = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const text = { type: "string" } as const;
  const { values } = parseCommand(args, { ...TARGET_OPTIONS, tenant: text, plan: { ...text, default: "standard" } });
  const tenantId = requiredOption("tenant", TenantId, values.tenant);

  using target = await openTarget(values, io.environment);
  const plans = await target.find("UsagePlans");
  if (plans === undefined) {
    return io.print(`Nothing to do: ${target.name} has no limits by tenant, so every tenant is admitted.`);
  }
  const planIds = v.parse(PlanIds, plans);
  const { plan } = values;
  const planId = Object.hasOwn(planIds, plan) ? planIds[plan] : undefined;
  if (planId === undefined) {
    const names = Object.keys(planIds).join(", ");
    throw new CommandFailure(`--plan: ${target.name} has no plan ${JSON.stringify(plan)} (it has ${names})`);
  }
  const tenants = dynamoTenantStore(await openTable(target));
  const client = new APIGatewayClient(target.region === undefined ? {} : { region: target.region });
  const name = `runstone-${target.stage}-tenant-${tenantId}`;
  const usageKey = await placeUsageKey(client, { name, planId, planIds: Object.values(planIds) });
  client.destroy();
  await tenants.put({ tenantId, plan, usageKey, admittedAt: io.now() });
  io.print(
    `Tenant ${tenantId} has the limits of the plan "${plan}", once API Gateway has taken it in (a minute or so).`,
  );
};

const list = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values } = parseCommand(args, { ...TARGET_OPTIONS, json: { type: "boolean" } });

  using target = await openTarget(values, io.environment);
  const tenants = await dynamoTenantStore(await openTable(target)).list();

  const data = tenants.map(({ tenantId, plan, admittedAt }) => ({
    tenant_id: tenantId,
    plan,
    admitted_at: new Date(admittedAt).toISOString(),
  }));
  if (values.json) return io.print(JSON.stringify({ data }, null, 2));
  if (data.length === 0) return io.print(`No tenant of ${target.name} has limits of its own.`);
  const rows = data.map(({ tenant_id, plan, admitted_at }) => [tenant_id, plan, admitted_at.slice(0, 10)]);
  io.print(textTable(["TENANT", "PLAN", "ADMITTED"], rows));
};

/** `tenants admit`, `tenants list`. */
export const tenantsGroup: CommandGroup = {
  name: "tenants",
  summary: "give tenants limits of their own",
  help: HELP,
  run: async (args, io) => {
    const { command, rest } = chooseCommand("tenants", { admit, list }, args);
    await command(rest, io);
  },
};
