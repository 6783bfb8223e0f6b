/** SDK clients for the servers of the embedded stack. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Emulators } from "./emulators.ts";

/** Clients of the services that the stack stands on. */
export interface AwsClients {
  readonly region: string;
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly s3: S3Client | undefined;
  destroy(): void;
}

/** Region and credentials of the environment where it has them; the emulators accept any. */
export function connectClients(
  endpoints: Emulators["endpoints"],
  environment: Readonly<Record<string, string | undefined>>,
): AwsClients {
  const region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1";
  const hasCredentials = environment["AWS_ACCESS_KEY_ID"] || environment["AWS_PROFILE"];
  const settings = {
    region,
    ...(hasCredentials ? {} : { credentials: { accessKeyId: "local", secretAccessKey: "local" } }),
  };

  const dynamodb = new DynamoDBClient({ ...settings, endpoint: endpoints.dynamodb });
  // The URL that a queue is known by need not be one that this machine can resolve.
  const sqs = new SQSClient({ ...settings, endpoint: endpoints.sqs, useQueueUrlAsEndpoint: false });
  const s3 =
    endpoints.s3 === undefined
      ? undefined
      : new S3Client({ ...settings, endpoint: endpoints.s3, forcePathStyle: true });
  return {
    region,
    dynamodb,
    sqs,
    s3,
    destroy: () => {
      for (const client of [dynamodb, sqs, s3]) client?.destroy();
    },
  };
}
