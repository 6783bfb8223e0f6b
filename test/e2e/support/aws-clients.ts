import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { HttpRequest } from "@smithy/core/protocols";
import { Hash } from "@smithy/core/serde";
import { SignatureV4 } from "@smithy/signature-v4";
import { deployment } from "./deployment.ts";

// An emulator is named by AWS_ENDPOINT_URL, which every client of the SDK reads.
const isEmulator = deployment().endpoint !== undefined;

export const dynamodb = new DynamoDBClient({});
export const eventBridge = new EventBridgeClient({});
export const s3 = new S3Client({ forcePathStyle: isEmulator });
/** An emulator's own names of queues may resolve nowhere. */
export const sqs = new SQSClient({ useQueueUrlAsEndpoint: !isEmulator });

/** A request of the suite's own to a service. */
export interface ServiceCall {
  readonly service: "lambda" | "logs";
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * Asks a service that the project has no client for: what the suite alone needs of Lambda and CloudWatch Logs. Throws
 * what the service said where it is not a success.
 */
export const askService = async (call: ServiceCall): Promise<unknown> => {
  const { endpoint, region } = deployment();
  const { service, method, path } = call;
  const url = new URL(`${endpoint ?? `https://${service}.${region}.amazonaws.com`}${path}`);
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const signer = new SignatureV4({
    service,
    region,
    credentials: sqs.config.credentials,
    sha256: Hash.bind(null, "sha256"),
  });
  const { headers } = await signer.sign(
    new HttpRequest({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host, "content-type": "application/json", ...call.headers },
      body,
    }),
  );
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${service} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
  return text === "" ? undefined : JSON.parse(text);
};
