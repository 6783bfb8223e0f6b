/** What follows runs on the embedded stack: from the change feed through the function `project` to a file and stores. */
import path from "node:path";
import { type ProjectDependencies, projectFunction } from "../functions/project/project.ts";
import { filePublisher } from "../shared/files/file-publisher.ts";
import type { AwsClients } from "./aws-clients.ts";
import { type ChangeFeed, startChangeFeed } from "./change-feed.ts";

/** Where headers are written, and the directory of the file. */
export interface DomainEventsOptions {
  readonly clients: Pick<AwsClients, "dynamodb" | "region">;
  readonly tableName: string;
  readonly directory: string;
  /** Where runs are read, counted, and their failures listed. */
  readonly dependencies: Omit<ProjectDependencies, "publisher">;
}

/** The change feed, and the file that it ends in. */
export interface DomainEvents extends ChangeFeed {
  /** Has a line for each domain event, as EventBridge would hand it on; is there from the first one on. */
  readonly file: string;
}

/** Begins at once: whatever is written to headers from now on is told. */
export function startDomainEvents({ clients, tableName, directory, dependencies }: DomainEventsOptions): DomainEvents {
  const { dynamodb, region } = clients;
  const { log } = dependencies;
  const file = path.join(directory, "domain-events.ndjson");
  const project = projectFunction({ ...dependencies, publisher: filePublisher(file, region) });
  return { file, ...startChangeFeed({ client: dynamodb, tableName, region, project, log }) };
}
