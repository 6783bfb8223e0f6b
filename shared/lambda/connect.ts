import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ulid } from "ulid";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import { blobExportStore } from "../dynamodb/blob-export-store.ts";
import { blobUploadStore } from "../dynamodb/blob-upload-store.ts";
import { tableOf } from "../dynamodb/document-client.ts";
import { dynamoAppRegistry } from "../dynamodb/dynamo-app-registry.ts";
import { dynamoAuditLog } from "../dynamodb/dynamo-audit-log.ts";
import { dynamoFailureStore } from "../dynamodb/dynamo-failure-store.ts";
import { dynamoJobStore } from "../dynamodb/dynamo-job-store.ts";
import { dynamoLedgerStore } from "../dynamodb/dynamo-ledger-store.ts";
import { dynamoQuarantineStore } from "../dynamodb/dynamo-quarantine-store.ts";
import { dynamoRunStore } from "../dynamodb/dynamo-run-store.ts";
import { dynamoSettingsStore } from "../dynamodb/dynamo-settings-store.ts";
import { dynamoStatisticsStore } from "../dynamodb/dynamo-statistics-store.ts";
import { dynamoUpkeepStore } from "../dynamodb/dynamo-upkeep-store.ts";
import type { BlobLinks } from "../ports/blob-links.ts";
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
  /** To the same objects; undefined where nobody is answered with links. */
  readonly links?: BlobLinks;
  readonly clock?: Clock;
  readonly log?: Log;
  /** How long runs are kept (days). */
  readonly retentionDays?: number;
}

const noLink = async (): Promise<never> => {
  throw new Error("a link was asked for, and this process makes none");
};
const NO_LINKS: BlobLinks = { upload: noLink, download: noLink };

/** Wires the stores to their services: the one place where adapters are chosen. */
export const connect = (services: Services): Dependencies => {
  const {
    blobs,
    links = NO_LINKS,
    clock = systemClock,
    log = jsonLog,
    retentionDays = DEFAULT_RETENTION_DAYS,
  } = services;
  const table = tableOf(services.dynamodb, services.tableName);
  return {
    ledger: dynamoLedgerStore(table, blobs, clock),
    uploads: blobUploadStore(blobs, links, clock),
    links,
    runs: dynamoRunStore(table),
    apps: dynamoAppRegistry(table),
    audit: dynamoAuditLog(table),
    failures: dynamoFailureStore(table),
    settings: dynamoSettingsStore(table, clock),
    statistics: dynamoStatisticsStore(table),
    quarantine: dynamoQuarantineStore(table, blobs),
    jobs: dynamoJobStore(table),
    exports: blobExportStore(blobs, links),
    upkeep: dynamoUpkeepStore(table),
    clock,
    log,
    retentionDays,
    newUlid: (time) => ulid(time),
  };
};
