import { createHash } from "node:crypto";
import * as v from "valibot";
import type { TenantId } from "../contract/identifiers.ts";
import { StoreFault } from "../ports/store-fault.ts";
import type { ServiceAccess } from "../signed-http/service-access.ts";
import { reasonOf } from "../signed-http/service-error.ts";
import { type Patience, signedSender } from "../signed-http/signed-sender.ts";
import { SQS, sqsUrl } from "./sqs-service.ts";

/** The queue that is sent to, and who may. */
export interface SqsSettings extends ServiceAccess {
  /** Names the queue. It is not what requests are sent to: an emulator may name a host that is not to be found from here. */
  readonly queueUrl: string;
  /** Five seconds for an answer where not said otherwise: a message can have a megabyte. */
  readonly patience?: Patience;
}

/** A message of one tenant, whose id is its group. */
export interface OutgoingMessage {
  readonly tenantId: TenantId;
  readonly body: string;
  /** Undefined: it is delivered at once. */
  readonly delaySeconds?: number;
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

/**
 * Sends messages to a queue of SQS, some of them twice where an answer does not come. Throws StoreFault.
 *
 * The SDK's client would add 25 KiB to a function, and its start, for this one operation.
 */
export const messageSender = ({ queueUrl, patience = PATIENCE, ...access }: SqsSettings) => {
  const send = signedSender(SQS, { ...access, patience });
  const url = sqsUrl(access);
  return async ({ tenantId, body, delaySeconds }: OutgoingMessage): Promise<void> => {
    const message = { QueueUrl: queueUrl, MessageBody: body, MessageGroupId: tenantId, DelaySeconds: delaySeconds };
    const request = { method: "POST", url, headers: SEND_MESSAGE, body: Buffer.from(JSON.stringify(message)) } as const;
    try {
      checkReceipt((await send(request)).body, body);
    } catch (cause) {
      throw new StoreFault(`SQS SendMessage failed: ${reasonOf(cause)}`, { cause, isRetryable: true });
    }
  };
};
