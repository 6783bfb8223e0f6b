/** The event source mapping of the embedded stack: takes messages from the queue to the function that consumes them. */
import { setTimeout as wait } from "node:timers/promises";
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { failedMessageIds, toSqsEvent } from "./sqs-event.ts";

/** What is polled, and who consumes it. */
export interface QueuePollerOptions {
  readonly client: SQSClient;
  readonly queue: { readonly url: string; readonly arn: string };
  readonly region: string;
  /** Throwing means that every message of the batch failed. */
  consume(event: SQSEvent): Promise<SQSBatchResponse | undefined>;
  /** How long a message stays away that has failed so many times, in whole seconds. */
  readonly retryDelaySeconds?: (receiveCount: number) => number;
  /**
   * How long the queue may hold an empty answer back. A stop waits for it: a receive that is cut off would take messages
   * along for the visibility timeout.
   */
  readonly waitSeconds?: number;
  log(line: string): void;
}

/** The poller while it runs. */
export interface QueuePoller {
  /** Resolves when the queue is empty and nothing is under way. A message that waits for another try is under way. */
  drained(): Promise<void>;
  /** Takes no more messages, and resolves when the batch under way is done: within about a second if there is none. */
  stop(): Promise<void>;
}

const BATCH_SIZE = 10;
const WAIT_SECONDS = 1;
const DRAIN_CHECK_INTERVAL_MS = 20;
const QUEUE_RETRY_MS = { first: 100, most: 5_000 };

/** Begins at once. One batch at a time; the queue's own receive count decides when a message goes to the dead letters. */
export function startQueuePoller(options: QueuePollerOptions): QueuePoller {
  const stopping = new AbortController();
  const done = poll(options, stopping.signal);
  return {
    drained: async () => {
      while ((await countMessages(options)) > 0) await wait(DRAIN_CHECK_INTERVAL_MS);
    },
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}

async function poll(options: QueuePollerOptions, stopping: AbortSignal): Promise<void> {
  let retryMs: number | undefined;
  while (!stopping.aborted) {
    try {
      await takeBatch(options);
      if (retryMs !== undefined) options.log("the queue answers again");
      retryMs = undefined;
    } catch (error) {
      // What was not deleted comes again when its visibility timeout has passed.
      if (retryMs === undefined) options.log(`the queue does not answer, trying again: ${describe(error)}`);
      retryMs = Math.min((retryMs ?? QUEUE_RETRY_MS.first / 2) * 2, QUEUE_RETRY_MS.most);
      await wait(retryMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}

async function takeBatch(options: QueuePollerOptions): Promise<void> {
  const { client, queue, region } = options;
  const { Messages: messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queue.url,
      MaxNumberOfMessages: BATCH_SIZE,
      WaitTimeSeconds: options.waitSeconds ?? WAIT_SECONDS,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    }),
  );
  if (messages.length === 0) return;

  const event = toSqsEvent(messages, { arn: queue.arn, region });
  const failed = await consumeBatch(options, event);

  await deleteMessages(
    options,
    messages.filter(({ MessageId = "" }) => !failed.has(MessageId)),
  );
  await postponeMessages(
    options,
    messages.filter(({ MessageId = "" }) => failed.has(MessageId)),
  );
}

async function consumeBatch(options: QueuePollerOptions, event: SQSEvent): Promise<ReadonlySet<string>> {
  try {
    return failedMessageIds(event, await options.consume(event));
  } catch (error) {
    options.log(`the queue's consumer failed on ${event.Records.length} messages: ${describe(error)}`);
    return new Set(event.Records.map((record) => record.messageId));
  }
}

async function deleteMessages({ client, queue }: QueuePollerOptions, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return;
  const Entries = messages.map(({ ReceiptHandle }, position) => ({ Id: String(position), ReceiptHandle }));
  await client.send(new DeleteMessageBatchCommand({ QueueUrl: queue.url, Entries }));
}

async function postponeMessages(options: QueuePollerOptions, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return;
  const delaySeconds = options.retryDelaySeconds ?? ((receiveCount) => receiveCount);
  const Entries = messages.map(({ ReceiptHandle, Attributes }, position) => ({
    Id: String(position),
    ReceiptHandle,
    VisibilityTimeout: delaySeconds(Number(Attributes?.ApproximateReceiveCount ?? 1)),
  }));
  await options.client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: options.queue.url, Entries }));
}

async function countMessages({ client, queue }: QueuePollerOptions): Promise<number> {
  const counts = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
  ] as const;
  const command = new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: [...counts] });
  const { Attributes } = await client.send(command);
  return counts.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0);
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message || (error as { code?: string }).code}` : String(error);
