/** SQS messages as Lambda's event source mapping hands them to a function, and the function's answer as it reads it. */
import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent, SQSMessageAttribute, SQSRecord } from "aws-lambda";

/** The messages must have been received with all their attributes. */
export function toSqsEvent(messages: readonly Message[], queue: { arn: string; region: string }): SQSEvent {
  return { Records: messages.map((message) => toRecord(message, queue)) };
}

function toRecord(message: Message, queue: { arn: string; region: string }): SQSRecord {
  const attributes = Object.entries(message.MessageAttributes ?? {});
  return {
    messageId: message.MessageId ?? "",
    receiptHandle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "",
      ApproximateFirstReceiveTimestamp: "0",
      ...message.Attributes,
    },
    messageAttributes: Object.fromEntries(attributes.map(([name, value]) => [name, toAttribute(value)])),
    ...(message.MD5OfMessageAttributes === undefined ? {} : { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    md5OfBody: message.MD5OfBody ?? "",
    eventSource: "aws:sqs",
    eventSourceARN: queue.arn,
    awsRegion: queue.region,
  };
}

function toAttribute(value: MessageAttributeValue): SQSMessageAttribute {
  return {
    ...(value.StringValue === undefined ? {} : { stringValue: value.StringValue }),
    ...(value.BinaryValue === undefined ? {} : { binaryValue: Buffer.from(value.BinaryValue).toString("base64") }),
    stringListValues: [],
    binaryListValues: [],
    dataType: value.DataType ?? "String",
  };
}

/**
 * Which messages of a batch come again. As in Lambda no answer and an empty list mean that all went well, and an id that
 * is not of the batch means that all failed.
 */
export function failedMessageIds(event: SQSEvent, response: SQSBatchResponse | undefined): ReadonlySet<string> {
  const sent = new Set(event.Records.map((record) => record.messageId));
  const failed = (response?.batchItemFailures ?? []).map((failure) => failure.itemIdentifier);
  return failed.every((id) => sent.has(id)) ? new Set(failed) : sent;
}
