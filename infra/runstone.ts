import type { App, Stack } from "aws-cdk-lib";
import { APIGATEWAY_AUTHORIZER_CHANGE_DEPLOYMENT_LOGICAL_ID } from "aws-cdk-lib/cx-api";
import type { Settings } from "./settings.ts";
import { ApiStack } from "./stacks/api-stack.ts";
import { DataStack } from "./stacks/data-stack.ts";
import { IngestStack } from "./stacks/ingest-stack.ts";
import { JobsStack } from "./stacks/jobs-stack.ts";
import { OperationsStack } from "./stacks/operations-stack.ts";
import { ProjectStack } from "./stacks/project-stack.ts";
import { UpkeepStack } from "./stacks/upkeep-stack.ts";

/** Every stack of a stage, wired together. Stacks are named `runstone-<stage>-<part>`: the commands find them by it. */
export const runstone = (app: App, stage: string, settings: Settings) => {
  // Otherwise a change of the authorizer's settings would not reach the API: it holds for what is deployed anew.
  app.node.setContext(APIGATEWAY_AUTHORIZER_CHANGE_DEPLOYMENT_LOGICAL_ID, true);
  const props = (part: string, description: string) => ({ stackName: `runstone-${stage}-${part}`, description });
  const name = (part: string): string => `runstone-${stage}-${part}`;

  const data = new DataStack(app, name("data"), props("data", "Runstone: the ledger's table and its payload objects"));
  const storage = { table: data.table, payloads: data.payloads };
  const ingest = new IngestStack(app, name("ingest"), {
    ...props("ingest", "Runstone: the queue and its consumer"),
    storage,
    settings,
  });
  const jobs = new JobsStack(app, name("jobs"), {
    ...props("jobs", "Runstone: the queue of jobs and who works on them"),
    storage,
    settings,
  });
  const api = new ApiStack(app, name("api"), {
    ...props("api", "Runstone: the HTTP API, its functions and the authorizer"),
    storage,
    queue: ingest.events.queue,
    jobQueue: jobs.jobs.queue,
    settings,
  });
  const project = new ProjectStack(app, name("project"), {
    ...props("project", "Runstone: what follows from the table's stream"),
    storage,
    settings,
  });
  const upkeep = new UpkeepStack(app, name("upkeep"), {
    ...props("upkeep", "Runstone: the schedule that looks after runs"),
    storage,
    settings,
  });
  const operations = new OperationsStack(app, name("operations"), {
    ...props("operations", "Runstone: alarms and a dashboard"),
    data,
    ingest,
    jobs,
    api,
    project,
    upkeep,
    settings,
  });
  return { data, ingest, jobs, api, project, upkeep, operations } satisfies Record<string, Stack>;
};
