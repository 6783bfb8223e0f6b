import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { headerOf } from "../../shared/domain/header.ts";
import { dynamoRunStore } from "../../shared/dynamodb/dynamo-run-store.ts";
import { headerKey, TABLE } from "../../shared/dynamodb/table.ts";
import { ledger, type Sent, sent } from "../support/builders.ts";
import { runKey } from "../support/service.ts";
import { startTables, type Tables } from "./dynamo-tables.ts";
import { runListsContract } from "./run-lists.ts";
import { runStoreContract } from "./run-store.ts";

const start = async () => {
  const { table, dead, stop } = await startTables();
  return { store: dynamoRunStore(table), broken: dynamoRunStore(dead), stop };
};
runStoreContract("DynamoDB", start);
runListsContract("DynamoDB", start);

describe("DynamoDB as a run store", () => {
  let tables: Tables;
  beforeAll(async () => {
    tables = await startTables();
  });
  afterAll(() => tables.stop());

  /** The attributes of a run's header item, and how long they are as JSON. */
  const itemOf = async (runId: string, ...events: readonly Sent[]) => {
    const run = runKey("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", runId);
    await dynamoRunStore(tables.table).create(run, headerOf(ledger(...events)));
    const { pk, sk } = headerKey(run);
    const command = new GetItemCommand({ TableName: tables.table.name, Key: { pk: { S: pk }, sk: { S: sk } } });
    return (await tables.client.send(command)).Item ?? {};
  };

  it("keeps the index of statuses sparse: a run that succeeded is not in it", async () => {
    const [byTime, byStatus, byParent] = TABLE.indexes.map(({ partitionKey }) => partitionKey) as [
      string,
      string,
      string,
    ];
    const running = await itemOf("running", sent("run.started"));
    const succeeded = await itemOf(
      "succeeded",
      sent("run.started", { parent_run_id: "p" }),
      sent("run.finished", { at: 1 }),
    );

    expect([byTime in running, byStatus in running, byParent in running]).toEqual([true, true, false]);
    expect([byTime in succeeded, byStatus in succeeded, byParent in succeeded]).toEqual([true, false, true]);
  });

  it("keeps a row of an index under 1 KB where ids are UUIDs, whatever else comes in", async () => {
    const [word, id] = ["字".repeat(256), "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"];
    const item = await itemOf(
      id,
      sent("run.started", {
        app_id: id,
        workflow_id: id,
        workflow_version: word,
        workflow_type: word,
        triggered_from: word,
        created_by: word,
        parent_run_id: id,
        tags: Array.from({ length: 20 }, () => word),
        idle_timeout: 1.2345678901234567e300,
      }),
      sent("run.finished", { status: "failed", error: word, at: 1, elapsed_time: 1.5, total_tokens: 2 ** 53 - 1 }),
    );

    for (const index of TABLE.indexes) {
      const names = [TABLE.partitionKey, TABLE.sortKey, index.partitionKey, index.sortKey, ...index.projection];
      const bytes = names.reduce((sum, name) => {
        const { S = "", N = "" } = item[name] ?? {};
        return sum + Buffer.byteLength(name) + Buffer.byteLength(S) + Math.ceil(N.length / 2) + 1;
      }, 0);
      expect(bytes).toBeLessThanOrEqual(1024);
    }
  });
});
