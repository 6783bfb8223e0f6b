import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import { OBJECT_LIFETIMES_DAYS } from "../../shared/domain/retention.ts";
import { lifetimePrefix } from "../../shared/dynamodb/object-keys.ts";
import { TABLE } from "../../shared/dynamodb/table.ts";
import { PrivateBucket } from "../constructs/private-bucket.ts";

const text = (name: string) => ({ name, type: AttributeType.STRING });

/** State, in a stack of its own: the table as `shared/dynamodb/table` describes it, and the bucket for large payloads. */
export class DataStack extends Stack {
  readonly table: Table;
  readonly payloads: PrivateBucket;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    this.table = new Table(this, "Table", {
      partitionKey: text(TABLE.partitionKey),
      sortKey: text(TABLE.sortKey),
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: TABLE.expiryAttribute,
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    for (const index of TABLE.indexes) {
      this.table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: text(index.partitionKey),
        sortKey: text(index.sortKey),
        projectionType: ProjectionType.INCLUDE,
        nonKeyAttributes: [...index.projection],
      });
    }
    this.payloads = new PrivateBucket(this, "Payloads", {
      lifecycleRules: OBJECT_LIFETIMES_DAYS.map((days) => ({
        id: `expire-after-${days}-days`,
        prefix: lifetimePrefix(days),
        expiration: Duration.days(days),
      })),
    });
    new CfnOutput(this, "TableName", { value: this.table.tableName, description: "The ledger's table" });
    new CfnOutput(this, "BucketName", { value: this.payloads.bucketName, description: "Payload objects" });
  }
}
