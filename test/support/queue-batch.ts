import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import { consumeFunction } from "../../functions/consume/consume.ts";
import { lambdaContext } from "../../local/lambda-context.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";

/** A message as the queue keeps it: the same at every delivery but for the count. */
export interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly sentAt?: number;
}

const recordOf = ({ id, body, sentAt = 0 }: QueuedMessage, receiveCount: number): SQSRecord => ({
  messageId: id,
  receiptHandle: `receipt-${receiveCount}`,
  body,
  attributes: {
    ApproximateReceiveCount: String(receiveCount),
    SentTimestamp: String(sentAt),
    SenderId: "sender",
    ApproximateFirstReceiveTimestamp: String(sentAt),
  },
  messageAttributes: {},
  md5OfBody: "",
  eventSource: "aws:sqs",
  eventSourceARN: "arn:aws:sqs:us-east-1:123456789012:runstone-events",
  awsRegion: "us-east-1",
});

/** Delivers these messages as one batch and gives the ids of those that come again. */
export const deliverBatch = async (
  dependencies: Dependencies,
  messages: readonly QueuedMessage[],
  { receiveCount = 1, remainingMs }: { readonly receiveCount?: number; readonly remainingMs?: () => number } = {},
): Promise<string[]> => {
  const consume = consumeFunction(dependencies);
  const context = lambdaContext("consume", "test");
  if (remainingMs !== undefined) context.getRemainingTimeInMillis = remainingMs;
  const Records = messages.map((message) => recordOf(message, receiveCount));
  const { batchItemFailures }: SQSBatchResponse = await consume({ Records }, context);
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
};
