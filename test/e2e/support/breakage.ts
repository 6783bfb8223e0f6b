import { SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { askService, sqs } from "./aws-clients.ts";
import { deployment } from "./deployment.ts";
import { eventually } from "./eventually.ts";

interface Configuration {
  readonly Timeout: number;
  readonly LastUpdateStatus?: string;
  readonly Environment: { readonly Variables: Readonly<Record<string, string>> };
}

const pathOf = (functionName: string): string => `/2015-03-31/functions/${functionName}/configuration`;

const configurationOf = async (functionName: string): Promise<Configuration> =>
  (await askService({ service: "lambda", method: "GET", path: pathOf(functionName) })) as Configuration;

/** Sets variables of a function; undefined takes one away. Resolves once the function has them. */
const setVariables = async (
  functionName: string,
  changes: Readonly<Record<string, string | undefined>>,
): Promise<void> => {
  const { Environment } = await configurationOf(functionName);
  if (Object.entries(changes).every(([name, value]) => Environment.Variables[name] === value)) return;
  const Variables = { ...Environment.Variables, ...changes };
  const body = { Environment: { Variables } };
  await askService({ service: "lambda", method: "PUT", path: pathOf(functionName), body });
  await eventually(`${functionName} has its variables`, async () => {
    const { LastUpdateStatus = "Successful" } = await configurationOf(functionName);
    return LastUpdateStatus === "Successful" ? true : undefined;
  });
};

const setVisibilityTimeout = (seconds: number): Promise<unknown> =>
  sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: deployment().queueUrl,
      Attributes: { VisibilityTimeout: String(seconds) },
    }),
  );

/** Makes the store fail for the queue's consumer, and what it fails on come again after a second. */
export const breakConsumer = async (): Promise<void> => {
  await setVariables(deployment().functions.consume, { TABLE_NAME: "no-such-table" });
  await setVisibilityTimeout(1);
};

/** Makes the event bus fail for the function that publishes: nothing listens on port 1. */
export const breakPublisher = (): Promise<void> =>
  setVariables(deployment().functions.project, { AWS_ENDPOINT_URL_EVENTBRIDGE: "http://127.0.0.1:1" });

/** Mends all that can be broken here, as the stacks have it: also what a suite that was killed has left. Safe to repeat. */
export const mend = async (): Promise<void> => {
  const { functions, tableName } = deployment();
  await setVariables(functions.consume, { TABLE_NAME: tableName });
  await setVariables(functions.project, { AWS_ENDPOINT_URL_EVENTBRIDGE: undefined });
  // DurableQueue gives the queue six times its consumer's own.
  await setVisibilityTimeout(6 * (await configurationOf(functions.consume)).Timeout);
};
