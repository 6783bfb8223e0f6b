import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ensureTable } from "../../local/resources.ts";
import { type Table, tableOf } from "../../shared/dynamodb/document-client.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

/** Where nothing listens. */
export const DEAD_ENDPOINT = "http://127.0.0.1:1";

/** Settings of an SDK client that fails at once. */
export const clientOf = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  maxAttempts: endpoint === DEAD_ENDPOINT ? 1 : 3,
});

export interface Tables {
  readonly client: DynamoDBClient;
  readonly table: Table;
  /** Of the same name, with nobody behind it. */
  readonly dead: Table;
  stop(): void;
}

/** A new table on the emulator. */
export const startTables = async (): Promise<Tables> => {
  const name = `runstone-${randomUUID()}`;
  const client = new DynamoDBClient(clientOf(testEndpoints().dynamodb));
  const deadClient = new DynamoDBClient(clientOf(DEAD_ENDPOINT));
  await ensureTable(client, name);
  return {
    client,
    table: tableOf(client, name),
    dead: tableOf(deadClient, name),
    stop: () => {
      client.destroy();
      deadClient.destroy();
    },
  };
};
