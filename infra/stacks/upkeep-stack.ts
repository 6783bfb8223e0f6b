import { Duration, Stack, type StackProps, Validations } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import { type IQueue, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { ACCESS } from "../constructs/function-access.ts";
import { LedgerFunction } from "../constructs/ledger-function.ts";
import { allowAccess, type LedgerStorage } from "../constructs/table-access.ts";
import type { Settings } from "../settings.ts";

/** What the upkeep stack stands on. */
export interface UpkeepStackProps extends StackProps {
  readonly storage: LedgerStorage;
  readonly settings: Settings;
}

/** How often the upkeep has a tick. */
const EVERY = Duration.minutes(5);

/** A tick ends before the next one begins; two at once would do no harm. */
const TIMEOUT_SECONDS = 240;

/** The schedule that closes silent runs, applies retention and sums up statistics, and the function behind it. */
export class UpkeepStack extends Stack {
  readonly reap: LedgerFunction;
  /** Ticks that failed, and failed again. What they left undone the next ones do. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: UpkeepStackProps) {
    super(scope, id, props);
    const { storage, settings } = props;
    this.reap = new LedgerFunction(this, "Reap", {
      functionName: "reap",
      description: "Closes silent runs, applies retention, sums up statistics",
      memoryMb: 1024,
      timeoutSeconds: TIMEOUT_SECONDS,
      logDays: settings.logDays,
      environment: {
        TABLE_NAME: storage.table.tableName,
        BUCKET_NAME: storage.payloads.bucketName,
        RETENTION_DAYS: String(settings.retentionDays),
      },
    });
    allowAccess(this.reap, storage, ACCESS.reap);
    this.deadLetters = this.makeDeadLetters();
    this.reap.function.configureAsyncInvoke({
      retryAttempts: 1,
      maxEventAge: EVERY,
      // CDK's own classes do not fit its interfaces where optional properties are exact.
      onFailure: new SqsDestination(this.deadLetters as IQueue),
    });
    new Rule(this, "Tick", {
      description: "Has the upkeep go on",
      schedule: Schedule.rate(EVERY),
      targets: [new LambdaFunction(this.reap.function as IFunction)],
    });
  }

  private makeDeadLetters(): Queue {
    const queue = new Queue(this, "DeadLetters", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(queue).acknowledge({
      id: "AwsSolutions-SQS3",
      reason: "It holds the dead letters of a function; nothing consumes it but the operator.",
    });
    return queue;
  }
}
