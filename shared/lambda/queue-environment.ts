import * as v from "valibot";
import type { SqsSettings } from "../sqs/message-sender.ts";
import { accessFromEnvironment } from "./access-environment.ts";
import { readEnvironment, setVariable } from "./read-environment.ts";

/** Variables that name a queue: that of events, and that of jobs. */
export type QueueVariable = "QUEUE_URL" | "JOB_QUEUE_URL";

/** A queue that a Lambda sends to, and as whom: from its environment. Throws for a variable that is missing. */
export const queueFromEnvironment = (
  variables: NodeJS.ProcessEnv,
  variable: QueueVariable = "QUEUE_URL",
): SqsSettings => {
  const environment = readEnvironment(v.object({ [variable]: setVariable(variable) }), variables);
  return { queueUrl: environment[variable] as string, ...accessFromEnvironment("SQS", variables) };
};
