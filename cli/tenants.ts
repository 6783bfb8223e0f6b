import { dynamoTenantStore } from "../shared/dynamodb/dynamo-tenant-store.ts";
import { admitTenant } from "./admit-tenant.ts";
import type { CommandGroup, CommandIo } from "./command-group.ts";
import { chooseCommand, parseCommand, TARGET_OPTIONS } from "./command-line.ts";
import { openTarget } from "./open-target.ts";
import { removeTenant } from "./remove-tenant.ts";
import { openTable } from "./target.ts";
import { findPlans, limitOf, type TenantLimit } from "./tenant-limit.ts";
import { textTable } from "./text-table.ts";

const HELP = `Tenants with limits of their own. Any tenant can be given keys; those that were not admitted share one limit.

  npm run cli -- tenants admit --tenant T [--plan standard] --stage NAME [--no-wait] [--region R]
      Counts the tenant's requests by themselves, under the limits of a plan of the stage. The first time it waits a
      minute, until API Gateway knows the tenant's key; --no-wait does not, and requests may be refused meanwhile.
      Again with another plan: the tenant moves to it, and may be refused for a moment meanwhile.
  npm run cli -- tenants list [--json] [--stage NAME] [--region R]
      Tenants that were admitted, their plans, and which limit holds for each: their own, or the shared one where the
      stage no longer has the plan.
  npm run cli -- tenants remove --tenant T --stage NAME [--no-wait] [--region R]
      The tenant shares the limit of all that were not admitted, at once. It waits before it removes the tenant's usage
      key from API Gateway, which remembers for a while that it is the tenant's. API keys are not touched.

Plans and limits are the stage's settings (limits.plans); where a stage has none, there is nothing to admit to. Tenants
have to be admitted anew after limits were turned off and on again (their plans are new, and no key is in them: requests
fail until then), and after their plan was renamed (they share the limit until then).`;

const LIMITS: Readonly<Record<TenantLimit, string>> = {
  own: "own",
  shared: "shared: the stage has no such plan",
  none: "none: the stage has no limits",
};

const list = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values } = parseCommand(args, { ...TARGET_OPTIONS, json: { type: "boolean" } });

  using target = await openTarget(values, io.environment);
  const tenants = await dynamoTenantStore(await openTable(target)).list();
  const plans = await findPlans(target);

  const data = tenants.map((tenant) => ({
    tenant_id: tenant.tenantId,
    plan: tenant.plan,
    limit: limitOf(tenant, plans),
    admitted_at: new Date(tenant.admittedAt).toISOString(),
  }));
  if (values.json) return io.print(JSON.stringify({ data }, null, 2));
  if (data.length === 0) return io.print(`No tenant of ${target.name} has limits of its own.`);
  const rows = data.map((it) => [it.tenant_id, it.plan, it.admitted_at.slice(0, 10), LIMITS[it.limit]]);
  io.print(textTable(["TENANT", "PLAN", "ADMITTED", "LIMIT"], rows));
};

/** `tenants admit`, `tenants list`, `tenants remove`. */
export const tenantsGroup: CommandGroup = {
  name: "tenants",
  summary: "give tenants limits of their own",
  help: HELP,
  run: async (args, io) => {
    const { command, rest } = chooseCommand("tenants", { admit: admitTenant, list, remove: removeTenant }, args);
    await command(rest, io);
  },
};
