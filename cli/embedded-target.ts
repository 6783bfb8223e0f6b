import path from "node:path";
import { connectClients } from "../local/aws-clients.ts";
import { type LocalJson, readLocalJson } from "../local/local-json.ts";
import { readSettings } from "../local/settings.ts";
import { CommandFailure } from "./command-failure.ts";
import type { Output, Target } from "./target.ts";

/** How long the stack may take to say that it is there (milliseconds). */
const LONGEST_ANSWER_MS = 5000;

const isAnswering = async (local: LocalJson): Promise<boolean> => {
  try {
    await fetch(`${local.api_url}/v1/health`, { signal: AbortSignal.timeout(LONGEST_ANSWER_MS) });
    return true;
  } catch {
    return false;
  }
};

/** The embedded stack that runs on this machine, found by its `local.json`. */
export const openEmbeddedTarget = async (
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Target> => {
  const directory = readSettings(environment).announceIn;
  const local = await readLocalJson(directory);
  if (local === undefined || !(await isAnswering(local))) {
    const sought = path.join(directory, "local.json");
    throw new CommandFailure(
      `the embedded stack is not running (looked for ${sought}): start it with \`npm start\`, or name a deployed stage with --stage`,
    );
  }
  const { dynamodb, sqs, s3 } = local.endpoints;
  const clients = connectClients({ dynamodb, sqs, s3: s3 ?? undefined }, environment);
  const outputs: Partial<Record<Output, string>> = {
    TableName: local.table_name,
    ...(local.bucket_name === null ? {} : { BucketName: local.bucket_name }),
    QueueUrl: local.queue_url,
    ApiUrl: local.api_url,
  };
  return {
    name: "the embedded stack",
    isEmbedded: true,
    stage: undefined,
    region: undefined,
    clients,
    find: async (output) => outputs[output],
    [Symbol.dispose]: clients.destroy,
  };
};
