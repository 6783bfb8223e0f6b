import { SQSClient } from "@aws-sdk/client-sqs";
import * as v from "valibot";
import type { EventQueue } from "../ports/event-queue.ts";
import { sqsEventQueue } from "../sqs/sqs-event-queue.ts";
import { readEnvironment, setVariable } from "./read-environment.ts";
import { sdkRequests } from "./sdk-requests.ts";

const QueueEnvironment = v.object({ QUEUE_URL: setVariable("QUEUE_URL") });

/** The queue that producers send to, from a Lambda's environment. Throws for a variable that is missing. */
export const queueFromEnvironment = (variables: NodeJS.ProcessEnv): EventQueue => {
  const { QUEUE_URL } = readEnvironment(QueueEnvironment, variables);
  // Messages are large: up to a megabyte each. An emulator's queue can be known by a host that is not to be found from here; the region's endpoint takes any queue.
  return sqsEventQueue(new SQSClient({ ...sdkRequests(5000), useQueueUrlAsEndpoint: false }), QUEUE_URL);
};
