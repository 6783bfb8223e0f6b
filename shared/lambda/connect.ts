import { blobExportStore } from "../dynamodb/blob-export-store.ts";
import { tableOf } from "../dynamodb/document-client.ts";
import { dynamoAuditLog } from "../dynamodb/dynamo-audit-log.ts";
import { dynamoFailureStore } from "../dynamodb/dynamo-failure-store.ts";
import { dynamoJobStore } from "../dynamodb/dynamo-job-store.ts";
import { dynamoStatisticsStore } from "../dynamodb/dynamo-statistics-store.ts";
import { dynamoUpkeepStore } from "../dynamodb/dynamo-upkeep-store.ts";
import { connectRecording, NO_LINKS, type Services } from "./connect-recording.ts";
import type { Dependencies } from "./dependencies.ts";

/** Wires every store to its service: here and in `connectRecording` adapters are chosen. */
export const connect = (services: Services): Dependencies => {
  const { blobs, links = NO_LINKS } = services;
  const table = tableOf(services.dynamodb, services.tableName);
  const recording = connectRecording(services);
  return {
    ...recording,
    links,
    audit: dynamoAuditLog(table),
    failures: dynamoFailureStore(table, recording.clock),
    statistics: dynamoStatisticsStore(table),
    jobs: dynamoJobStore(table),
    exports: blobExportStore(blobs, links),
    upkeep: dynamoUpkeepStore(table),
  };
};
