import {
  DeleteRuleCommand,
  DescribeEventBusCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { eventText } from "../../support/event-text.ts";
import { postEvents } from "./api.ts";
import { eventBridge, sqs } from "./aws-clients.ts";
import { deployment } from "./deployment.ts";
import { eventually } from "./eventually.ts";

/** A domain event as EventBridge delivers it. */
export interface Delivered {
  readonly source: string;
  readonly "detail-type": string;
  readonly time: string;
  readonly detail: Readonly<Record<string, unknown>> & {
    readonly tenant_id: string;
    readonly run_id: string;
    readonly status: string;
    readonly version: number;
  };
}

/** A queue of the suite's own that a rule sends one tenant's domain events to. */
export interface BusListener {
  /** What has come, once it holds a status of a run; whatever came before is in it. */
  until(runId: string, status: string, within?: { seconds: number }): Promise<readonly Delivered[]>;
  /** Removes rule and queue. */
  stop(): Promise<void>;
}

/** Listens for a tenant's domain events. Runs named `probe-…`, recorded with its key, tell that the rule is in force. */
export const listenToBus = async (tenantId: string, key: string): Promise<BusListener> => {
  const bus = { EventBusName: deployment().eventBusName };
  const Name = tenantId;
  const { Arn: busArn = "" } = await eventBridge.send(new DescribeEventBusCommand({ Name: bus.EventBusName }));
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: Name }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  const Arn = Attributes?.["QueueArn"] ?? "";
  const ruleArn = `${busArn.replace(":event-bus/", ":rule/")}/${Name}`;
  const Statement = [
    {
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: Arn,
      Condition: { ArnEquals: { "aws:SourceArn": ruleArn } },
    },
  ];
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  const EventPattern = JSON.stringify({ source: ["runstone"], detail: { tenant_id: [tenantId] } });
  await eventBridge.send(new PutRuleCommand({ ...bus, Name, EventPattern }));
  await eventBridge.send(new PutTargetsCommand({ ...bus, Rule: Name, Targets: [{ Id: "queue", Arn }] }));

  const delivered: Delivered[] = [];
  const receive = async (): Promise<void> => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    for (const { Body = "", ReceiptHandle } of Messages) {
      delivered.push(JSON.parse(Body) as Delivered);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  };
  let probes = 0;
  await eventually(
    "the rule is in force",
    async () => {
      await postEvents(key, [eventText("run.finished", { run_id: `probe-${++probes}` })]);
      await receive();
      return delivered.length > 0 ? true : undefined;
    },
    { seconds: 90 },
  );
  return {
    until: (runId, status, within) =>
      eventually(
        `the bus tells that ${runId} is ${status}`,
        async () => {
          await receive();
          const isThere = delivered.some(({ detail }) => detail.run_id === runId && detail.status === status);
          return isThere ? [...delivered] : undefined;
        },
        within,
      ),
    stop: async () => {
      await eventBridge.send(new RemoveTargetsCommand({ ...bus, Rule: Name, Ids: ["queue"] }));
      await eventBridge.send(new DeleteRuleCommand({ ...bus, Name }));
      await sqs.send(new DeleteQueueCommand({ QueueUrl }));
    },
  };
};
