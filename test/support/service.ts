import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, SQSBatchResponse, SQSEvent } from "aws-lambda";
import * as v from "valibot";
import { consumeFunction } from "../../functions/consume/consume.ts";
import { controlFunction } from "../../functions/control/control.ts";
import { ingestFunction } from "../../functions/ingest/ingest.ts";
import { queryFunction } from "../../functions/query/query.ts";
import { workFunction } from "../../functions/work/work.ts";
import { lambdaContext } from "../../local/lambda-context.ts";
import { ensureTable } from "../../local/resources.ts";
import { RunId, type RunKey, TenantId } from "../../shared/contract/identifiers.ts";
import { ROUTES, SCOPES } from "../../shared/contract/routes.ts";
import { fileBlobLinks } from "../../shared/files/file-blob-links.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import { connect } from "../../shared/lambda/connect.ts";
import type { Services } from "../../shared/lambda/connect-recording.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { LogLine } from "../../shared/lambda/log.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { EventQueue } from "../../shared/ports/event-queue.ts";
import { emulatedQueue } from "./emulated-queue.ts";
import { type MemoryJobQueue, memoryJobQueue } from "./memory-job-queue.ts";
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
  /** What the dependencies are connected to. */
  readonly services: Services;
  readonly dynamodb: DynamoDBClient;
  readonly tableName: string;
  readonly objects: string;
  readonly logs: readonly LogLine[];
  get(call: HttpCall): Promise<Reply>;
  post(call: HttpCall): Promise<Reply>;
  put(call: HttpCall): Promise<Reply>;
  delete(call: HttpCall): Promise<Reply>;
  /** Answers API Gateway's own event. */
  answer(event: APIGatewayProxyEvent): Promise<Reply>;
  /** Consumes SQS' own event. */
  consume(event: SQSEvent): Promise<SQSBatchResponse>;
  /** Sends message bodies as one batch. */
  deliver(bodies: readonly string[]): Promise<SQSBatchResponse>;
  /** Takes the bodies of all messages that were queued since. */
  takeQueued(): Promise<string[]>;
  readonly jobQueue: MemoryJobQueue;
  /** Works on one message of the queue of jobs, delivered for the so manieth time, with so much time (milliseconds). */
  work(body: string, of?: { receiveCount?: number; timeMs?: number }): Promise<SQSBatchResponse>;
  /** Works on jobs until none is queued. */
  workOff(): Promise<void>;
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
    multiValueHeaders: Object.fromEntries(Object.entries(call.headers ?? {}).map(([name, value]) => [name, [value]])),
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

/** Lambda carries no larger result: the caller gets a 502. */
const MOST_RESULT_BYTES = 6_291_556;

/** What a client gets of a function's result, as API Gateway sends it on. Throws for one that Lambda would not carry. */
const replyOf = (result: APIGatewayProxyResult): Reply => {
  const resultBytes = Buffer.byteLength(JSON.stringify(result));
  if (resultBytes > MOST_RESULT_BYTES) throw new Error(`a result of ${resultBytes} bytes is more than Lambda carries`);
  const text = result.isBase64Encoded ? Buffer.from(result.body, "base64").toString() : result.body;
  return {
    status: result.statusCode,
    headers: result.headers ?? {},
    text,
    json: text === "" || result.headers?.["content-type"] === "application/x-ndjson" ? undefined : JSON.parse(text),
  };
};

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

/** The functions that a service runs. */
type ServedFunction = "consume" | "control" | "ingest" | "query" | "work";

/**
 * A service of its own. `change` replaces dependencies, to make stores fail; `queue` stands in for the emulated one;
 * `servicesOf` gives each function services of its own, as each is a process of its own.
 */
export const startService = async (
  change: (dependencies: Dependencies) => Dependencies = (dependencies) => dependencies,
  clock?: Clock,
  queue?: EventQueue,
  servicesOf?: (name: ServedFunction, services: Services) => Services,
): Promise<Service> => {
  const tableName = `runstone-${randomUUID()}`;
  const objects = mkdtempSync(join(tmpdir(), "runstone-objects-"));
  const settings = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  const dynamodb = new DynamoDBClient({ ...settings, endpoint: testEndpoints().dynamodb });
  const sqs = new SQSClient({ ...settings, endpoint: testEndpoints().sqs, useQueueUrlAsEndpoint: false });
  await ensureTable(dynamodb, tableName);
  const logs: LogLine[] = [];
  const services: Services = {
    dynamodb,
    tableName,
    blobs: fileBlobStore(objects),
    links: fileBlobLinks({ secret: Buffer.from("of tests"), baseUrl: () => "http://127.0.0.1:1" }),
    log: (line) => logs.push(line),
    ...(clock === undefined ? {} : { clock }),
  };
  const dependencies = change(connect(services));
  const dependenciesOf = (name: ServedFunction): Dependencies =>
    servicesOf === undefined ? dependencies : change(connect(servicesOf(name, services)));
  const emulated = emulatedQueue(sqs, tableName);
  const jobQueue = memoryJobQueue();
  const functions = {
    query: queryFunction(dependenciesOf("query")),
    ingest: ingestFunction({ ...dependenciesOf("ingest"), queue: queue ?? emulated }),
    control: controlFunction({ ...dependenciesOf("control"), jobQueue }),
  };
  const work = workFunction({ ...dependenciesOf("work"), jobQueue });
  const consume = consumeFunction(dependenciesOf("consume"));
  // A call of its own each: its time runs from then on.
  const context = () => lambdaContext("runstone", "test");
  const workOn: Service["work"] = (body, { receiveCount = 1, timeMs = 60_000 } = {}) => {
    const record = sqsRecord(body, randomUUID());
    const attributes = { ...record.attributes, ApproximateReceiveCount: String(receiveCount) };
    const until = dependencies.clock.now() + timeMs;
    const getRemainingTimeInMillis = () => until - dependencies.clock.now();
    return work({ Records: [{ ...record, attributes }] }, { ...context(), getRemainingTimeInMillis });
  };
  const answer = async (event: APIGatewayProxyEvent): Promise<Reply> => {
    const { httpMethod: method, resource } = event;
    const route = ROUTES.find((one) => one.method === method && one.resource === resource);
    const serve = functions[route?.function ?? (method === "GET" ? "query" : "ingest")];
    return replyOf(await serve(event, context()));
  };
  return {
    dependencies,
    services,
    dynamodb,
    tableName,
    objects,
    logs,
    get: (call) => answer(proxyEvent("GET", call)),
    post: (call) => answer(proxyEvent("POST", call)),
    put: (call) => answer(proxyEvent("PUT", call)),
    delete: (call) => answer(proxyEvent("DELETE", call)),
    answer,
    consume: (event) => consume(event, context()),
    deliver: (bodies) =>
      consume({ Records: bodies.map((body, index) => sqsRecord(body, `message-${index}-${randomUUID()}`)) }, context()),
    takeQueued: emulated.take,
    jobQueue,
    work: workOn,
    workOff: async () => {
      for (let [message] = jobQueue.take(1); message !== undefined; [message] = jobQueue.take(1)) {
        const { batchItemFailures } = await workOn(message.body);
        if (batchItemFailures.length > 0) throw new Error(`a slice failed: ${message.body}`);
      }
    },
    stop: () => {
      dynamodb.destroy();
      sqs.destroy();
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
