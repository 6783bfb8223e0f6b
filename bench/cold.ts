import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { json } from "node:stream/consumers";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { bundle, bundleFunction, FUNCTIONS } from "../build/bundle.ts";
import { ensureTable } from "../local/resources.ts";

/** How one bundle starts: medians of fresh processes. */
export interface ColdStart {
  readonly name: string;
  readonly format: "cjs" | "esm";
  readonly sizeBytes: number;
  readonly loadMs: number;
  readonly firstRequestMs: number;
  /** Its load to the baseline's in the same form, round by round: what slows one of them slows both. */
  readonly loadToBaseline: number;
}

/** What the others are measured by. */
const BASELINE = "client, lib and middy";

const ROUNDS = 25;
const FORMATS = ["cjs", "esm"] as const;

const EVENTS: Readonly<Record<(typeof FUNCTIONS)[number], string>> = {
  authorize: "authorizer/token.json",
  consume: "sqs/single-event.json",
  control: "api-gateway/get-quarantine.json",
  ingest: "api-gateway/post-events-json.json",
  project: "dynamodb-stream/status-changes.json",
  query: "api-gateway/get-run.json",
  reap: "schedule/tick.json",
  work: "sqs-jobs/job.json",
};

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

const eventFile = (name: string): string => path.join(import.meta.dirname, "../events", name);

const bundles = (directory: string) =>
  FORMATS.flatMap((format) => [
    {
      name: BASELINE,
      format,
      event: eventFile(EVENTS.query),
      made: bundle("bench/cold-baseline.ts", path.join(directory, format, "baseline"), format),
    },
    ...FUNCTIONS.map((name) => ({
      name,
      format,
      event: eventFile(EVENTS[name]),
      made: bundleFunction(name, path.join(directory, format), format),
    })),
  ]);

/** Takes domain events, in the place of EventBridge: there is no emulator of it without a network. */
const startBus = async (): Promise<{ endpoint: string; stop: () => void }> => {
  const server = createServer(async (request, response) => {
    const { Entries = [] } = (await json(request)) as { Entries?: unknown[] };
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.end(JSON.stringify({ FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: "1" })) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
};

const startOnce = (file: string, event: string, environment: NodeJS.ProcessEnv) =>
  new Promise<{ load_ms: number; first_ms: number }>((resolve, reject) => {
    const script = path.join(import.meta.dirname, "cold-process.ts");
    execFile(process.execPath, [script, file, event], { env: environment }, (error, stdout) =>
      error === null ? resolve(JSON.parse(stdout)) : reject(error),
    );
  });

/**
 * Loads every function's bundle and gives it a first request, each time in a fresh process, one after the other in
 * turns, so that what else the machine does meets all alike. Calls back after each round.
 */
export const coldStarts = async (
  dynamodb: string,
  onRound: (done: number, of: number) => void,
): Promise<ColdStart[]> => {
  const directory = mkdtempSync(path.join(tmpdir(), "runstone-cold-"));
  const bus = await startBus();
  const tableName = `runstone-${randomUUID()}`;
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({ endpoint: dynamodb, region: "us-east-1", credentials });
  try {
    await ensureTable(client, tableName);
    const environment = {
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
      AWS_ENDPOINT_URL: bus.endpoint,
      TABLE_NAME: tableName,
      BUCKET_NAME: "runstone",
      EVENT_BUS_NAME: "runstone",
      QUEUE_URL: `${bus.endpoint}/000000000000/runstone`,
      JOB_QUEUE_URL: `${bus.endpoint}/000000000000/runstone-jobs`,
    };
    const candidates = bundles(directory).map((candidate) => ({ ...candidate, times: [] as Times[] }));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { made, event, times } of candidates) {
        const time = await startOnce(made.file, event, environment);
        // The first round fills the file cache.
        if (round > 0) times.push(time);
      }
      onRound(round, ROUNDS);
    }
    const baselineOf = (format: string) =>
      candidates.find((candidate) => candidate.name === BASELINE && candidate.format === format)?.times ?? [];
    return candidates.map(({ name, format, made, times }) => ({
      name,
      format,
      sizeBytes: made.sizeBytes,
      loadMs: median(times.map(({ load_ms }) => load_ms)),
      firstRequestMs: median(times.map(({ first_ms }) => first_ms)),
      loadToBaseline: median(
        times.map(({ load_ms }, round) => load_ms / (baselineOf(format)[round]?.load_ms ?? Number.NaN)),
      ),
    }));
  } finally {
    client.destroy();
    bus.stop();
    rmSync(directory, { recursive: true, force: true });
  }
};

type Times = Awaited<ReturnType<typeof startOnce>>;
