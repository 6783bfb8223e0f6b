import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { sqs } from "./aws-clients.ts";
import { deployment } from "./deployment.ts";

/** Sends a message as producers do: its group is the tenant. Resolves to the message's id. */
export const sendMessage = async (tenantId: string, body: string): Promise<string> => {
  const { MessageId = "" } = await sqs.send(
    new SendMessageCommand({ QueueUrl: deployment().queueUrl, MessageBody: body, MessageGroupId: tenantId }),
  );
  return MessageId;
};
