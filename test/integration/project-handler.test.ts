import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StreamHandler } from "../../functions/project/project.ts";
import { recordArrival } from "../../shared/app/record/record-arrival.ts";
import { readStatistics } from "../../shared/app/statistics/read-statistics.ts";
import { GRAIN_MS } from "../../shared/domain/statistics/period.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import { connect } from "../../shared/lambda/connect.ts";
import { startTables, type Tables } from "../contract/dynamo-tables.ts";
import { appKey } from "../contract/statistics-store.ts";
import { arrivalOf, sent, ZERO } from "../support/builders.ts";
import { type EventBus, startEventBus } from "../support/event-bus.ts";
import { runKey } from "../support/service.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

const batch = JSON.parse(readFileSync(join(__dirname, "../../events/dynamodb-stream/status-changes.json"), "utf8"));
const before = { ...process.env };

let bus: EventBus;
let tables: Tables;
beforeEach(async () => {
  bus = await startEventBus();
  tables = await startTables();
  jest.resetModules();
});
afterEach(async () => {
  process.env = { ...before };
  tables.stop();
  await bus.stop();
});

/** The handler as Lambda loads it. */
const load = async (variables: Record<string, string>): Promise<StreamHandler> => {
  Object.assign(process.env, {
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: testEndpoints().dynamodb,
    TABLE_NAME: tables.table.name,
    BUCKET_NAME: "objects",
    ...variables,
  });
  return (await import("../../functions/project/handler.ts")).handler;
};

test("the handler puts the changes of a batch on the bus that its environment names", async () => {
  const handler = await load({ EVENT_BUS_NAME: "runstone-dev-project-events" });

  await handler(batch);

  expect(bus.taken.map(({ EventBusName, DetailType }) => [EventBusName, DetailType])).toEqual([
    ["runstone-dev-project-events", "run.running"],
    ["runstone-dev-project-events", "run.running"],
    ["runstone-dev-project-events", "run.failed"],
    ["runstone-dev-project-events", "run.succeeded"],
  ]);
});

test("the handler counts the runs of a batch in the table that its environment names", async () => {
  const run = runKey("acme", "stream-agent");
  const dependencies = connect({
    dynamodb: tables.client,
    tableName: tables.table.name,
    blobs: fileBlobStore("/nowhere"),
    clock: { now: () => ZERO, sleep: async () => undefined },
  });
  const events = [
    sent("run.started", { app_id: "support-chat" }),
    sent("run.finished", { app_id: "support-chat", at: 1, status: "failed" }),
  ].map(({ event }) => ({ ...event, runId: run.runId }));
  await recordArrival(dependencies, run, arrivalOf(events));
  const handler = await load({ EVENT_BUS_NAME: "runstone-dev-project-events" });

  await handler(batch);

  const from = Date.parse("2026-11-22T09:45:00Z");
  const spans = [{ from, to: from + GRAIN_MS.quarter }];
  const { sums } = await readStatistics(dependencies, appKey("acme", "support-chat"), { spans, now: 0 });
  expect(sums[0]?.runs).toEqual(new Map([["failed", 1]]));
});

test("the handler does not load without the name of its bus", async () => {
  await expect(load({})).rejects.toThrow("EVENT_BUS_NAME");
  await expect(load({ EVENT_BUS_NAME: "" })).rejects.toThrow("EVENT_BUS_NAME must be set");
});
