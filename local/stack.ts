/** The embedded stack: everything that runs in AWS, wired together in one process. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { consumeFunction } from "../functions/consume/consume.ts";
import { controlFunction } from "../functions/control/control.ts";
import { ingestFunction } from "../functions/ingest/ingest.ts";
import type { IngestDependencies } from "../functions/ingest/ingest-dependencies.ts";
import { queryFunction } from "../functions/query/query.ts";
import { reapFunction } from "../functions/reap/reap.ts";
import { ROUTES } from "../shared/contract/routes.ts";
import { tableOf } from "../shared/dynamodb/document-client.ts";
import { dynamoCredentialStore } from "../shared/dynamodb/dynamo-credential-store.ts";
import { fileBlobLinks, LINKS_PATH } from "../shared/files/file-blob-links.ts";
import { fileBlobStore } from "../shared/files/file-blob-store.ts";
import { connect } from "../shared/lambda/connect.ts";
import type { Dependencies } from "../shared/lambda/dependencies.ts";
import type { Log } from "../shared/lambda/log.ts";
import type { BlobLinks } from "../shared/ports/blob-links.ts";
import type { BlobStore } from "../shared/ports/blob-store.ts";
import { s3BlobLinks } from "../shared/s3/s3-blob-links.ts";
import { s3BlobStore } from "../shared/s3/s3-blob-store.ts";
import { sqsEventQueue } from "../shared/sqs/sqs-event-queue.ts";
import { type AwsClients, connectClients } from "./aws-clients.ts";
import { openDataDirectory } from "./data-directory.ts";
import { admitDemoKeys, type Keys } from "./demo-keys.ts";
import { startDomainEvents } from "./domain-events.ts";
import { embeddedAuthorizer } from "./embedded-authorizer.ts";
import { type Emulators, startEmulators } from "./emulators.ts";
import { type HttpFrontOptions, type ObjectRoutes, startHttpFront } from "./http-front.ts";
import { checkIndexes } from "./index-check.ts";
import { type JobWorker, startJobWorker } from "./job-worker.ts";
import { lambdaContext } from "./lambda-context.ts";
import { linkSecret } from "./link-secret.ts";
import { announce, withdraw } from "./local-json.ts";
import { objectServer } from "./object-server.ts";
import { startQueuePoller } from "./queue-poller.ts";
import { startReaper } from "./reaper.ts";
import { ensureBucket, ensureQueue, ensureTable } from "./resources.ts";
import { StartFailure } from "./start-failure.ts";

const TABLE_NAME = "runstone";
const QUEUE_NAME = "runstone-events";
const JOB_QUEUE_NAME = "runstone-jobs";
const BUCKET_NAME = "runstone-objects";

/** Where the stack listens and keeps its data. */
export interface StackOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Undefined: all data in memory. */
  readonly dataDirectory: string | undefined;
  /** Where `local.json` is written once everything is ready; undefined: nowhere. */
  readonly announceIn: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** How often the upkeep has a tick; undefined: as often as on AWS. */
  readonly upkeepEveryMs?: number | undefined;
  logRequest?(line: string): void;
}

/** The stack while it runs. */
export interface Stack {
  readonly apiUrl: string;
  readonly queueUrl: string;
  readonly clients: AwsClients;
  readonly emulators: Pick<Emulators, "endpoints" | "owns">;
  readonly keys: Keys;
  /** Index rows that a kill had left wrong and that were put right at this start. */
  readonly repairedRows: number;
  /** Has a line for each domain event; it is made with the first one. */
  readonly domainEventsFile: string;
  /** Resolves when the queue is empty, nothing of it is under way, and every domain event so far is in its file. */
  drained(): Promise<void>;
  /** Accepts nothing more, finishes what is under way, and closes everything. */
  stop(): Promise<void>;
}

/** Throws StartFailure, with nothing left running, where the user has to put something right first. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDirectory, announceIn, environment, log } = options;
  // Closes in the reverse order of what was opened.
  await using opened = new AsyncDisposableStack();
  if (dataDirectory !== undefined) await openDataDirectory(dataDirectory);
  const dynamodbDirectory = dataDirectory && path.join(dataDirectory, "dynamodb");
  const emulators = await startEmulators({ dynamodbDirectory, hasS3: false, environment });
  opened.defer(emulators.stop);
  const clients = connectClients(emulators.endpoints, environment);
  opened.defer(clients.destroy);

  const { endpoints, owns } = emulators;
  await reaching(endpoints.dynamodb, () => ensureTable(clients.dynamodb, TABLE_NAME));
  const repairedRows = owns.dynamodb ? await checkIndexes(clients.dynamodb, TABLE_NAME) : 0;
  const queue = await reaching(endpoints.sqs, () => ensureQueue(clients.sqs, QUEUE_NAME));
  // fauxqs names a host that not every machine resolves, and looks only at the path of what it is asked for.
  const queueUrl = owns.sqs ? new URL(new URL(queue.url).pathname, endpoints.sqs).href : queue.url;
  const directory = dataDirectory ?? (await temporaryDirectory(opened));
  let apiUrl = "";
  const { blobs, links, objects } = await openObjects(clients, {
    s3Endpoint: endpoints.s3,
    directory,
    baseUrl: () => apiUrl,
  });
  const dependencies = connect({ dynamodb: clients.dynamodb, tableName: TABLE_NAME, blobs, links, log });
  const credentials = dynamoCredentialStore(tableOf(clients.dynamodb, TABLE_NAME));
  const keys = await admitDemoKeys(credentials, dataDirectory);

  const reportFault = (error: unknown): void => log({ level: "error", message: "a function failed", error });
  const domainEvents = startDomainEvents({ clients, tableName: TABLE_NAME, directory, dependencies });
  opened.defer(domainEvents.stop);
  const consume = consumeFunction(dependencies);
  const authorize = embeddedAuthorizer(
    { ...dependencies, credentials },
    { ...clients, tableName: TABLE_NAME },
    environment,
  );
  const events = sqsEventQueue({
    queueUrl: queue.url,
    region: clients.region,
    endpoint: endpoints.sqs,
    credentials: () => clients.sqs.config.credentials(),
  });
  const jobs = startJobWorker({
    clients,
    queue: await ensureQueue(clients.sqs, JOB_QUEUE_NAME),
    endpoint: endpoints.sqs,
    dependencies,
  });
  opened.defer(jobs.stop);
  const reap = reapFunction(dependencies);
  const reaper = startReaper({
    reap: (getRemainingTimeInMillis) => reap({}, { getRemainingTimeInMillis }),
    everyMs: options.upkeepEveryMs,
    log,
  });
  opened.defer(reaper.stop);
  const { jobQueue } = jobs;
  const front = await startFront(
    options,
    { ...dependencies, queue: events, jobQueue },
    { authorize, reportFault, objects },
  );
  apiUrl = front.url;
  const poller = startQueuePoller({
    client: clients.sqs,
    queue,
    region: clients.region,
    consume: (event) => consume(event, lambdaContext("runstone-consume", randomUUID())),
    log: (message) => log({ level: "warn", message }),
  });
  opened.defer(poller.stop);
  opened.defer(front.stop);

  if (announceIn !== undefined) {
    opened.defer(() => withdraw(announceIn));
    const { dynamodb, sqs, s3 = null } = endpoints;
    await announce(announceIn, {
      api_url: front.url,
      queue_url: queueUrl,
      table_name: TABLE_NAME,
      bucket_name: s3 === null ? null : BUCKET_NAME,
      endpoints: { dynamodb, sqs, s3 },
      keys,
      pid: process.pid,
    });
  }
  const running = opened.move();
  return {
    apiUrl: front.url,
    queueUrl,
    clients,
    emulators,
    keys,
    repairedRows,
    domainEventsFile: domainEvents.file,
    drained: async () => {
      await poller.drained();
      await domainEvents.drained();
    },
    stop: () => running.disposeAsync(),
  };
}

async function startFront(
  options: StackOptions,
  dependencies: Dependencies & Pick<IngestDependencies, "queue"> & Pick<JobWorker, "jobQueue">,
  calling: Pick<HttpFrontOptions, "authorize" | "reportFault" | "objects">,
) {
  try {
    return await startHttpFront({
      port: options.port,
      routes: ROUTES,
      functions: {
        ingest: ingestFunction(dependencies),
        query: queryFunction(dependencies),
        control: controlFunction(dependencies),
      },
      ...calling,
      ...(options.logRequest === undefined ? {} : { logRequest: options.logRequest }),
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") throw new StartFailure(`port ${options.port} is taken; set PORT to another`);
    if (code === "EACCES") throw new StartFailure(`port ${options.port} is not allowed; set PORT to another`);
    throw error;
  }
}

/** Turns the failure to reach a server that the environment names into one line. */
async function reaching<Result>(server: string, use: () => Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["ECONNREFUSED", "ENOTFOUND", "ETIMEDOUT"].includes(code)) throw error;
    throw new StartFailure(`no server answers at ${server} (${code}); it is named by an AWS_ENDPOINT_URL_ variable`);
  }
}

/** Where files go with data in memory: it is removed at the end. */
async function temporaryDirectory(opened: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "runstone-"));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

interface Objects {
  readonly blobs: BlobStore;
  readonly links: BlobLinks;
  /** Serves the links; undefined where the S3 server does. */
  readonly objects: ObjectRoutes | undefined;
}

/** Objects go to the S3 server where one is named in the environment; else to files. */
async function openObjects(
  { s3, region }: AwsClients,
  of: { s3Endpoint: string | undefined; directory: string; baseUrl: () => string },
): Promise<Objects> {
  const { s3Endpoint, baseUrl } = of;
  if (s3 !== undefined && s3Endpoint !== undefined) {
    await reaching(s3Endpoint, () => ensureBucket(s3, BUCKET_NAME));
    const credentials = () => s3.config.credentials();
    const place = { bucket: BUCKET_NAME, region, endpoint: s3Endpoint, credentials };
    return { blobs: s3BlobStore(place), links: s3BlobLinks(place), objects: undefined };
  }
  const directory = path.join(of.directory, "objects");
  const secret = await linkSecret(of.directory);
  return {
    blobs: fileBlobStore(directory),
    links: fileBlobLinks({ secret, baseUrl }),
    objects: { path: LINKS_PATH, serve: objectServer({ directory, secret, now: Date.now }) },
  };
}
