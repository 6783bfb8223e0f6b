import { readSettings, type StageSettings } from "../../infra/settings.ts";
import { resourcesOf, templatesOf } from "./deployed.ts";

describe("a stage's settings", () => {
  test("need not say anything", () => {
    expect(readSettings("dev", {})).toMatchObject({
      retentionDays: 30,
      keys: { cacheSeconds: 60 },
      queue: { batchSize: 100, windowSeconds: 2, maxConcurrency: 10, maxReceiveCount: 5 },
    });
  });

  test("are refused with every reason and its path", () => {
    const wrong = {
      retentionDays: 0,
      alarmEmail: "nobody",
      queue: { batchSize: "many", patience: 3 },
      oidc: { issuer: "https://issuer.example/", audience: "a", jwksUrl: "http://issuer.example/keys" },
      limits: { plans: { large: { requestsPerSecond: 5, burst: 5 } } },
    };
    expect(() => readSettings("prod", wrong)).toThrow(
      [
        "infra/stages/prod.ts is not valid:",
        "  retentionDays: expected a whole number from 1 to 3650",
        "  alarmEmail: expected an e-mail address",
        "  oidc.jwksUrl: expected an https URL (http only for localhost, 127.0.0.1 and [::1])",
        "  queue.batchSize: expected a whole number from 1 to 1000",
        "  queue.patience: there is no such setting",
        '  limits.plans: expected a plan named "standard"',
      ].join("\n"),
    );
  });

  test("of a large batch need a window", () => {
    expect(() => readSettings("dev", { queue: { batchSize: 11, windowSeconds: 0 } })).toThrow(
      "queue.windowSeconds: expected at least 1 where a batch has more than 10 messages",
    );
  });

  test("reach what they are about", () => {
    const { api, ingest } = templatesOf({
      retentionDays: 90,
      keys: { cacheSeconds: 5, longestDays: 365 },
      oidc: { issuer: "https://issuer.example/", audience: "runstone", jwksUrl: "https://issuer.example/keys" },
      queue: { batchSize: 10, windowSeconds: 0, maxConcurrency: 4, maxReceiveCount: 7 },
      throttle: { requestsPerSecond: 20, burst: 40 },
    });
    api.hasResourceProperties("AWS::ApiGateway::Authorizer", { AuthorizerResultTtlInSeconds: 5 });
    const environments = resourcesOf([api, ingest], "AWS::Lambda::Function").map(
      ([, { Properties }]) => Properties.Environment.Variables,
    );
    expect(environments.filter(({ RETENTION_DAYS }) => RETENTION_DAYS === "90")).toHaveLength(3);
    expect(environments.filter(({ LONGEST_KEY_DAYS }) => LONGEST_KEY_DAYS === "365")).toHaveLength(1);
    expect(environments.flatMap(({ OIDC }) => (OIDC === undefined ? [] : [JSON.parse(OIDC)]))).toEqual([
      {
        issuer: "https://issuer.example/",
        audience: "runstone",
        jwksUrl: "https://issuer.example/keys",
        tenantClaim: "tenant",
        scopesClaim: "scope",
        scopePrefix: "",
      },
    ]);
    ingest.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BatchSize: 10,
      ScalingConfig: { MaximumConcurrency: 4 },
    });
  });

  test("of the authorizer deploy the API anew, as everything does that it remembers", () => {
    const deploymentOf = (settings: StageSettings): string | undefined =>
      resourcesOf([templatesOf(settings).api], "AWS::ApiGateway::Deployment")[0]?.[0];
    expect(deploymentOf({ keys: { cacheSeconds: 5 } })).not.toBe(deploymentOf({}));
    expect(deploymentOf({ keys: { cacheSeconds: 60 } })).toBe(deploymentOf({}));
  });

  test("of limits give each tenant's plan its rate, and demand a usage key of every guarded route", () => {
    const { api } = templatesOf({
      limits: {
        plans: { standard: { requestsPerSecond: 50, burst: 100 }, large: { requestsPerSecond: 500, burst: 900 } },
      },
    });
    const plans = resourcesOf([api], "AWS::ApiGateway::UsagePlan").map(([, { Properties }]) => Properties.Throttle);
    expect(plans).toEqual([
      { RateLimit: 50, BurstLimit: 100 },
      { RateLimit: 500, BurstLimit: 900 },
    ]);
    const methods = resourcesOf([api], "AWS::ApiGateway::Method").map(([, { Properties }]) => Properties);
    for (const { AuthorizationType, ApiKeyRequired } of methods) {
      expect(ApiKeyRequired ?? false).toBe(AuthorizationType === "CUSTOM");
    }
    expect(resourcesOf([api], "AWS::ApiGateway::ApiKey")).toHaveLength(1);
    api.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: { USAGE_KEYS: "runstone-test-api-tenants-not-admitted", USAGE_PLANS: "standard,large" },
      },
    });
    const held = resourcesOf([api], "AWS::ApiGateway::UsagePlan").map(
      ([, { Properties }]) => Properties.ApiStages[0].Throttle,
    );
    expect(held).toEqual([
      { "/v1/runs/{run_id}/events/GET": { RateLimit: 5, BurstLimit: 10 } },
      { "/v1/runs/{run_id}/events/GET": { RateLimit: 50, BurstLimit: 90 } },
    ]);
  });

  test("of concurrency keep functions free for their own kind of load", () => {
    const { api } = templatesOf({ concurrency: { query: 50, ingest: 100 } });
    const reserved = resourcesOf([api], "AWS::Lambda::Function").map(
      ([id, { Properties }]) => [id.replace(/Function.*/, ""), Properties.ReservedConcurrentExecutions] as const,
    );
    expect(Object.fromEntries(reserved)).toEqual({ Ingest: 100, Query: 50, Control: undefined, Authorize: undefined });
  });

  test("of a domain name give the API that name over TLS 1.2 or later", () => {
    const { api } = templatesOf({
      domainName: {
        name: "runs.example.com",
        certificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000",
      },
    });
    api.hasResourceProperties("AWS::ApiGateway::DomainName", {
      DomainName: "runs.example.com",
      SecurityPolicy: "TLS_1_2",
    });
    api.hasOutput("ApiUrl", { Value: "https://runs.example.com" });
  });
});
