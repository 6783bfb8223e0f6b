import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { EventQueue, QueueOutcome } from "../ports/event-queue.ts";
import { StoreFault } from "../ports/store-fault.ts";
import { MOST_MESSAGE_BYTES, packMessages } from "./queue-message.ts";

const faultOf = (cause: unknown): StoreFault => {
  const reason = cause instanceof Error ? cause.name : "unknown";
  return new StoreFault(`SQS SendMessage failed: ${reason}`, { cause, isRetryable: true });
};

/**
 * A standard queue of SQS, by its URL. Messages of one tenant carry its id as their group, so that a queue with many
 * messages of one tenant still delivers those of others (fair queues).
 */
export const sqsEventQueue = (client: SQSClient, queueUrl: string): EventQueue => ({
  send: async (tenantId, events) => {
    const { messages, tooLarge } = packMessages(events);
    const outcomes = new Map<number, QueueOutcome>();
    for (const index of tooLarge) outcomes.set(index, { status: "too-large", mostBytes: MOST_MESSAGE_BYTES });
    await Promise.all(
      messages.map(async ({ body, indexes }) => {
        const message = { QueueUrl: queueUrl, MessageBody: body, MessageGroupId: tenantId };
        const outcome = await client.send(new SendMessageCommand(message)).then(
          (): QueueOutcome => ({ status: "queued" }),
          (cause: unknown): QueueOutcome => ({ status: "unavailable", fault: faultOf(cause) }),
        );
        for (const index of indexes) outcomes.set(index, outcome);
      }),
    );
    return events.map((_, index) => outcomes.get(index) as QueueOutcome);
  },
});
