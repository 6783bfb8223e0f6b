import { createHash } from "node:crypto";
import * as v from "valibot";
import type { TenantId } from "../contract/identifiers.ts";
import type { EventQueue, QueueOutcome } from "../ports/event-queue.ts";
import { StoreFault } from "../ports/store-fault.ts";
import type { ServiceAccess } from "../signed-http/service-access.ts";
import { reasonOf } from "../signed-http/service-error.ts";
import { type Patience, signedSender } from "../signed-http/signed-sender.ts";
import { MOST_MESSAGE_BYTES, packMessages } from "./queue-message.ts";
import { SQS, sqsUrl } from "./sqs-service.ts";

/** The queue that events are sent to, and who may. */
export interface SqsSettings extends ServiceAccess {
  /** Names the queue. It is not what requests are sent to: an emulator may name a host that is not to be found from here. */
  readonly queueUrl: string;
  /** Five seconds for an answer where not said otherwise: a message can have a megabyte. */
  readonly patience?: Patience;
}

const PATIENCE: Patience = { answerMs: 5000, backoffMs: 100 };

const SEND_MESSAGE = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage" };

const Receipt = v.pipe(v.string(), v.parseJson(), v.object({ MD5OfMessageBody: v.string() }));

/** What SQS says that it stored is not the message that was sent. */
class MessageMismatch extends Error {
  override readonly name = "MessageMismatch";
}

const checkReceipt = (answer: Uint8Array, body: string): void => {
  const receipt = v.safeParse(Receipt, Buffer.from(answer).toString());
  const md5 = createHash("md5").update(body).digest("hex");
  if (!receipt.success || receipt.output.MD5OfMessageBody !== md5) {
    throw new MessageMismatch("expected the MD5 of the message that was sent, came another or none");
  }
};

const faultOf = (cause: unknown): StoreFault =>
  new StoreFault(`SQS SendMessage failed: ${reasonOf(cause)}`, { cause, isRetryable: true });

/**
 * A standard queue of SQS. Messages of one tenant carry its id as their group, so that a queue with many messages of one
 * tenant still delivers those of others (fair queues). Sending a message twice changes nothing that is recorded, so
 * requests are tried again here.
 *
 * The SDK's client would add 25 KiB to a function, and its start, for this one operation.
 */
export const sqsEventQueue = ({ queueUrl, patience = PATIENCE, ...access }: SqsSettings): EventQueue => {
  const send = signedSender(SQS, { ...access, patience });
  const url = sqsUrl(access);

  const sendMessage = async (tenantId: TenantId, body: string): Promise<void> => {
    const message = { QueueUrl: queueUrl, MessageBody: body, MessageGroupId: tenantId };
    const request = { method: "POST", url, headers: SEND_MESSAGE, body: Buffer.from(JSON.stringify(message)) } as const;
    checkReceipt(await send(request), body);
  };

  return {
    send: async (tenantId, events) => {
      const { messages, tooLarge } = packMessages(events);
      const outcomes = new Map<number, QueueOutcome>();
      for (const index of tooLarge) outcomes.set(index, { status: "too-large", mostBytes: MOST_MESSAGE_BYTES });
      await Promise.all(
        messages.map(async ({ body, indexes }) => {
          const outcome = await sendMessage(tenantId, body).then(
            (): QueueOutcome => ({ status: "queued" }),
            (cause: unknown): QueueOutcome => ({ status: "unavailable", fault: faultOf(cause) }),
          );
          for (const index of indexes) outcomes.set(index, outcome);
        }),
      );
      return events.map((_, index) => outcomes.get(index) as QueueOutcome);
    },
  };
};
