import { randomBytes } from "node:crypto";
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { recordEvents } from "../../shared/app/record/record-events.ts";
import { redactEvents } from "../../shared/app/redaction/redact-events.ts";
import { readEvent } from "../../shared/contract/event.ts";
import { headerKey, runPartition } from "../../shared/dynamodb/table.ts";
import { runKey, type Service, startService } from "../support/service.ts";
import { objectsOf } from "../support/stored.ts";

const DAY = 86_400;
const large = randomBytes(40_000).toString("base64");
const graph = { nodes: Array.from({ length: 300 }, (_, index) => ({ id: `node-${index}`, type: "llm" })) };

const record = async ({ dependencies }: Service, runId: string, retentionDays: number): Promise<void> => {
  const at = new Date().toISOString();
  const started = { type: "run.started", run_id: runId, app_id: "shop", at, inputs: { large }, graph };
  const finished = { type: "run.finished", run_id: runId, app_id: "shop", at, status: "succeeded" };
  const received = [started, finished].map((value) => {
    const text = JSON.stringify(value);
    const reading = readEvent({ text, value }, { now: Date.now(), isFromQueue: false });
    return { tenantId: runKey("demo", runId).tenantId, text, reading };
  });
  const redacted = await redactEvents(dependencies, received);
  const results = await recordEvents({ ...dependencies, retentionDays }, redacted, "http");
  expect(results.map(({ status }) => status)).toEqual(["accepted", "accepted"]);
};

const readBack = async (service: Service, runId: string) =>
  (await service.get({ resource: "/v1/runs/{run_id}", path: { run_id: runId } })).json;

describe.each([
  { retentionDays: 30, payloadDays: 65, graphDays: 96 },
  { retentionDays: 45, payloadDays: 125, graphDays: 156 },
  { retentionDays: 365, payloadDays: 400, graphDays: 431 },
])("with a retention of $retentionDays days", ({ retentionDays, payloadDays, graphDays }) => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.stop());

  test("a run expires by it, and its ledger 35 days later", async () => {
    await record(service, "run-1", retentionDays);
    const client = DynamoDBDocumentClient.from(service.dynamodb);
    const run = runKey("demo", "run-1");
    const header = await client.send(new GetCommand({ TableName: service.tableName, Key: headerKey(run) }));
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: service.tableName,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": runPartition(run) },
      }),
    );
    const now = Date.now() / 1000;
    expect(Math.abs(header.Item?.["expires_at"] - (now + retentionDays * DAY))).toBeLessThan(60);
    const entries = Items.filter(({ sk }) => String(sk).startsWith("L#"));
    expect(entries).toHaveLength(1);
    expect(Math.abs(entries[0]?.["expires_at"] - (now + (retentionDays + 35) * DAY))).toBeLessThan(60);
  });

  test("its objects lie under the lifetime that covers it, and are read back", async () => {
    await record(service, "run-2", retentionDays);
    const prefixes = objectsOf(service).map((path) => path.split("/").slice(0, 2).join("/"));
    expect(new Set(prefixes)).toEqual(new Set([`${payloadDays}d/runs`, `${graphDays}d/graphs`]));
    expect(await readBack(service, "run-2")).toMatchObject({ inputs: { large }, graph });
  });
});

test("what was recorded under another retention is still read back", async () => {
  const service = await startService();
  await record(service, "before", 30);
  await record(service, "after", 90);

  for (const runId of ["before", "after"]) {
    expect(await readBack(service, runId)).toMatchObject({ inputs: { large }, graph });
  }
  const kinds = objectsOf(service).map((path) => path.split("/").slice(0, 2).join("/"));
  expect(kinds.sort()).toEqual(["125d/runs", "156d/graphs", "65d/runs", "96d/graphs"]);
  service.stop();
});
