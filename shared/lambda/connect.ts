import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ulid } from "ulid";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import { tableOf } from "../dynamodb/document-client.ts";
import { dynamoAppRegistry } from "../dynamodb/dynamo-app-registry.ts";
import { dynamoLedgerStore } from "../dynamodb/dynamo-ledger-store.ts";
import { dynamoQuarantineStore } from "../dynamodb/dynamo-quarantine-store.ts";
import { dynamoRunStore } from "../dynamodb/dynamo-run-store.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Dependencies } from "./dependencies.ts";
import { jsonLog, type Log } from "./log.ts";
import { systemClock } from "./system-clock.ts";

/** The services that functions stand on. */
export interface Services {
  readonly dynamodb: DynamoDBClient;
  readonly tableName: string;
  readonly blobs: BlobStore;
  readonly clock?: Clock;
  readonly log?: Log;
  /** How long runs are kept (days). */
  readonly retentionDays?: number;
}

/** Wires the stores to their services: the one place where adapters are chosen. */
export const connect = (services: Services): Dependencies => {
  const { blobs, clock = systemClock, log = jsonLog, retentionDays = DEFAULT_RETENTION_DAYS } = services;
  const table = tableOf(services.dynamodb, services.tableName);
  return {
    ledger: dynamoLedgerStore(table, blobs, clock),
    runs: dynamoRunStore(table),
    apps: dynamoAppRegistry(table),
    quarantine: dynamoQuarantineStore(table, blobs),
    clock,
    log,
    retentionDays,
    newUlid: (time) => ulid(time),
  };
};
