import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { FilterCriteria, FilterRule, MetricType, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { DynamoEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Construct } from "constructs";
import { HEADER_SORT_KEY, TABLE } from "../../shared/dynamodb/table.ts";
import { acknowledgeObjects, acknowledgeWildcard } from "../constructs/acknowledge-wildcards.ts";
import { ACCESS } from "../constructs/function-access.ts";
import { LedgerFunction } from "../constructs/ledger-function.ts";
import { PrivateBucket } from "../constructs/private-bucket.ts";
import { allowAccess, type LedgerStorage } from "../constructs/table-access.ts";
import type { Settings } from "../settings.ts";

/** What the project stack stands on. */
export interface ProjectStackProps extends StackProps {
  readonly storage: LedgerStorage;
  readonly settings: Settings;
}

/** How long a batch is tried: meanwhile what came after it in its shard waits. Given up, it is kept whole. */
const MOST_RECORD_AGE = Duration.hours(1);

/** What was given up holds rows of runs, and so cannot stay for ever: it goes after so many days, replayed or not. */
export const GIVEN_UP_DAYS = 14;

/**
 * What happens after a write: headers from the table's stream become domain events on the bus, and what runs come to is
 * counted and listed.
 */
export class ProjectStack extends Stack {
  readonly project: LedgerFunction;
  /** Batches that could not be followed, whole, for {@link GIVEN_UP_DAYS} days. */
  readonly failures: PrivateBucket;
  /** The event source mapping, by which its metrics are named. */
  readonly mappingId: string;

  constructor(scope: Construct, id: string, props: ProjectStackProps) {
    super(scope, id, props);
    const { storage, settings } = props;
    const bus = new EventBus(this, "Bus", { eventBusName: `${this.stackName}-events` });
    this.failures = new PrivateBucket(this, "Failures", {
      lifecycleRules: [{ id: "given-up", expiration: Duration.days(GIVEN_UP_DAYS) }],
    });
    this.project = new LedgerFunction(this, "Project", {
      functionName: "project",
      description: "Publishes domain events from the table's stream, counts runs and lists their failures",
      memoryMb: 1024,
      timeoutSeconds: 120,
      logDays: settings.logDays,
      environment: {
        EVENT_BUS_NAME: bus.eventBusName,
        TABLE_NAME: storage.table.tableName,
        BUCKET_NAME: storage.payloads.bucketName,
      },
    });
    allowAccess(this.project, storage, ACCESS.project);
    this.project.allow(["events:PutEvents"], [bus.eventBusArn]);
    // Lambda writes what it gives up with the function's own role.
    this.project.allow(["s3:PutObject"], [this.failures.arnForObjects("*")]);
    this.project.allow(["s3:ListBucket"], [this.failures.bucketArn]);
    // CDK's own classes do not fit its interfaces where optional properties are exact.
    const stream = new DynamoEventSource(storage.table as ITable, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      bisectBatchOnError: true,
      maxRecordAge: MOST_RECORD_AGE,
      retryAttempts: -1,
      onFailure: { bind: () => ({ destination: this.failures.bucketArn }) },
      filters: [
        FilterCriteria.filter({
          dynamodb: { Keys: { [TABLE.sortKey]: { S: FilterRule.isEqual(HEADER_SORT_KEY) } } },
        }),
      ],
      metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
    });
    this.project.function.addEventSource(stream);
    this.mappingId = stream.eventSourceMappingId;
    acknowledgeObjects(this.project, this.failures, {
      keys: "*",
      reason: "Lambda names the objects that it keeps failed batches in.",
    });
    acknowledgeWildcard(this.project, "*", "dynamodb:ListStreams, which Lambda asks for, has no resource of its own.");
    new CfnOutput(this, "EventBusName", { value: bus.eventBusName, description: "Where domain events appear" });
    new CfnOutput(this, "FailuresBucketName", {
      value: this.failures.bucketName,
      description: `Batches of the stream that could not be followed, whole, for ${GIVEN_UP_DAYS} days`,
    });
  }
}
