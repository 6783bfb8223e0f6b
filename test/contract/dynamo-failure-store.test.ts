import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { cutText, rowText } from "../../shared/domain/row-text.ts";
import { dynamoFailureStore } from "../../shared/dynamodb/dynamo-failure-store.ts";
import { dynamoLedgerStore } from "../../shared/dynamodb/dynamo-ledger-store.ts";
import { failureKey, TABLE } from "../../shared/dynamodb/table.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import { manualClock } from "../support/manual-clock.ts";
import { runKey } from "../support/service.ts";
import { startTables, type Tables } from "./dynamo-tables.ts";
import { failureRow, failureStoreContract } from "./failure-store.ts";

failureStoreContract("DynamoDB", async () => {
  const objects = mkdtempSync(join(tmpdir(), "runstone-failures-"));
  const { table, dead, stop } = await startTables();
  const ledger = dynamoLedgerStore(table, fileBlobStore(objects), manualClock());
  return {
    store: dynamoFailureStore(table, manualClock()),
    broken: dynamoFailureStore(dead, manualClock()),
    rowsOf: async (run) => (await ledger.readAll(run)).failures,
    stop: () => {
      stop();
      rmSync(objects, { recursive: true, force: true });
    },
  };
});

describe("DynamoDB as a failure store", () => {
  let tables: Tables;
  beforeAll(async () => {
    tables = await startTables();
  });
  afterAll(() => tables.stop());

  it("keeps an item, and its row of the index, under 1 KB where ids are UUIDs, whatever else comes in", async () => {
    const id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    const run = runKey(id, id);
    const [word, error] = [rowText("字".repeat(99), 48), cutText('"\u0001字'.repeat(99), 220)];
    const row = failureRow({ run: id, app: id, nodeExecutionId: id, nodeId: id, nodeType: word, title: word, error });
    const long = { ...row, workflowVersion: word, runStatus: "partial-succeeded", attempts: 100 } as const;
    await dynamoFailureStore(tables.table, manualClock()).put(run, { row: long, moment: { rev: 1000, touches: 1000 } });

    const { pk, sk } = failureKey(run, id);
    const command = new GetItemCommand({ TableName: tables.table.name, Key: { pk: { S: pk }, sk: { S: sk } } });
    const item = (await tables.client.send(command)).Item ?? {};
    const bytes = Object.entries(item).reduce(
      (sum, [name, { S = "", N = "" }]) =>
        sum + Buffer.byteLength(name) + Buffer.byteLength(S) + Math.ceil(N.length / 2) + 1,
      0,
    );
    expect(bytes).toBeLessThanOrEqual(1024);
    expect(Object.keys(item).filter((name) => name.endsWith("_pk"))).toEqual([TABLE.indexes[1].partitionKey]);
  });
});
