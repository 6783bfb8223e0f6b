import { randomUUID } from "node:crypto";
import { SQSClient } from "@aws-sdk/client-sqs";
import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { sqsEventQueue } from "../../shared/sqs/sqs-event-queue.ts";
import { emulatedQueue } from "../support/emulated-queue.ts";
import { testEndpoints } from "../support/test-endpoints.ts";
import { clientOf, DEAD_ENDPOINT } from "./dynamo-tables.ts";
import { eventQueueContract } from "./event-queue.ts";

eventQueueContract("SQS", async () => {
  const client = new SQSClient({ ...clientOf(testEndpoints().sqs), useQueueUrlAsEndpoint: false });
  const deadClient = new SQSClient({ ...clientOf(DEAD_ENDPOINT), useQueueUrlAsEndpoint: false });
  const queue = emulatedQueue(client, `events-${randomUUID()}`);
  return {
    store: queue,
    broken: sqsEventQueue(deadClient, "http://127.0.0.1:1/000000000000/events"),
    take: queue.take,
    stop: () => {
      client.destroy();
      deadClient.destroy();
    },
  };
});

test("names the tenant as the group of its messages, so that a queue of SQS delivers fairly", async () => {
  const client = new SQSClient({ ...clientOf(testEndpoints().sqs), useQueueUrlAsEndpoint: false });
  const sent: unknown[] = [];
  client.middlewareStack.add(
    (next) => (call) => {
      sent.push(call.input);
      return next(call);
    },
    { step: "initialize" },
  );
  const queue = sqsEventQueue(client, "http://127.0.0.1/000000000000/none");

  await queue.send(v.parse(TenantId, "acme"), ["{}"]);
  client.destroy();

  expect(sent).toEqual([
    { QueueUrl: "http://127.0.0.1/000000000000/none", MessageBody: '{"events":[{}]}', MessageGroupId: "acme" },
  ]);
});
