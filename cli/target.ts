import type { AwsClients } from "../local/aws-clients.ts";
import { type Table, tableOf } from "../shared/dynamodb/document-client.ts";
import { CommandFailure } from "./command-failure.ts";

/** What a stack tells of itself, by the part of a deployment that tells it. The names are those of the stacks' outputs. */
export const OUTPUTS = {
  TableName: "data",
  BucketName: "data",
  QueueUrl: "ingest",
  DeadLetterQueueUrl: "ingest",
  RetentionDays: "ingest",
  ApiUrl: "api",
  ApiId: "api",
  ApiStage: "api",
  /** Only with limits: JSON, ids of usage plans by their name. */
  UsagePlans: "api",
  /** Only where keys of any age are not accepted. */
  LongestKeyDays: "api",
  EventBusName: "project",
  FailuresBucketName: "project",
} as const;

/** One thing that a stack tells of itself. */
export type Output = keyof typeof OUTPUTS;

/** The stack that a command is for. */
export interface Target extends Disposable {
  /** `the embedded stack`, or `stage prod`. */
  readonly name: string;
  readonly isEmbedded: boolean;
  /** Undefined on the embedded stack, which knows no stages. */
  readonly stage: string | undefined;
  /** Undefined: what the environment says. */
  readonly region: string | undefined;
  /** `s3` is undefined where objects are files. */
  readonly clients: Pick<AwsClients, "dynamodb" | "sqs" | "s3">;
  /** Undefined where the stack has no such thing. */
  find(output: Output): Promise<string | undefined>;
}

/** What the stack tells of itself. Throws CommandFailure where it has no such thing. */
export const outputOf = async (target: Target, output: Output): Promise<string> => {
  const value = await target.find(output);
  if (value === undefined) throw new CommandFailure(`${target.name} has no ${output}`);
  return value;
};

/** The table of the stack. */
export const openTable = async (target: Target): Promise<Table> =>
  tableOf(target.clients.dynamodb, await outputOf(target, "TableName"));
