/** Finds a deployed stage by the outputs of its stacks. */
import {
  CloudFormationClient,
  paginateListStackResources,
  type StackResourceSummary,
} from "@aws-sdk/client-cloudformation";
import { FUNCTIONS, type FunctionName } from "../../build/bundle.ts";
import { CommandFailure } from "../../cli/command-failure.ts";
import { openDeployedTarget } from "../../cli/deployed-target.ts";
import { outputOf } from "../../cli/target.ts";
import { readSettings } from "../../infra/settings.ts";
import type { Deployment, Server } from "./support/deployment.ts";

const isAnswering = async (url: string): Promise<boolean> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
  return response?.ok ?? false;
};

/** Who answers there. Throws CommandFailure where nobody does. */
const serverAt = async (endpoint: string | undefined): Promise<Server> => {
  if (endpoint === undefined) return "AWS";
  if (await isAnswering(`${endpoint}/_ministack/health`)) return "MiniStack";
  if (await isAnswering(`${endpoint}/_localstack/health`)) return "LocalStack";
  const isThere = await fetch(endpoint).catch(() => undefined);
  if (isThere === undefined) throw new CommandFailure(`no emulator answers at ${endpoint} (AWS_ENDPOINT_URL)`);
  return "emulator";
};

const resourcesOf = async (client: CloudFormationClient, StackName: string): Promise<StackResourceSummary[]> => {
  const resources: StackResourceSummary[] = [];
  for await (const page of paginateListStackResources({ client }, { StackName })) {
    resources.push(...(page.StackResourceSummaries ?? []));
  }
  return resources;
};

const settingsOf = async (stage: string) => {
  const file = new URL(`../../infra/stages/${stage}.ts`, import.meta.url);
  const { settings } = (await import(file.href).catch(() => ({ settings: {} }))) as { settings: unknown };
  return readSettings(stage, settings);
};

/** The stage, where it is deployed whole; else throws CommandFailure with a line that says what is missing. */
export const findDeployment = async (stage: string, environment: NodeJS.ProcessEnv): Promise<Deployment> => {
  const endpoint = environment["AWS_ENDPOINT_URL"]?.replace(/\/+$/, "") || undefined;
  const server = await serverAt(endpoint);
  using target = await openDeployedTarget(stage, undefined, environment);
  const outputs = {
    tableName: await outputOf(target, "TableName"),
    queueUrl: await outputOf(target, "QueueUrl"),
    deadLetterQueueUrl: await outputOf(target, "DeadLetterQueueUrl"),
    eventBusName: await outputOf(target, "EventBusName"),
    failuresBucketName: await outputOf(target, "FailuresBucketName"),
  };
  const plans = await target.find("UsagePlans");
  // On an emulator the host of ApiUrl leads to AWS.
  const path = `${await outputOf(target, "ApiId")}/${await outputOf(target, "ApiStage")}`;
  const apiUrl = endpoint === undefined ? await outputOf(target, "ApiUrl") : `${endpoint}/_aws/execute-api/${path}`;

  const client = new CloudFormationClient({});
  const stacks = ["ingest", "jobs", "api", "project", "upkeep"].map((part) =>
    resourcesOf(client, `runstone-${stage}-${part}`),
  );
  const resources = (await Promise.all(stacks)).flat();
  const region = await client.config.region();
  client.destroy();
  const idsOf = (type: string, logicalId = ""): string[] =>
    resources.flatMap(({ ResourceType, LogicalResourceId = "", PhysicalResourceId }) =>
      ResourceType === type && LogicalResourceId.startsWith(logicalId) ? (PhysicalResourceId ?? []) : [],
    );
  const functions = FUNCTIONS.map((name) => {
    const capitalised = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    const [id] = idsOf("AWS::Lambda::Function", `${capitalised}Function`);
    if (id === undefined) throw new CommandFailure(`stage ${stage} has no function ${name}: deploy it again`);
    return [name, id] as const;
  });
  return {
    stage,
    server,
    endpoint,
    region,
    apiUrl,
    ...outputs,
    usagePlans: plans === undefined ? undefined : (JSON.parse(plans) as Record<string, string>),
    functions: Object.fromEntries(functions) as Record<FunctionName, string>,
    logGroups: idsOf("AWS::Logs::LogGroup"),
    settings: await settingsOf(stage),
  };
};
