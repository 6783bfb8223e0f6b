import { Duration } from "aws-cdk-lib";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

/** How often a message is tried, and how long a try may take. */
export interface DurableQueueProps {
  readonly maxReceiveCount: number;
  readonly consumerTimeoutSeconds: number;
}

/** The longest that SQS keeps a message. */
const LONGEST = Duration.days(14);

/**
 * A queue whose messages are never dropped: what fails too often goes to its dead letters and is kept for 14
 * days from its sending.
 * Encrypted, and only over TLS. A standard queue: a message group (the tenant) makes its delivery fair, not ordered.
 */
export class DurableQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: DurableQueueProps) {
    super(scope, id);
    const defaults = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: LONGEST };
    this.deadLetters = new Queue(this, "DeadLetters", defaults);
    this.queue = new Queue(this, "Queue", {
      ...defaults,
      // Six times the function's own, as Lambda asks: a batch that was throttled is not delivered to two at once.
      visibilityTimeout: Duration.seconds(6 * props.consumerTimeoutSeconds),
      // With these tries, six minutes apart, a message outlives half an hour without a store before a person must look;
      // Lambda asks for five at least, because a throttled delivery counts as one.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: props.maxReceiveCount },
    });
  }
}
