import type { EventQueue, QueueOutcome } from "../ports/event-queue.ts";
import type { StoreFault } from "../ports/store-fault.ts";
import { messageSender, type SqsSettings } from "./message-sender.ts";
import { MOST_MESSAGE_BYTES, packMessages } from "./queue-message.ts";

/**
 * A standard queue of SQS. Messages of one tenant carry its id as their group, so that a queue with many messages of one
 * tenant still delivers those of others (fair queues). Sending a message twice changes nothing that is recorded, so
 * requests are tried again here.
 */
export const sqsEventQueue = (settings: SqsSettings): EventQueue => {
  const sendMessage = messageSender(settings);
  return {
    send: async (tenantId, events, redactions) => {
      const { messages, tooLarge } = packMessages(events, redactions);
      const outcomes = new Map<number, QueueOutcome>();
      for (const index of tooLarge) outcomes.set(index, { status: "too-large", mostBytes: MOST_MESSAGE_BYTES });
      await Promise.all(
        messages.map(async ({ body, indexes }) => {
          const outcome = await sendMessage({ tenantId, body }).then(
            (): QueueOutcome => ({ status: "queued" }),
            (fault: StoreFault): QueueOutcome => ({ status: "unavailable", fault }),
          );
          for (const index of indexes) outcomes.set(index, outcome);
        }),
      );
      return events.map((_, index) => outcomes.get(index) as QueueOutcome);
    },
  };
};
