import { DeleteMessageCommand, type Message, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { ensureQueue } from "../../local/resources.ts";
import type { EventQueue } from "../../shared/ports/event-queue.ts";
import { sqsEventQueue } from "../../shared/sqs/sqs-event-queue.ts";
import { testEndpoints } from "./test-endpoints.ts";

/** A queue on the emulator that is made when it is first used. */
export interface EmulatedQueue extends EventQueue {
  /** Takes every message off the queue. */
  takeMessages(): Promise<Message[]>;
  /** The same, bodies only. */
  take(): Promise<string[]>;
}

export const emulatedQueue = (client: SQSClient, name: string): EmulatedQueue => {
  const make = async () => {
    const { url } = await ensureQueue(client, name);
    const queue = sqsEventQueue({
      queueUrl: url,
      region: await client.config.region(),
      endpoint: testEndpoints().sqs,
      credentials: () => client.config.credentials(),
    });
    return { url, queue };
  };
  let made: ReturnType<typeof make> | undefined;
  const open = (): ReturnType<typeof make> => {
    made ??= make();
    return made;
  };
  const takeMessages = async (): Promise<Message[]> => {
    const taken: Message[] = [];
    const { url: QueueUrl } = await open();
    for (;;) {
      const receive = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ["All"],
      });
      const { Messages = [] } = await client.send(receive);
      if (Messages.length === 0) return taken;
      for (const { ReceiptHandle } of Messages)
        await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      taken.push(...Messages);
    }
  };
  return {
    send: async (...sent) => (await open()).queue.send(...sent),
    takeMessages,
    take: async () => (await takeMessages()).map(({ Body = "" }) => Body),
  };
};
