import { randomUUID } from "node:crypto";
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as v from "valibot";
import { ensureQueue } from "../../local/resources.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { JobId } from "../../shared/contract/job-id.ts";
import { sqsJobQueue } from "../../shared/sqs/sqs-job-queue.ts";
import { memoryJobQueue } from "../support/memory-job-queue.ts";
import { testEndpoints } from "../support/test-endpoints.ts";
import { clientOf, DEAD_ENDPOINT } from "./dynamo-tables.ts";
import { jobQueueContract } from "./job-queue.ts";
import { expectRetryableFault } from "./stored-faults.ts";

const startQueue = async () => {
  const client = new SQSClient({ ...clientOf(testEndpoints().sqs), useQueueUrlAsEndpoint: false });
  const { url: QueueUrl } = await ensureQueue(client, `jobs-${randomUUID()}`);
  const { region, credentials } = clientOf(DEAD_ENDPOINT);
  const queueOf = (endpoint: string) =>
    sqsJobQueue({ queueUrl: QueueUrl, region, endpoint, credentials: () => credentials });
  const take = async (): Promise<string[]> => {
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
    return ((await client.send(command)).Messages ?? []).map(({ Body = "" }) => Body);
  };
  return { client, QueueUrl, queue: queueOf(testEndpoints().sqs), broken: queueOf(DEAD_ENDPOINT), take };
};

jobQueueContract("SQS", async () => {
  const { client, queue, take } = await startQueue();
  return { queue, take, stop: () => client.destroy() };
});

jobQueueContract("memory", async () => {
  const queue = memoryJobQueue();
  return { queue, take: async () => queue.take().map(({ body }) => body), stop: () => undefined };
});

describe("a job on SQS", () => {
  const job = { tenantId: v.parse(TenantId, "demo"), jobId: v.parse(JobId, "01KANQ6T40ABCDEFGHJKMNPQRS") };

  it("is held back for as long as it was asked for", async () => {
    const { client, QueueUrl, queue, take } = await startQueue();

    await queue.send(job, 20);

    expect(await take()).toEqual([]);
    const names = ["ApproximateNumberOfMessagesDelayed" as const];
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: names }));
    expect(Attributes?.ApproximateNumberOfMessagesDelayed).toBe("1");
    client.destroy();
  });

  it("can be sent again where the queue is out of reach", async () => {
    const { client, broken } = await startQueue();

    await expectRetryableFault(broken.send(job, 0));
    client.destroy();
  });
});
