import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { Settings } from "../settings.ts";
import { ACCESS } from "./function-access.ts";
import { LedgerFunction } from "./ledger-function.ts";
import { allowAccess, type LedgerStorage } from "./table-access.ts";

/** What the API's functions work on. */
export interface ApiFunctionsProps {
  readonly storage: LedgerStorage;
  readonly queue: IQueue;
  readonly jobQueue: IQueue;
  readonly settings: Settings;
}

/** The API's functions by their folders. */
export type ApiFunctions = Readonly<Record<"authorize" | "control" | "ingest" | "query", LedgerFunction>>;

/** API Gateway waits no longer than 29 seconds. */
const TIMEOUT_SECONDS = 29;

/** A function for each folder of `functions/` that the API leads to, each allowed what it is for. */
export const apiFunctions = (scope: Construct, props: ApiFunctionsProps): ApiFunctions => {
  const { storage, queue, jobQueue, settings } = props;
  const shared = { logDays: settings.logDays, timeoutSeconds: TIMEOUT_SECONDS };
  const where = { TABLE_NAME: storage.table.tableName, BUCKET_NAME: storage.payloads.bucketName };
  const recording = { ...where, RETENTION_DAYS: String(settings.retentionDays) };

  const ingest = new LedgerFunction(scope, "Ingest", {
    ...shared,
    functionName: "ingest",
    concurrency: settings.concurrency.ingest,
    description: "Records events over HTTP",
    memoryMb: 1769,
    environment: { ...recording, QUEUE_URL: queue.queueUrl },
  });
  allowAccess(ingest, storage, ACCESS.ingest);
  ingest.allow(["sqs:SendMessage"], [queue.queueArn]);

  const query = new LedgerFunction(scope, "Query", {
    ...shared,
    functionName: "query",
    concurrency: settings.concurrency.query,
    description: "Answers questions about runs",
    memoryMb: 1769,
    environment: where,
  });
  allowAccess(query, storage, ACCESS.query);

  const control = new LedgerFunction(scope, "Control", {
    ...shared,
    functionName: "control",
    concurrency: settings.concurrency.control,
    description: "What administrators ask for, and what begins jobs",
    memoryMb: 1769,
    environment: { ...recording, JOB_QUEUE_URL: jobQueue.queueUrl },
  });
  allowAccess(control, storage, ACCESS.control);
  control.allow(["sqs:SendMessage"], [jobQueue.queueArn]);

  const { longestDays } = settings.keys;
  const authorize = new LedgerFunction(scope, "Authorize", {
    ...shared,
    functionName: "authorize",
    concurrency: settings.concurrency.authorize,
    description: "Turns a credential into tenant and scopes",
    memoryMb: 1024,
    environment: {
      TABLE_NAME: storage.table.tableName,
      ...(settings.oidc === undefined ? {} : { OIDC: JSON.stringify(settings.oidc) }),
      ...(longestDays === undefined ? {} : { LONGEST_KEY_DAYS: String(longestDays) }),
    },
  });
  allowAccess(authorize, storage, ACCESS.authorize);
  return { authorize, control, ingest, query };
};
