import { randomUUID } from "node:crypto";
import {
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { type AwsClients, connectClients } from "../../local/aws-clients.ts";
import { type QueuePoller, type QueuePollerOptions, startQueuePoller } from "../../local/queue-poller.ts";
import { ensureQueue, type Queue } from "../../local/resources.ts";
import { toSqsEvent } from "../../local/sqs-event.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

let clients: AwsClients;
let queue: Queue;
let poller: QueuePoller | undefined;
let lines: string[];

beforeAll(() => {
  clients = connectClients(testEndpoints(), {});
});

beforeEach(async () => {
  lines = [];
  queue = await ensureQueue(clients.sqs, `poller-${randomUUID()}`);
});

afterEach(async () => {
  await poller?.stop();
  poller = undefined;
});

afterAll(() => clients.destroy());

function start(consume: QueuePollerOptions["consume"], options: Partial<QueuePollerOptions> = {}): QueuePoller {
  poller = startQueuePoller({
    client: clients.sqs,
    queue,
    region: clients.region,
    consume,
    retryDelaySeconds: () => 0,
    waitSeconds: 0,
    log: (line) => lines.push(line),
    ...options,
  });
  return poller;
}

const send = (body: string) => clients.sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: body }));

async function deadLetters(): Promise<string[]> {
  const command = new ReceiveMessageCommand({ QueueUrl: queue.deadLetterUrl, MaxNumberOfMessages: 10 });
  const { Messages = [] } = await clients.sqs.send(command);
  return Messages.map(({ Body = "" }) => Body);
}

const failuresOf = (event: SQSEvent, fails: (body: string) => boolean): SQSBatchResponse => ({
  batchItemFailures: event.Records.filter(({ body }) => fails(body)).map((it) => ({ itemIdentifier: it.messageId })),
});

test("hands messages on as Lambda's event source mapping does", async () => {
  const events: SQSEvent[] = [];
  const before = Date.now();
  const { MessageId, MD5OfMessageBody, MD5OfMessageAttributes } = await clients.sqs.send(
    new SendMessageCommand({
      QueueUrl: queue.url,
      MessageBody: '{"größe":1}',
      MessageAttributes: {
        engine: { DataType: "String", StringValue: "dify" },
        bytes: { DataType: "Binary", BinaryValue: Uint8Array.from([0, 255]) },
      },
    }),
  );

  await start(async (event) => {
    events.push(event);
    return undefined;
  }).drained();

  const record = events[0]?.Records[0];
  expect(record).toEqual({
    messageId: MessageId,
    receiptHandle: expect.stringMatching(/./),
    body: '{"größe":1}',
    attributes: expect.objectContaining({ ApproximateReceiveCount: "1" }),
    messageAttributes: {
      engine: { dataType: "String", stringValue: "dify", stringListValues: [], binaryListValues: [] },
      bytes: { dataType: "Binary", binaryValue: "AP8=", stringListValues: [], binaryListValues: [] },
    },
    md5OfBody: MD5OfMessageBody,
    md5OfMessageAttributes: MD5OfMessageAttributes,
    eventSource: "aws:sqs",
    eventSourceARN: queue.arn,
    awsRegion: "us-east-1",
  });
  expect(Number(record?.attributes.SentTimestamp)).toBeGreaterThanOrEqual(before);
});

test("takes every character that SQS takes", async () => {
  const bodies: string[] = [];
  const body = "tab\t ä \uFFFD 😟 \u{10FFFF}";
  await send(body);

  await start(async (event) => {
    bodies.push(...event.Records.map((record) => record.body));
    return undefined;
  }).drained();

  expect(bodies).toEqual([body]);
  await expect(send("bell \u0007")).rejects.toThrow("Invalid characters");
});

test("keeps the group that a message was sent in", () => {
  // fauxqs forgets the group on a standard queue, so the message is made by hand.
  const message = { MessageId: "1", ReceiptHandle: "2", Body: "{}", Attributes: { MessageGroupId: "demo" } };

  const event = toSqsEvent([message], { arn: queue.arn, region: "eu-west-1" });

  expect(event.Records[0]).toMatchObject({ awsRegion: "eu-west-1", attributes: { MessageGroupId: "demo" } });
});

test("takes ten messages at a time until the queue is empty", async () => {
  const sizes: number[] = [];
  const bodies = Array.from({ length: 25 }, (_, position) => String(position));
  for (let from = 0; from < bodies.length; from += 10) {
    const Entries = bodies.slice(from, from + 10).map((body) => ({ Id: body, MessageBody: body }));
    await clients.sqs.send(new SendMessageBatchCommand({ QueueUrl: queue.url, Entries }));
  }

  await start(async (event) => {
    sizes.push(event.Records.length);
    return { batchItemFailures: [] };
  }).drained();

  expect(sizes).toEqual([10, 10, 5]);
});

test("brings back only the messages that failed, with a higher receive count", async () => {
  const seen: [string, string][] = [];
  await send("good");
  await send("bad at first");

  await start(async (event) => {
    seen.push(
      ...event.Records.map(({ body, attributes }) => [body, attributes.ApproximateReceiveCount] as [string, string]),
    );
    return failuresOf(event, (body) => body.startsWith("bad") && seen.length <= 2);
  }).drained();

  expect(seen.filter(([body]) => body === "good")).toEqual([["good", "1"]]);
  expect(seen.filter(([body]) => body !== "good")).toEqual([
    ["bad at first", "1"],
    ["bad at first", "2"],
  ]);
});

test("leaves a message that always fails to the dead letters after five deliveries", async () => {
  let deliveries = 0;
  await send("poison");

  await start(async (event) => {
    deliveries += 1;
    return failuresOf(event, () => true);
  }).drained();

  expect(deliveries).toBe(5);
  expect(await deadLetters()).toEqual(["poison"]);
});

test("brings back the whole batch where the consumer throws", async () => {
  const seen: string[] = [];
  await send("only");

  await start(async (event) => {
    seen.push(...event.Records.map(({ body }) => body));
    if (seen.length === 1) throw new Error("no");
    return { batchItemFailures: [] };
  }).drained();

  expect(seen).toEqual(["only", "only"]);
  expect(lines).toEqual([expect.stringContaining("Error: no")]);
});

test("brings back the whole batch where the answer names a message that is not of it", async () => {
  let deliveries = 0;
  await send("only");

  await start(async () => {
    deliveries += 1;
    return { batchItemFailures: deliveries === 1 ? [{ itemIdentifier: "another" }] : [] };
  }).drained();

  expect(deliveries).toBe(2);
});

test("keeps a message that failed away for as long as it is told", async () => {
  const counts: number[] = [];
  await send("later");

  const running = start(async (event) => failuresOf(event, () => true), {
    retryDelaySeconds: (receiveCount) => {
      counts.push(receiveCount);
      return 600;
    },
  });
  while (counts.length === 0) await new Promise(setImmediate);
  await running.stop();

  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ["All"] }),
  );
  expect(counts).toEqual([1]);
  expect(Attributes?.ApproximateNumberOfMessagesNotVisible).toBe("1");
});

test("finishes the batch under way before it stops", async () => {
  let isDone = false;
  let begun: (() => void) | undefined;
  let finish: (() => void) | undefined;
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  await send("slow");

  const running = start(async () => {
    begun?.();
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    isDone = true;
    return undefined;
  });
  await beginning;
  const stopped = running.stop();
  finish?.();
  await stopped;

  expect(isDone).toBe(true);
  await running.drained();
});

test("goes on when the queue answers again, and says once that it did not", async () => {
  const bodies: string[] = [];
  const name = queue.url.split("/").at(-1) ?? "";
  await clients.sqs.send(new DeleteQueueCommand({ QueueUrl: queue.url }));

  const running = start(async (event) => {
    bodies.push(...event.Records.map(({ body }) => body));
    return undefined;
  });
  while (lines.length === 0) await new Promise(setImmediate);
  await ensureQueue(clients.sqs, name);
  await send("after all");
  while (bodies.length === 0) await new Promise(setImmediate);
  await running.drained();

  expect(bodies).toEqual(["after all"]);
  while (lines.length < 2) await new Promise(setImmediate);
  expect(lines).toEqual([expect.stringContaining("does not answer"), "the queue answers again"]);
});
