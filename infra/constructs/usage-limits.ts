import { Stack } from "aws-cdk-lib";
import { ApiKey, type IRestApi, type Method, type RestApi, type UsagePlan } from "aws-cdk-lib/aws-apigateway";
import { Construct } from "constructs";
import type { Settings } from "../settings.ts";

/** The limits of a stage, and the API they hold for. */
export interface UsageLimitsProps {
  readonly api: RestApi;
  /** The method that can hold a request for long. */
  readonly holding: Method;
  readonly limits: NonNullable<Settings["limits"]>;
}

const tenthOf = (amount: number): number => Math.ceil(amount / 10);

/**
 * A usage plan for each limit. API Gateway counts by usage key, and the authorizer names the key of the tenant: each
 * tenant that was admitted has its own, so that no tenant's requests use up another's. Those that were not admitted
 * share one. A route that holds requests is limited to a tenth: a request a second that is held for twenty takes twenty
 * functions.
 */
export class UsageLimits extends Construct {
  readonly planIds: Readonly<Record<string, string>>;
  /** The usage key of all tenants that were not admitted. It is no secret: it opens nothing. */
  readonly sharedKey: string;

  constructor(scope: Construct, id: string, { api, holding, limits }: UsageLimitsProps) {
    super(scope, id);
    const plans = new Map<string, UsagePlan>();
    for (const [name, limit] of Object.entries(limits.plans)) {
      const plan = api.addUsagePlan(`Plan-${name}`, {
        name: `${Stack.of(this).stackName}-${name}`,
        description: `${limit.requestsPerSecond} requests a second for each tenant, ${limit.burst} at once`,
        throttle: { rateLimit: limit.requestsPerSecond, burstLimit: limit.burst },
        apiStages: [
          {
            api: api as IRestApi,
            stage: api.deploymentStage,
            throttle: [
              {
                method: holding,
                throttle: { rateLimit: tenthOf(limit.requestsPerSecond), burstLimit: tenthOf(limit.burst) },
              },
            ],
          },
        ],
      });
      plans.set(name, plan);
    }
    this.sharedKey = `${Stack.of(this).stackName}-tenants-not-admitted`;
    const key = new ApiKey(this, "NotAdmitted", {
      apiKeyName: this.sharedKey,
      value: this.sharedKey,
      description: "Counts the requests of all tenants that were not admitted",
    });
    plans.get("standard")?.addApiKey(key);
    this.planIds = Object.fromEntries([...plans].map(([name, plan]) => [name, plan.usagePlanId]));
  }
}
