import { randomUUID } from "node:crypto";
import { SQSClient } from "@aws-sdk/client-sqs";
import { sqsEventQueue } from "../../shared/sqs/sqs-event-queue.ts";
import { emulatedQueue } from "../support/emulated-queue.ts";
import { testEndpoints } from "../support/test-endpoints.ts";
import { clientOf, DEAD_ENDPOINT } from "./dynamo-tables.ts";
import { eventQueueContract } from "./event-queue.ts";

eventQueueContract("SQS", async () => {
  const client = new SQSClient({ ...clientOf(testEndpoints().sqs), useQueueUrlAsEndpoint: false });
  const queue = emulatedQueue(client, `events-${randomUUID()}`);
  const { region, credentials } = clientOf(DEAD_ENDPOINT);
  const queueUrl = `${testEndpoints().sqs}/000000000000/events`;
  return {
    store: queue,
    broken: sqsEventQueue({ queueUrl, region, endpoint: DEAD_ENDPOINT, credentials: () => credentials }),
    take: queue.take,
    stop: () => client.destroy(),
  };
});
