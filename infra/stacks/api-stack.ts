import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from "aws-cdk-lib";
import {
  AccessLogField,
  AccessLogFormat,
  ApiKeySourceType,
  AuthorizationType,
  EndpointType,
  IdentitySource,
  LambdaIntegration,
  LogGroupLogDestination,
  type Method,
  RequestAuthorizer,
  RestApi,
  SecurityPolicy,
} from "aws-cdk-lib/aws-apigateway";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { ROUTES, type RouteName } from "../../shared/contract/routes.ts";
import { type ApiFunctions, type ApiFunctionsProps, apiFunctions } from "../constructs/api-functions.ts";
import { COUNTING_BY_TENANT } from "../constructs/function-access.ts";
import { answerProblems } from "../constructs/problem-responses.ts";
import { allowAccess } from "../constructs/table-access.ts";
import { UsageLimits } from "../constructs/usage-limits.ts";
import type { Settings } from "../settings.ts";

/** What the API stack stands on. */
export interface ApiStackProps extends StackProps, ApiFunctionsProps {}

const STAGE_NAME = "live";
/** With `wait` it holds a request until something new arrives. */
const FOLLOWING: RouteName = "GET /v1/runs/{run_id}/events";

const accessLog = AccessLogFormat.custom(
  JSON.stringify({
    request_id: AccessLogField.contextRequestId(),
    // A client can choose the request id; not this one.
    extended_request_id: AccessLogField.contextExtendedRequestId(),
    at: AccessLogField.contextRequestTimeEpoch(),
    tenant_id: AccessLogField.contextAuthorizerPrincipalId(),
    method: AccessLogField.contextHttpMethod(),
    route: AccessLogField.contextResourcePath(),
    status: AccessLogField.contextStatus(),
    duration_ms: AccessLogField.contextResponseLatency(),
    response_bytes: AccessLogField.contextResponseLength(),
    source_ip: AccessLogField.contextIdentitySourceIp(),
    refused_by_gateway: AccessLogField.contextErrorResponseType(),
  }),
);

/** The HTTP API: every route of the contract, the authorizer before it, and a function a folder behind it. */
export class ApiStack extends Stack {
  readonly api: RestApi;
  readonly functions: ApiFunctions;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    const { settings } = props;
    this.functions = apiFunctions(this, props);
    this.api = this.makeApi(settings);
    const methods = this.addRoutes(settings);
    answerProblems(this.api);
    this.tell(settings, this.limitTenants(props, methods));
  }

  private makeApi(settings: Settings): RestApi {
    const { throttle, domainName } = settings;
    const log = new LogGroup(this, "AccessLog", { retention: settings.logDays, removalPolicy: RemovalPolicy.DESTROY });
    const api = new RestApi(this, "Api", {
      restApiName: this.stackName,
      description: "Runstone's HTTP API",
      endpointTypes: [EndpointType.REGIONAL],
      binaryMediaTypes: ["*/*"],
      apiKeySourceType: ApiKeySourceType.AUTHORIZER,
      cloudWatchRole: true,
      deployOptions: {
        stageName: STAGE_NAME,
        throttlingRateLimit: throttle.requestsPerSecond,
        throttlingBurstLimit: throttle.burst,
        accessLogDestination: new LogGroupLogDestination(log),
        accessLogFormat: accessLog,
      },
      ...(domainName === undefined
        ? {}
        : {
            domainName: {
              domainName: domainName.name,
              certificate: Certificate.fromCertificateArn(this, "Certificate", domainName.certificateArn),
              securityPolicy: SecurityPolicy.TLS_1_2,
            },
          }),
    });
    Validations.of(api).acknowledge(
      {
        id: "AwsSolutions-APIG2",
        reason: "The functions check every request against its schema and name each reason; the gateway names one.",
      },
      {
        id: "AwsSolutions-APIG3",
        reason:
          "A web ACL costs money each month; limits by tenant and by stage hold load off. Attach one where wanted.",
      },
      {
        id: "AwsSolutions-APIG6",
        reason: "Execution logs hold bodies, and payload must not reach a log. The access log has every request.",
      },
      {
        id: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
        reason:
          "The policy that API Gateway asks for to write access logs; the role belongs to the account's API Gateway.",
      },
      {
        id: "AwsSolutions-COG4",
        reason: "The authorizer takes API keys, and JWTs of an OIDC issuer, which a Cognito pool can be.",
      },
    );
    return api;
  }

  /** The methods by their routes. */
  private addRoutes(settings: Settings): Map<RouteName, Method> {
    const methods = new Map<RouteName, Method>();
    const authorizer = new RequestAuthorizer(this, "Authorizer", {
      handler: this.functions.authorize.function,
      identitySources: [IdentitySource.header("Authorization")],
      resultsCacheTtl: Duration.seconds(settings.keys.cacheSeconds),
    });
    const integrations = new Map<string, LambdaIntegration>();
    for (const name of new Set(ROUTES.map((route) => route.function))) {
      const options = { scopePermissionToMethod: false };
      integrations.set(name, new LambdaIntegration(this.functions[name].function, options));
    }
    for (const route of ROUTES) {
      const resource = this.api.root.resourceForPath(route.resource);
      const guarded = {
        authorizer,
        authorizationType: AuthorizationType.CUSTOM,
        apiKeyRequired: settings.limits?.areDemanded ?? false,
      };
      const open = { authorizationType: AuthorizationType.NONE };
      const method = resource.addMethod(
        route.method,
        integrations.get(route.function),
        route.scope === undefined ? open : guarded,
      );
      methods.set(`${route.method} ${route.resource}`, method);
      if (route.scope === undefined) {
        Validations.of(method).acknowledge({
          id: "AwsSolutions-APIG4",
          reason: "The contract opens this route to everybody: it shows nothing of any tenant.",
        });
      }
    }
    return methods;
  }

  private limitTenants(
    { storage, settings }: ApiStackProps,
    methods: ReadonlyMap<RouteName, Method>,
  ): UsageLimits | undefined {
    const holding = methods.get(FOLLOWING);
    if (settings.limits === undefined || holding === undefined) return undefined;
    const limits = new UsageLimits(this, "Limits", { api: this.api, holding, limits: settings.limits });
    const { authorize } = this.functions;
    authorize.function.addEnvironment("USAGE_KEYS", limits.sharedKey);
    authorize.function.addEnvironment("USAGE_PLANS", Object.keys(limits.planIds).join(","));
    allowAccess(authorize, storage, COUNTING_BY_TENANT);
    return limits;
  }

  private tell(settings: Settings, limits: UsageLimits | undefined): void {
    const { domainName } = settings;
    const url = domainName === undefined ? this.api.url.replace(/\/$/, "") : `https://${domainName.name}`;
    new CfnOutput(this, "ApiUrl", { value: url, description: "What the paths of the contract are appended to" });
    new CfnOutput(this, "ApiId", { value: this.api.restApiId });
    new CfnOutput(this, "ApiStage", { value: this.api.deploymentStage.stageName });
    if (settings.keys.longestDays !== undefined) {
      new CfnOutput(this, "LongestKeyDays", {
        value: String(settings.keys.longestDays),
        description: "Keys that are older are refused",
      });
    }
    if (domainName !== undefined && this.api.domainName !== undefined) {
      new CfnOutput(this, "DomainTarget", {
        value: this.api.domainName.domainNameAliasDomainName,
        description: `What a CNAME record of ${domainName.name} points to`,
      });
    }
    if (limits !== undefined) {
      new CfnOutput(this, "UsagePlans", {
        value: this.toJsonString(limits.planIds),
        description: "Usage plans by name",
      });
    }
  }
}
