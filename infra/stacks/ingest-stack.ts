import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Construct } from "constructs";
import { DurableQueue } from "../constructs/durable-queue.ts";
import { ACCESS } from "../constructs/function-access.ts";
import { LedgerFunction } from "../constructs/ledger-function.ts";
import { allowAccess, type LedgerStorage } from "../constructs/table-access.ts";
import type { Settings } from "../settings.ts";

/** What the ingest stack stands on. */
export interface IngestStackProps extends StackProps {
  readonly storage: LedgerStorage;
  readonly settings: Settings;
}

const CONSUMER_TIMEOUT_SECONDS = 60;

/** The queue that producers send to, its dead letters, and the function that records what is on it. */
export class IngestStack extends Stack {
  readonly events: DurableQueue;
  readonly consume: LedgerFunction;

  constructor(scope: Construct, id: string, props: IngestStackProps) {
    super(scope, id, props);
    const { storage, settings } = props;
    const { batchSize, windowSeconds, maxConcurrency, maxReceiveCount } = settings.queue;
    this.events = new DurableQueue(this, "Events", {
      maxReceiveCount,
      consumerTimeoutSeconds: CONSUMER_TIMEOUT_SECONDS,
    });
    this.consume = new LedgerFunction(this, "Consume", {
      functionName: "consume",
      description: "Records events from the queue",
      memoryMb: 1769,
      timeoutSeconds: CONSUMER_TIMEOUT_SECONDS,
      logDays: settings.logDays,
      environment: {
        TABLE_NAME: storage.table.tableName,
        BUCKET_NAME: storage.payloads.bucketName,
        RETENTION_DAYS: String(settings.retentionDays),
      },
    });
    allowAccess(this.consume, storage, ACCESS.consume);
    this.consume.function.addEventSource(
      new SqsEventSource(this.events.queue, {
        batchSize,
        maxBatchingWindow: Duration.seconds(windowSeconds),
        maxConcurrency,
        reportBatchItemFailures: true,
      }),
    );
    new CfnOutput(this, "QueueUrl", { value: this.events.queue.queueUrl, description: "Where producers send to" });
    new CfnOutput(this, "RetentionDays", {
      value: String(settings.retentionDays),
      description: "How long runs are kept: commands that record keep them as long",
    });
    new CfnOutput(this, "DeadLetterQueueUrl", {
      value: this.events.deadLetters.queueUrl,
      description: "Messages that the store did not take, for 14 days from their sending",
    });
  }
}
