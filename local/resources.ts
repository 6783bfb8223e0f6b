/** What CloudFormation makes in production: the table, the queue with its dead letters, the bucket. */
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { TABLE } from "../shared/dynamodb/table.ts";
import { StartFailure } from "./start-failure.ts";

/** After so many deliveries that failed a message goes to the dead letters. */
const MAX_RECEIVE_COUNT = 5;
const VISIBILITY_SECONDS = 30;
const RETENTION_OF_DEAD_LETTERS_SECONDS = 14 * 24 * 3600;

/** A queue and its dead letters. */
export interface Queue {
  /** As the server names it: it need not resolve on this machine. */
  readonly url: string;
  readonly arn: string;
  readonly deadLetterUrl: string;
}

/** The table as `CreateTable` takes it: keys, indexes and their projections come from {@link TABLE}. */
export function tableDefinition(tableName: string): CreateTableCommandInput {
  const keyAttributes = new Set<string>([TABLE.partitionKey, TABLE.sortKey]);
  for (const index of TABLE.indexes) keyAttributes.add(index.partitionKey).add(index.sortKey);
  const keySchema = (key: { partitionKey: string; sortKey: string }) => [
    { AttributeName: key.partitionKey, KeyType: "HASH" as const },
    { AttributeName: key.sortKey, KeyType: "RANGE" as const },
  ];
  return {
    TableName: tableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [...keyAttributes].map((name) => ({ AttributeName: name, AttributeType: "S" as const })),
    KeySchema: keySchema(TABLE),
    GlobalSecondaryIndexes: TABLE.indexes.map((index) => ({
      IndexName: index.name,
      KeySchema: keySchema(index),
      Projection: { ProjectionType: "INCLUDE" as const, NonKeyAttributes: [...index.projection] },
    })),
  };
}

/** Makes sure that the table is there and active. Throws StartFailure where it cannot become so. */
export async function ensureTable(client: DynamoDBClient, tableName: string): Promise<void> {
  if (!(await hasActiveTable(client, tableName))) {
    await client.send(new CreateTableCommand(tableDefinition(tableName))).catch((error: unknown) => {
      if (!(error instanceof ResourceInUseException)) throw error;
    });
    const waiting = { client, minDelay: 0.02, maxDelay: 0.5, maxWaitTime: 20 };
    await waitUntilTableExists(waiting, { TableName: tableName }).catch((cause: unknown) => {
      throw new StartFailure(`the table ${tableName} does not become active; delete it and start again`, { cause });
    });
  }
}

async function hasActiveTable(client: DynamoDBClient, tableName: string): Promise<boolean> {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    return Table?.TableStatus === "ACTIVE";
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
}

/** Makes sure that the queue and its dead letters are there, and asks the server how they are called. */
export async function ensureQueue(client: SQSClient, queueName: string): Promise<Queue> {
  const deadLetters = await createQueue(client, `${queueName}-dead-letters`, {
    MessageRetentionPeriod: String(RETENTION_OF_DEAD_LETTERS_SECONDS),
  });
  const queue = await createQueue(client, queueName, {
    VisibilityTimeout: String(VISIBILITY_SECONDS),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetters.arn, maxReceiveCount: MAX_RECEIVE_COUNT }),
  });
  return { ...queue, deadLetterUrl: deadLetters.url };
}

async function createQueue(
  client: SQSClient,
  name: string,
  attributes: Record<string, string>,
): Promise<{ url: string; arn: string }> {
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  if (QueueUrl === undefined || Attributes?.QueueArn === undefined) {
    throw new Error(`the SQS server did not say how the queue ${name} is called`);
  }
  return { url: QueueUrl, arn: Attributes.QueueArn };
}

/** Makes sure that the bucket is there; one that is ours already is fine. */
export async function ensureBucket(client: S3Client, bucketName: string): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: bucketName })).catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== "BucketAlreadyOwnedByYou") throw error;
  });
}
