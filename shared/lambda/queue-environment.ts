import * as v from "valibot";
import type { SqsSettings } from "../sqs/sqs-event-queue.ts";
import { accessFromEnvironment } from "./access-environment.ts";
import { readEnvironment, setVariable } from "./read-environment.ts";

const QueueEnvironment = v.object({ QUEUE_URL: setVariable("QUEUE_URL") });

/** The queue that a Lambda sends to, and as whom: from its environment. Throws for a variable that is missing. */
export const queueFromEnvironment = (variables: NodeJS.ProcessEnv): SqsSettings => {
  const { QUEUE_URL } = readEnvironment(QueueEnvironment, variables);
  return { queueUrl: QUEUE_URL, ...accessFromEnvironment("SQS", variables) };
};
