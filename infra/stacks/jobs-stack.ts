import { Stack, type StackProps } from "aws-cdk-lib";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Construct } from "constructs";
import { DurableQueue } from "../constructs/durable-queue.ts";
import { ACCESS } from "../constructs/function-access.ts";
import { LedgerFunction } from "../constructs/ledger-function.ts";
import { allowAccess, type LedgerStorage } from "../constructs/table-access.ts";
import type { Settings } from "../settings.ts";

/** What the jobs stack stands on. */
export interface JobsStackProps extends StackProps {
  readonly storage: LedgerStorage;
  readonly settings: Settings;
}

/** Half of it is for work, the other half for what is under way then: a run has this long to be exported. */
const TIMEOUT_SECONDS = 120;

/** Jobs that are worked on at a time: what deletes and exports in the background leaves room for the others. */
const JOBS_AT_A_TIME = 4;

/** The queue of jobs, its dead letters, and the function that works on what is on it. */
export class JobsStack extends Stack {
  readonly jobs: DurableQueue;
  readonly work: LedgerFunction;

  constructor(scope: Construct, id: string, props: JobsStackProps) {
    super(scope, id, props);
    const { storage, settings } = props;
    this.jobs = new DurableQueue(this, "Jobs", {
      maxReceiveCount: settings.queue.maxReceiveCount,
      consumerTimeoutSeconds: TIMEOUT_SECONDS,
    });
    const { queue } = this.jobs;
    this.work = new LedgerFunction(this, "Work", {
      functionName: "work",
      description: "Works on jobs: deletions by filter, exports",
      memoryMb: 1769,
      timeoutSeconds: TIMEOUT_SECONDS,
      logDays: settings.logDays,
      environment: {
        TABLE_NAME: storage.table.tableName,
        BUCKET_NAME: storage.payloads.bucketName,
        JOB_QUEUE_URL: queue.queueUrl,
      },
    });
    allowAccess(this.work, storage, ACCESS.work);
    this.work.allow(["sqs:SendMessage"], [queue.queueArn]);
    this.work.function.addEventSource(
      new SqsEventSource(queue, { batchSize: 1, maxConcurrency: JOBS_AT_A_TIME, reportBatchItemFailures: true }),
    );
  }
}
