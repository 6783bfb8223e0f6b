import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { expectProblem, get, postEvents } from "./support/api.ts";
import { sqs } from "./support/aws-clients.ts";
import { breakConsumer, breakPublisher, mend } from "./support/breakage.ts";
import { listenToBus } from "./support/bus-listener.ts";
import { deployment } from "./support/deployment.ts";
import { eventually } from "./support/eventually.ts";
import { lackOf, noteOtherwise, testNeeding } from "./support/needs.ts";
import { sendMessage } from "./support/queue.ts";
import { runReaches } from "./support/runs.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

const canBreak = lackOf("breakableFunctions") === undefined;

let tenantId: TenantId;
let key: string;
beforeAll(async () => {
  // A suite that was killed may have left something broken.
  if (canBreak) await mend();
  tenantId = newTenant("failures");
  key = await newKey(tenantId);
});
afterAll(revokeKeys);

/** The dead letter with this body, once it is there; it stays there. */
const deadLetter = (body: string): Promise<Message> =>
  eventually("the message is among the dead letters", async () => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: deployment().deadLetterQueueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 1,
        WaitTimeSeconds: 1,
      }),
    );
    return Messages.find((message) => message.Body === body);
  });

/** Moves the dead letters back to their queue, as the console's "Start DLQ redrive" does. */
const moveBack = async (message: Message): Promise<void> => {
  const QueueUrl = deployment().deadLetterQueueUrl;
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  try {
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: Attributes?.["QueueArn"] }));
  } catch (error) {
    if (!/action|operation/i.test(String(error))) throw error;
    noteOtherwise("dead letters are moved back", `${deployment().server} has no StartMessageMoveTask: sent by hand`);
    await sendMessage(tenantId, message.Body ?? "");
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  }
};

testNeeding(
  "breakableFunctions",
  "a message that the store does not take becomes a dead letter, whole, and is recorded once it is moved back",
  async () => {
    const inputs = '{ "big":12345678901234567890,"one":1.0 }';
    const events = [
      eventText("run.started", { run_id: "late", inputs: json(inputs) }),
      eventText("run.finished", { run_id: "late" }),
    ];
    const body = `[${events.map((event) => ofTenant(tenantId, event)).join(",\n ")}]`;
    let dead: Message;
    try {
      await breakConsumer();
      await sendMessage(tenantId, body);
      dead = await deadLetter(body);
      expectProblem(await get("/v1/runs/late", { key }), 404, "NOT_FOUND");
    } finally {
      await mend();
    }

    await moveBack(dead);
    const run = await runReaches(key, "late", "succeeded");

    expect(run.text).toContain(`"inputs":${inputs}`);
  },
);

testNeeding("breakableFunctions", "a change that the bus does not take is told once it does", async () => {
  const bus = await listenToBus(tenantId, key);
  try {
    await breakPublisher();
    await postEvents(key, [eventText("run.started", { run_id: "untold" })]);
    await postEvents(key, [eventText("run.finished", { run_id: "untold" })]);
    expect((await get("/v1/runs/untold", { key })).json.status).toBe("succeeded");
    await expect(bus.until("untold", "succeeded", { seconds: 2 })).rejects.toThrow("in vain");
    await mend();

    const delivered = await bus.until("untold", "succeeded");

    const told = delivered.filter(({ detail }) => detail.run_id === "untold");
    expect(new Set(told.map((event) => event["detail-type"]))).toEqual(new Set(["run.running", "run.succeeded"]));
  } finally {
    await mend();
    await bus.stop();
  }
});

testNeeding("failedBatches", "a batch that is given up is kept whole in the failures bucket", async () => {});
