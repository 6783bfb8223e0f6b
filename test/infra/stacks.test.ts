import { Match } from "aws-cdk-lib/assertions";
import * as v from "valibot";
import { FUNCTIONS } from "../../build/bundle.ts";
import { GATEWAY_REFUSALS } from "../../shared/contract/gateway-refusals.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { ROUTES } from "../../shared/contract/routes.ts";
import { OBJECT_LIFETIMES_DAYS } from "../../shared/domain/retention.ts";
import { uploadObjectKey } from "../../shared/dynamodb/object-keys.ts";
import { TABLE } from "../../shared/dynamodb/table.ts";
import { onlyResource, resourcesOf, templatesOf } from "./deployed.ts";

const templates = templatesOf();
const { data, ingest, jobs, api, project, upkeep, operations } = templates;
const all = [data, ingest, jobs, api, project, upkeep, operations];

interface Statement {
  readonly Action: string | string[];
}

const statementsOf = (id: RegExp) =>
  resourcesOf(all, "AWS::IAM::Policy")
    .filter(([policy]) => id.test(policy))
    .flatMap(([, policy]) => policy.Properties.PolicyDocument.Statement as Statement[]);
const actionsOf = (id: RegExp): string[] => statementsOf(id).flatMap(({ Action }) => Action);

describe("the data stack", () => {
  test("makes the table with the keys, the indexes, the expiry and the stream that the code uses", () => {
    data.hasResourceProperties("AWS::DynamoDB::Table", {
      KeySchema: [
        { AttributeName: TABLE.partitionKey, KeyType: "HASH" },
        { AttributeName: TABLE.sortKey, KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
      TimeToLiveSpecification: { AttributeName: TABLE.expiryAttribute, Enabled: true },
      StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
      GlobalSecondaryIndexes: TABLE.indexes.map((index) => ({
        IndexName: index.name,
        KeySchema: [
          { AttributeName: index.partitionKey, KeyType: "HASH" },
          { AttributeName: index.sortKey, KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: [...index.projection] },
      })),
    });
  });

  test("protects what it keeps", () => {
    data.hasResourceProperties("AWS::DynamoDB::Table", {
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
    data.hasResource("AWS::DynamoDB::Table", { DeletionPolicy: "Retain" });
  });

  test("collects objects by their lifetime, and by nothing else", () => {
    const bucket = onlyResource(data, "AWS::S3::Bucket");
    const rules: { Prefix?: string; ExpirationInDays?: number }[] = bucket["LifecycleConfiguration"]["Rules"];
    const expiring = rules.filter((rule) => rule.ExpirationInDays !== undefined);
    expect(expiring.map((rule) => [rule.Prefix, rule.ExpirationInDays])).toEqual(
      OBJECT_LIFETIMES_DAYS.map((days) => [`${days}d/`, days]),
    );
  });

  test("collects uploads that no event has referred to after two days", () => {
    const bucket = onlyResource(data, "AWS::S3::Bucket");
    const rules: { Prefix?: string; ExpirationInDays?: number }[] = bucket["LifecycleConfiguration"]["Rules"];
    const key = uploadObjectKey(v.parse(TenantId, "acme"), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    const matching = rules.filter(({ Prefix }) => Prefix !== undefined && key.startsWith(Prefix));

    expect(matching.map(({ ExpirationInDays }) => ExpirationInDays)).toEqual([2]);
  });

  test("lets no web page of another origin read payload: links are followed, not fetched, until a console has one", () => {
    expect(onlyResource(data, "AWS::S3::Bucket")["CorsConfiguration"]).toBeUndefined();
  });
});

describe("every bucket", () => {
  const buckets = resourcesOf(all, "AWS::S3::Bucket");

  test.each(buckets)("%s is private, encrypted and kept", (_, bucket) => {
    expect(bucket.Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(bucket.Properties.BucketEncryption.ServerSideEncryptionConfiguration).toHaveLength(1);
    expect(bucket.DeletionPolicy).toBe("Retain");
  });

  test("takes only TLS", () => {
    const denials = resourcesOf(all, "AWS::S3::BucketPolicy").map(([, policy]) => JSON.stringify(policy.Properties));
    expect(denials).toHaveLength(buckets.length);
    for (const denial of denials) expect(denial).toContain('"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny"');
  });
});

describe("every queue", () => {
  const queues = resourcesOf(all, "AWS::SQS::Queue");
  const isDeadLetters = ([id]: (typeof queues)[number]): boolean => id.includes("DeadLetters");

  test("is encrypted, takes only TLS, and keeps messages for 14 days", () => {
    for (const [, queue] of queues) {
      expect(queue.Properties).toMatchObject({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 1_209_600 });
    }
    const denials = resourcesOf(all, "AWS::SQS::QueuePolicy").map(([, policy]) => JSON.stringify(policy.Properties));
    expect(denials).toHaveLength(queues.length);
    for (const denial of denials) expect(denial).toContain('"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny"');
  });

  test.each(queues.filter((queue) => !isDeadLetters(queue)))(
    "%s has dead letters and is tried five times",
    (_, queue) => {
      const target = queue.Properties.RedrivePolicy.deadLetterTargetArn["Fn::GetAtt"][0];
      expect(queues.filter(isDeadLetters).map(([id]) => id)).toContain(target);
      expect(queue.Properties.RedrivePolicy.maxReceiveCount).toBe(5);
    },
  );

  test("of dead letters has an alarm on its first message", () => {
    const alarms = resourcesOf([operations], "AWS::CloudWatch::Alarm").filter(
      ([, { Properties }]) =>
        Properties.Namespace === "AWS/SQS" && Properties.MetricName === "ApproximateNumberOfMessagesVisible",
    );
    const watched = alarms.map(([, { Properties }]) => JSON.stringify(Properties.Dimensions));
    expect(new Set(watched).size).toBe(queues.filter(isDeadLetters).length);
    for (const [, { Properties }] of alarms) {
      expect(Properties).toMatchObject({ Threshold: 0, ComparisonOperator: "GreaterThanThreshold" });
    }
  });

  test("that is consumed is given to its function in batches, failing message by message", () => {
    ingest.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 2,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
    ingest.hasResourceProperties("AWS::SQS::Queue", { VisibilityTimeout: 360 });
  });

  test("of jobs is worked on one job at a time, by a few at once", () => {
    jobs.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BatchSize: 1,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 4 },
    });
    jobs.hasResourceProperties("AWS::SQS::Queue", { VisibilityTimeout: 720 });
  });
});

describe("every function", () => {
  const functions = resourcesOf([ingest, jobs, api, project, upkeep], "AWS::Lambda::Function");

  test("of the folder functions/ is deployed, and no other", () => {
    expect(functions).toHaveLength(FUNCTIONS.length);
  });

  test.each(functions)("%s runs on Node 24 and ARM", (_, { Properties }) => {
    expect(Properties).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"], Handler: "index.handler" });
  });

  test("has a role and a log group of its own, which is collected", () => {
    const roles = functions.map(([, { Properties }]) => Properties.Role["Fn::GetAtt"][0]);
    const logs = functions.map(([, { Properties }]) => Properties.LoggingConfig.LogGroup.Ref);
    expect(new Set(roles).size).toBe(functions.length);
    expect(new Set(logs).size).toBe(functions.length);
    for (const [, group] of resourcesOf(all, "AWS::Logs::LogGroup")) expect(group.Properties.RetentionInDays).toBe(30);
  });

  test("has an alarm on its throttles", () => {
    const alarms = resourcesOf([operations], "AWS::CloudWatch::Alarm").filter(
      ([, { Properties }]) => Properties.MetricName === "Throttles",
    );
    expect(alarms).toHaveLength(functions.length);
  });

  test("has no managed policy and no action with a wildcard", () => {
    for (const [id, role] of resourcesOf([ingest, jobs, api, project, upkeep], "AWS::IAM::Role")) {
      if (!id.startsWith("ApiCloudWatchRole")) expect(role.Properties.ManagedPolicyArns).toBeUndefined();
    }
    for (const action of actionsOf(/./)) expect(action).not.toContain("*");
  });

  test("may do beside what it does with items and objects only what it is for", () => {
    const others = (id: RegExp): string[] =>
      [...new Set(actionsOf(id))]
        .filter((action) => !/^(dynamodb:(\w+Item|Query)|s3:(\w+Object|ListBucket)|logs:\w+)$/.test(action))
        .sort();
    const consuming = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

    expect(others(/^Authorize/)).toEqual([]);
    expect(others(/^Query/)).toEqual([]);
    for (const id of [/^Ingest/, /^Control/]) expect(others(id)).toEqual(["sqs:SendMessage"]);
    expect(others(/^Reap/)).toEqual(["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]);
    expect(others(/^Consume/)).toEqual([...consuming, "sqs:GetQueueUrl", "sqs:ReceiveMessage"]);
    expect(others(/^Work/)).toEqual([...consuming, "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:SendMessage"]);
    expect(others(/^Project/)).toEqual([
      "dynamodb:DescribeStream",
      "dynamodb:GetRecords",
      "dynamodb:GetShardIterator",
      "dynamodb:ListStreams",
      "events:PutEvents",
    ]);
    const keeping = statementsOf(/^Project/).filter(({ Action }) => Action === "s3:PutObject");
    expect(JSON.stringify(keeping)).not.toContain("Payloads");
  });
});

describe("the API", () => {
  const methods = resourcesOf([api], "AWS::ApiGateway::Method").map(([, method]) => method.Properties);

  test("has every route of the contract, and guards all that need a credential", () => {
    expect(methods).toHaveLength(ROUTES.length);
    const open = methods.filter((method) => method.AuthorizationType === "NONE");
    expect(open).toHaveLength(ROUTES.filter((route) => route.scope === undefined).length);
    expect(methods.filter((method) => method.AuthorizationType === "CUSTOM")).toHaveLength(
      methods.length - open.length,
    );
  });

  test("takes bodies as bytes and names the tenant by the authorizer", () => {
    api.hasResourceProperties("AWS::ApiGateway::RestApi", {
      BinaryMediaTypes: ["*/*"],
      ApiKeySourceType: "AUTHORIZER",
    });
  });

  test("remembers a credential for a minute", () => {
    api.hasResourceProperties("AWS::ApiGateway::Authorizer", {
      Type: "REQUEST",
      AuthorizerResultTtlInSeconds: 60,
      IdentitySource: "method.request.header.Authorization",
    });
  });

  test("logs each request without its path's ids, and holds back what is too much", () => {
    const stage = onlyResource(api, "AWS::ApiGateway::Stage");
    expect(stage["AccessLogSetting"]["Format"]).toContain("$context.resourcePath");
    expect(stage["AccessLogSetting"]["Format"]).not.toContain("$context.path");
    expect(stage["MethodSettings"]).toEqual([
      expect.objectContaining({
        HttpMethod: "*",
        ThrottlingRateLimit: 1000,
        ThrottlingBurstLimit: 2000,
        DataTraceEnabled: false,
      }),
    ]);
  });

  test("answers every refusal of the gateway as a problem document with the request's id", () => {
    const responses = resourcesOf([api], "AWS::ApiGateway::GatewayResponse").map(([, response]) => response.Properties);
    expect(responses).toHaveLength(21);
    for (const { StatusCode, ResponseParameters, ResponseTemplates } of responses) {
      const document = JSON.parse(ResponseTemplates["application/json"]);
      const refusal = GATEWAY_REFUSALS[document.code as keyof typeof GATEWAY_REFUSALS];
      expect(document).toEqual({
        type: "about:blank",
        ...refusal,
        code: document.code,
        request_id: "$context.requestId",
      });
      expect(StatusCode).toBe(String(refusal.status));
      expect(ResponseParameters).toMatchObject({
        "gatewayresponse.header.Content-Type": "'application/problem+json'",
        "gatewayresponse.header.x-request-id": "context.requestId",
      });
    }
  });

  test("answers an unknown path with 404, and a limit with when to come again", () => {
    api.hasResourceProperties("AWS::ApiGateway::GatewayResponse", {
      ResponseType: "MISSING_AUTHENTICATION_TOKEN",
      StatusCode: "404",
    });
    for (const type of ["THROTTLED", "QUOTA_EXCEEDED"]) {
      api.hasResourceProperties("AWS::ApiGateway::GatewayResponse", {
        ResponseType: type,
        StatusCode: "429",
        ResponseParameters: Match.objectLike({ "gatewayresponse.header.retry-after": "'1'" }),
      });
    }
  });
});

describe("the project stack", () => {
  test("takes only headers from the stream, splits a failing batch, and keeps what it gives up whole", () => {
    project.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: 3600,
      StartingPosition: "TRIM_HORIZON",
      FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ dynamodb: { Keys: { sk: { S: ["RUN"] } } } }) }] },
      DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": [Match.stringLikeRegexp("^Failures"), "Arn"] } } },
      MetricsConfig: { Metrics: ["EventCount"] },
    });
  });

  test("collects what was given up, which holds rows of runs, after two weeks, and the alarm says so", () => {
    const bucket = onlyResource(project, "AWS::S3::Bucket");
    const rules: Record<string, unknown>[] = bucket["LifecycleConfiguration"]["Rules"];
    expect(rules.filter((rule) => "ExpirationInDays" in rule)).toEqual([
      { Id: "given-up", Status: "Enabled", ExpirationInDays: 14 },
    ]);
    const [[, alarm] = ["", undefined]] = resourcesOf([operations], "AWS::CloudWatch::Alarm").filter(
      ([, { Properties }]) => Properties.MetricName === "OnFailureDestinationDeliveredEventCount",
    );
    expect(alarm?.Properties.AlarmDescription).toContain("for 14 days");
  });
});

describe("the upkeep stack", () => {
  test("has a tick every five minutes, which ends before the next one", () => {
    upkeep.hasResourceProperties("AWS::Events::Rule", {
      ScheduleExpression: "rate(5 minutes)",
      State: "ENABLED",
      Targets: [Match.objectLike({ Arn: { "Fn::GetAtt": [Match.stringLikeRegexp("^Reap"), "Arn"] } })],
    });
    upkeep.hasResourceProperties("AWS::Lambda::Function", { Timeout: 240 });
  });

  test("tries a tick that failed once more, and tells of it then", () => {
    upkeep.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      MaximumRetryAttempts: 1,
      MaximumEventAgeInSeconds: 300,
      DestinationConfig: {
        OnFailure: { Destination: { "Fn::GetAtt": [Match.stringLikeRegexp("^DeadLetters"), "Arn"] } },
      },
    });
  });
});

describe("the operations stack", () => {
  const alarms = resourcesOf([operations], "AWS::CloudWatch::Alarm").map(([, { Properties }]) => Properties);

  test.each([
    ["AWS/SQS", "ApproximateNumberOfMessagesVisible"],
    ["AWS/SQS", "ApproximateAgeOfOldestMessage"],
    ["AWS/ApiGateway", "5XXError"],
    ["AWS/Lambda", "Throttles"],
    ["AWS/Lambda", "IteratorAge"],
    ["AWS/Lambda", "OnFailureDestinationDeliveredEventCount"],
    ["AWS/Lambda", "DestinationDeliveryFailures"],
    ["runstone-test-operations", "EventsRefused"],
  ])("has an alarm on %s %s", (namespace, metric) => {
    expect(alarms.filter(({ Namespace, MetricName }) => Namespace === namespace && MetricName === metric)).not.toEqual(
      [],
    );
  });

  test("says of every alarm what it means, its unit, what missing data is, and what to do", () => {
    for (const { AlarmDescription, TreatMissingData } of alarms) {
      expect(AlarmDescription).toMatch(/\(more than \d+ \w+\)\.\nWhat to do: .+\nNo data means .+/);
      expect(TreatMissingData).toBe("notBreaching");
    }
  });

  test("mails nobody where no address is set, and everything where one is", () => {
    expect(resourcesOf([operations], "AWS::SNS::Topic")).toEqual([]);
    const mailed = templatesOf({ alarmEmail: "operator@example.com" }).operations;
    mailed.hasResourceProperties("AWS::SNS::Subscription", { Protocol: "email", Endpoint: "operator@example.com" });
    for (const [, { Properties }] of resourcesOf([mailed], "AWS::CloudWatch::Alarm")) {
      expect(Properties.AlarmActions).toHaveLength(1);
    }
    mailed.hasResourceProperties("AWS::SNS::TopicPolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Allow",
            Action: "sns:Publish",
            Principal: { Service: "cloudwatch.amazonaws.com" },
          }),
        ]),
      },
    });
  });
});

test("an idle deployment has nothing that costs by the hour", () => {
  const types = all.flatMap((template) =>
    Object.values(template.toJSON()["Resources"] as Record<string, { Type: string }>),
  );
  const billed = /NatGateway|VPC|KMS::Key|Provisioned|Cluster|Instance|WAF|CacheCluster|SecretsManager/;
  expect(types.map(({ Type }) => Type).filter((type) => billed.test(type))).toEqual([]);
});
