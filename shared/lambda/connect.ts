import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ulid } from "ulid";
import { tableOf } from "../dynamodb/document-client.ts";
import { dynamoAppRegistry } from "../dynamodb/dynamo-app-registry.ts";
import { dynamoCredentialStore } from "../dynamodb/dynamo-credential-store.ts";
import { dynamoLedgerStore } from "../dynamodb/dynamo-ledger-store.ts";
import { dynamoQuarantineStore } from "../dynamodb/dynamo-quarantine-store.ts";
import { dynamoRunStore } from "../dynamodb/dynamo-run-store.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Dependencies } from "./dependencies.ts";
import { jsonLog, type Log } from "./log.ts";

/** The clock of the machine. */
const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** The services that functions stand on. */
export interface Services {
  readonly dynamodb: DynamoDBClient;
  readonly tableName: string;
  readonly blobs: BlobStore;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** Wires the stores to their services: the one place where adapters are chosen. */
export const connect = (services: Services): Dependencies => {
  const { blobs, clock = systemClock, log = jsonLog } = services;
  const table = tableOf(services.dynamodb, services.tableName);
  return {
    ledger: dynamoLedgerStore(table, blobs, clock),
    runs: dynamoRunStore(table),
    apps: dynamoAppRegistry(table),
    credentials: dynamoCredentialStore(table),
    quarantine: dynamoQuarantineStore(table, blobs),
    clock,
    log,
    newUlid: (time) => ulid(time),
  };
};
