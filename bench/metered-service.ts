import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { APIGatewayProxyEvent, Context } from "aws-lambda";
import * as v from "valibot";
import { queryFunction } from "../functions/query/query.ts";
import { ensureTable } from "../local/resources.ts";
import { recordEvents } from "../shared/app/record/record-events.ts";
import { redactEvents } from "../shared/app/redaction/redact-events.ts";
import { readEvent } from "../shared/contract/event.ts";
import { TenantId } from "../shared/contract/identifiers.ts";
import { SCOPES } from "../shared/contract/routes.ts";
import { connect } from "../shared/lambda/connect.ts";
import type { Dependencies } from "../shared/lambda/dependencies.ts";
import type { BlobStore } from "../shared/ports/blob-store.ts";
import { type Charge, type CostMeter, costMeter } from "./cost-meter.ts";
import type { Delivery, SampleRun } from "./workloads.ts";

/** As production's are: ids of tenants are in every key. */
const TENANT = v.parse(TenantId, "c0a8e6f2-3b7d-4f19-8e52-6d4b9a1c7f30");
/** Between one arrival and the next. */
const ARRIVAL_MS = 5000;

/** Asks a route of the query function. */
export interface Query {
  readonly resource: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
}

/** Recording and reading as the functions do it, over a table of its own. */
export interface MeteredService {
  readonly tenantId: TenantId;
  readonly dependencies: Dependencies;
  readonly tableName: string;
  /** A client whose commands are not counted. */
  readonly aside: DynamoDBClient;
  /** Records a run; gives what AWS would bill for it. Throws where an event is not accepted. */
  record(run: SampleRun, delivery: Delivery): Promise<readonly Charge[]>;
  /** Sends a GET to the query function; gives what AWS would bill. Throws where the answer is not 200. */
  get(query: Query): Promise<{ readonly charges: readonly Charge[]; readonly body: string }>;
  /** Does something else with the dependencies; gives what AWS would bill for it. */
  bill(work: () => Promise<unknown>): Promise<readonly Charge[]>;
  stop(): void;
}

const blobsInMemory = (): BlobStore => {
  const objects = new Map<string, Uint8Array>();
  return {
    put: async (key, bytes) => {
      objects.set(key, bytes);
    },
    get: async (key) => objects.get(key),
    sizeOf: async (key) => objects.get(key)?.length,
    copy: async (from, to) => {
      const bytes = objects.get(from);
      if (bytes !== undefined) objects.set(to, bytes);
      return bytes !== undefined;
    },
    list: async function* (prefix) {
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    remove: async (key) => {
      objects.delete(key);
    },
  };
};

const proxyEvent = ({ resource, path, query = {} }: Query): APIGatewayProxyEvent =>
  ({
    httpMethod: "GET",
    resource,
    path: resource,
    pathParameters: path,
    headers: {},
    multiValueQueryStringParameters: Object.fromEntries(
      Object.entries(query).map(([name, value]) => [name, [value].flat()]),
    ),
    requestContext: { requestId: randomUUID(), authorizer: { tenant_id: TENANT, scopes: SCOPES.join(" ") } },
    body: null,
    isBase64Encoded: false,
  }) as unknown as APIGatewayProxyEvent;

const clientOf = (endpoint: string): DynamoDBClient =>
  new DynamoDBClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });

/**
 * A service over a new table of the emulator, or over that of another service. `startsAt` (milliseconds since 1970) sets its clock, which moves by five
 * seconds an arrival, so that two runs of the benchmark write the same bytes. `isMetered: false` leaves the meter out,
 * whose reads aside cost time; charges are then empty.
 */
export const startMeteredService = async (
  endpoint: string,
  options: { readonly startsAt: number; readonly isMetered?: boolean; readonly tableName?: string },
): Promise<MeteredService> => {
  const tableName = options.tableName ?? `runstone-${randomUUID()}`;
  const client = clientOf(endpoint);
  const aside = clientOf(endpoint);
  await ensureTable(aside, tableName);
  const meter: CostMeter = costMeter(aside);
  if (options.isMetered !== false) meter.attachTo(client);

  let now = options.startsAt;
  const clock = { now: () => now, sleep: async () => undefined };
  const dependencies = connect({
    dynamodb: client,
    tableName,
    blobs: meter.countObjects(blobsInMemory()),
    clock,
    log: (line) => {
      if (line.level !== "info") throw new Error(`the service logged: ${line.message}`, { cause: line.error });
    },
  });
  const query = queryFunction(dependencies);

  const send = async (texts: readonly string[]): Promise<void> => {
    const context = { now, isFromQueue: false };
    const received = texts.map((text) => ({
      tenantId: TENANT,
      text,
      reading: readEvent({ text, value: JSON.parse(text) as unknown }, context),
    }));
    const results = await recordEvents(dependencies, await redactEvents(dependencies, received), "http");
    const refused = results.find(({ status }) => status !== "accepted");
    if (refused !== undefined) {
      const cause = refused.status === "unavailable" ? refused.fault : undefined;
      throw new Error(`an event was not accepted: ${JSON.stringify(refused)}`, { cause });
    }
  };

  return {
    tenantId: TENANT,
    dependencies,
    tableName,
    aside,
    record: async (run, delivery) => {
      for (const texts of run.requests[delivery]) {
        now += ARRIVAL_MS;
        await send(texts);
      }
      return meter.take();
    },
    get: async (call) => {
      const { statusCode, body } = await query(proxyEvent(call), {} as Context);
      if (statusCode !== 200) throw new Error(`GET ${call.resource} answered ${statusCode}: ${body}`);
      return { charges: meter.take(), body };
    },
    bill: async (work) => {
      await work();
      return meter.take();
    },
    stop: () => {
      client.destroy();
      aside.destroy();
    },
  };
};
