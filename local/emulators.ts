/**
 * The servers behind the embedded stack, in this process and on loopback only: dynalite for DynamoDB, fauxqs for SQS and
 * (where a test wants it) S3. A standard variable `AWS_ENDPOINT_URL_<SERVICE>` names a server to use instead.
 */
import type { AddressInfo } from "node:net";
import dynalite from "dynalite";
import storage from "dynalite/db/index.js";
import { buildApp } from "fauxqs";
import { allowEveryCharacterOfSqs } from "./fauxqs-characters.ts";
import { StartFailure } from "./start-failure.ts";

/** What to start, and where it keeps its data. */
export interface EmulatorOptions {
  /** Where DynamoDB's data is kept; undefined: in memory. */
  readonly dynamodbDirectory: string | undefined;
  /** Whether an S3 server is wanted where none is named in the environment. */
  readonly hasS3: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Servers that were started here, or named in the environment. */
export interface Emulators {
  readonly endpoints: {
    readonly dynamodb: string;
    readonly sqs: string;
    /** Undefined where there is no S3 server. */
    readonly s3: string | undefined;
  };
  /** Which servers are our own dynalite and fauxqs rather than named in the environment. */
  readonly owns: { readonly dynamodb: boolean; readonly sqs: boolean };
  /** Closes the servers that were started here, once what is under way has been written. */
  stop(): Promise<void>;
}

interface LocalServer {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Throws StartFailure where another process holds the data directory. */
export async function startEmulators(options: EmulatorOptions): Promise<Emulators> {
  const named = (service: string): string | undefined =>
    options.environment[`AWS_ENDPOINT_URL_${service}`] || undefined;
  const foreign = { dynamodb: named("DYNAMODB"), sqs: named("SQS"), s3: named("S3") };

  const dynamodb = foreign.dynamodb === undefined ? await startDynalite(options.dynamodbDirectory) : undefined;
  const needsFauxqs = foreign.sqs === undefined || (options.hasS3 && foreign.s3 === undefined);
  const fauxqs = needsFauxqs ? await startFauxqs() : undefined;

  return {
    endpoints: {
      dynamodb: foreign.dynamodb ?? endpointOf(dynamodb),
      sqs: foreign.sqs ?? endpointOf(fauxqs),
      s3: foreign.s3 ?? (options.hasS3 ? endpointOf(fauxqs) : undefined),
    },
    owns: { dynamodb: dynamodb !== undefined, sqs: foreign.sqs === undefined },
    stop: async () => {
      await Promise.all([dynamodb?.stop(), fauxqs?.stop()]);
    },
  };
}

function endpointOf(server: LocalServer | undefined): string {
  if (server === undefined) throw new Error("a server that is needed was not started");
  return server.endpoint;
}

async function startDynalite(directory: string | undefined): Promise<LocalServer> {
  if (directory !== undefined) await checkThatDirectoryIsFree(directory);
  // Every change of a table takes effect at once: the waiting of the real service is of no use here.
  const delays = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  const server = dynalite({ ...delays, ...(directory === undefined ? {} : { path: directory }) });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeIdleConnections();
      }),
  };
}

/** dynalite does not say why its store does not open, so the store is opened and closed once before. */
async function checkThatDirectoryIsFree(directory: string): Promise<void> {
  const { db } = storage.create({ path: directory });
  try {
    await db.open();
    await db.close();
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as { code?: string; message?: string } | undefined) : undefined;
    if (cause?.code === "LEVEL_LOCKED") throw new StartFailure(`${directory} is in use by another process`);
    throw new StartFailure(`${directory} cannot be opened: ${cause?.message ?? String(error)}`, { cause: error });
  }
}

async function startFauxqs(): Promise<LocalServer> {
  await allowEveryCharacterOfSqs();
  // Not `startFauxqs` of the package: that one listens on every interface.
  const app = buildApp({ logger: false });
  const endpoint = await app.listen({ port: 0, host: "127.0.0.1" });
  return { endpoint, stop: () => app.close() };
}
