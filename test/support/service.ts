import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context, SQSBatchResponse } from "aws-lambda";
import * as v from "valibot";
import { consumeFunction } from "../../functions/consume/consume.ts";
import { ingestFunction } from "../../functions/ingest/ingest.ts";
import { queryFunction } from "../../functions/query/query.ts";
import { ensureTable } from "../../local/resources.ts";
import { RunId, type RunKey, TenantId } from "../../shared/contract/identifiers.ts";
import { SCOPES } from "../../shared/contract/routes.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import { connect } from "../../shared/lambda/connect.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { LogLine } from "../../shared/lambda/log.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { testEndpoints } from "./test-endpoints.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as a client does
  readonly json: any;
}

export interface HttpCall {
  readonly resource: string;
  readonly path?: Record<string, string>;
  readonly query?: Record<string, string | readonly string[]>;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly tenant?: string;
  readonly scopes?: string;
}

/** The functions as Lambda runs them, over an emulated table of their own and files for objects. */
export interface Service {
  readonly dependencies: Dependencies;
  readonly dynamodb: DynamoDBClient;
  readonly tableName: string;
  readonly objects: string;
  readonly logs: readonly LogLine[];
  get(call: HttpCall): Promise<Reply>;
  post(call: HttpCall): Promise<Reply>;
  /** Sends message bodies as one batch. */
  deliver(bodies: readonly string[]): Promise<SQSBatchResponse>;
  stop(): void;
}

export const runKey = (tenantId: string, runId: string): RunKey => ({
  tenantId: v.parse(TenantId, tenantId),
  runId: v.parse(RunId, runId),
});

const proxyEvent = (method: string, call: HttpCall): APIGatewayProxyEvent =>
  ({
    httpMethod: method,
    resource: call.resource,
    path: call.resource,
    pathParameters: call.path ?? null,
    headers: call.headers ?? {},
    multiValueQueryStringParameters: Object.fromEntries(
      Object.entries(call.query ?? {}).map(([name, value]) => [name, Array.isArray(value) ? [...value] : [value]]),
    ),
    requestContext: {
      requestId: randomUUID(),
      authorizer: { tenant_id: call.tenant ?? "demo", scopes: call.scopes ?? SCOPES.join(" ") },
    },
    body: call.body === undefined ? null : Buffer.from(call.body).toString("base64"),
    isBase64Encoded: true,
  }) as unknown as APIGatewayProxyEvent;

const replyOf = (result: APIGatewayProxyResult): Reply => ({
  status: result.statusCode,
  headers: result.headers ?? {},
  text: result.body,
  json: result.body === "" ? undefined : JSON.parse(result.body),
});

const sqsRecord = (body: string, messageId: string) => ({
  messageId,
  receiptHandle: "receipt",
  body,
  attributes: {
    ApproximateReceiveCount: "1",
    SentTimestamp: String(Date.now()),
    SenderId: "sender",
    ApproximateFirstReceiveTimestamp: String(Date.now()),
  },
  messageAttributes: {},
  md5OfBody: "",
  eventSource: "aws:sqs",
  eventSourceARN: "arn:aws:sqs:us-east-1:123456789012:runstone-events",
  awsRegion: "us-east-1",
});

/** A service of its own. `change` replaces dependencies, to make stores fail. */
export const startService = async (
  change: (dependencies: Dependencies) => Dependencies = (dependencies) => dependencies,
  clock?: Clock,
): Promise<Service> => {
  const tableName = `runstone-${randomUUID()}`;
  const objects = mkdtempSync(join(tmpdir(), "runstone-objects-"));
  const dynamodb = new DynamoDBClient({
    endpoint: testEndpoints().dynamodb,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  await ensureTable(dynamodb, tableName);
  const logs: LogLine[] = [];
  const dependencies = change(
    connect({
      dynamodb,
      tableName,
      blobs: fileBlobStore(objects),
      log: (line) => logs.push(line),
      ...(clock === undefined ? {} : { clock }),
    }),
  );
  const query = queryFunction(dependencies);
  const ingest = ingestFunction(dependencies);
  const consume = consumeFunction(dependencies);
  const context = {} as Context;
  return {
    dependencies,
    dynamodb,
    tableName,
    objects,
    logs,
    get: async (call) => replyOf(await query(proxyEvent("GET", call), context)),
    post: async (call) => replyOf(await ingest(proxyEvent("POST", call), context)),
    deliver: (bodies) =>
      consume({ Records: bodies.map((body, index) => sqsRecord(body, `message-${index}-${randomUUID()}`)) }, context),
    stop: () => {
      dynamodb.destroy();
      rmSync(objects, { recursive: true, force: true });
    },
  };
};

/** Sends events as one JSON request, each as the text it is. */
export const postEvents = (service: Service, events: readonly string[], tenantId = "demo"): Promise<Reply> =>
  service.post({ resource: "/v1/events", body: `{"events":[${events.join(",")}]}`, tenant: tenantId });

export const readRun = (service: Service, runId: string): Promise<Reply> =>
  service.get({ resource: "/v1/runs/{run_id}", path: { run_id: runId } });

/** Everything that reading shows of a run, but for what receipt decides. */
export const viewOf = async (service: Service, runId: string, tenantId = "demo"): Promise<string> => {
  const path = { run_id: runId };
  const call = { path, tenant: tenantId };
  const run = await service.get({ resource: "/v1/runs/{run_id}", ...call });
  const nodes = await service.get({
    resource: "/v1/runs/{run_id}/nodes",
    ...call,
    query: { include: "payload", limit: "1000" },
  });
  const light = await service.get({ resource: "/v1/runs/{run_id}/nodes", ...call, query: { limit: "1000" } });
  const trace = await service.get({ resource: "/v1/runs/{run_id}/trace", ...call });
  return [run, nodes, light, trace]
    .map((reply) => `${reply.status} ${reply.text}`)
    .join("\n")
    .replaceAll(/"version":\d+/g, '"version":0')
    .replaceAll(/"expires_at":"[^"]*"/g, '"expires_at":""');
};
