import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ulid } from "ulid";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import { blobUploadStore } from "../dynamodb/blob-upload-store.ts";
import { tableOf } from "../dynamodb/document-client.ts";
import { dynamoAppRegistry } from "../dynamodb/dynamo-app-registry.ts";
import { dynamoLedgerStore } from "../dynamodb/dynamo-ledger-store.ts";
import { dynamoQuarantineStore } from "../dynamodb/dynamo-quarantine-store.ts";
import { dynamoRunStore } from "../dynamodb/dynamo-run-store.ts";
import { dynamoSettingsStore } from "../dynamodb/dynamo-settings-store.ts";
import type { BlobLinks } from "../ports/blob-links.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { RecordingDependencies } from "./dependencies.ts";
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

/** Where nobody is answered with links. */
export const NO_LINKS: BlobLinks = { upload: noLink, download: noLink };

/** Wires the stores that recording needs, and no others: what a function loads, each of its cold starts pays for. */
export const connectRecording = (services: Services): RecordingDependencies => {
  const { blobs, links = NO_LINKS, clock = systemClock } = services;
  const table = tableOf(services.dynamodb, services.tableName);
  return {
    ledger: dynamoLedgerStore(table, blobs, clock),
    uploads: blobUploadStore(blobs, links, clock),
    runs: dynamoRunStore(table),
    apps: dynamoAppRegistry(table),
    settings: dynamoSettingsStore(table, clock),
    quarantine: dynamoQuarantineStore(table, blobs),
    clock,
    log: services.log ?? jsonLog,
    retentionDays: services.retentionDays ?? DEFAULT_RETENTION_DAYS,
    newUlid: (time) => ulid(time),
  };
};
