/** Which limit holds for a tenant on a stage. */
import * as v from "valibot";
import type { Tenant } from "../shared/ports/tenant-store.ts";
import type { Target } from "./target.ts";

/** Ids of usage plans by their name. */
export type PlanIds = Readonly<Record<string, string>>;

/** Its own, the one that all share which were not admitted, or none: the stage has no limits by tenant. */
export type TenantLimit = "own" | "shared" | "none";

const PlanIdsText = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

/** The usage plans of a stage; undefined where it has no limits by tenant. */
export const findPlans = async (target: Target): Promise<PlanIds | undefined> => {
  const plans = await target.find("UsagePlans");
  return plans === undefined ? undefined : v.parse(PlanIdsText, plans);
};

/** As the authorizer finds it: a tenant whose plan the stage does not have shares. Undefined: it was not admitted. */
export const limitOf = (tenant: Pick<Tenant, "plan"> | undefined, plans: PlanIds | undefined): TenantLimit => {
  if (plans === undefined) return "none";
  return tenant !== undefined && Object.hasOwn(plans, tenant.plan) ? "own" : "shared";
};
