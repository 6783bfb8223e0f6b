/** `npm start`: the embedded stack in the foreground, until it is told to stop. */
import path from "node:path";
import { readSettings, type Settings } from "./settings.ts";
import { type Stack, startStack } from "./stack.ts";
import { StartFailure } from "./start-failure.ts";
import { stderrLog } from "./stderr-log.ts";

const HELP = `Usage: npm start

Runs Runstone in one process on this machine: HTTP API, queue, table and objects.

  PORT               port of the HTTP API (default 4000; 0: any that is free)
  RUNSTONE_DATA_DIR  directory of the data (default .runstone; "memory": keep nothing)
  RUNSTONE_LOG       1: a line on standard error for each request
  RUNSTONE_UPKEEP_SECONDS
                     how often silent runs are closed and retention is applied (default 300)
  OIDC               an issuer whose tokens are accepted beside keys, as JSON: {"issuer", "audience", "jwksUrl"}
  LONGEST_KEY_DAYS   keys older than this are refused
  AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL_S3
                     a server to use instead of the one that is built in

Where everything is to be found, keys included, is written to <data directory>/local.json.`;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const stack = await startStack({
    ...settings,
    environment: process.env,
    log: stderrLog,
    ...(settings.hasRequestLog ? { logRequest: (line: string) => process.stderr.write(`${line}\n`) } : {}),
  });
  console.log(banner(stack, settings));
  await toldToStop();
  console.log("Stopping: finishing what is under way. A second signal ends at once.");
  await stack.stop();
  process.exit(0);
}

function banner(stack: Stack, settings: Settings): string {
  const { apiUrl, domainEventsFile, emulators, keys, repairedRows } = stack;
  const localJson = path.join(settings.announceIn, "local.json");
  const event = { type: "run.started", run_id: "hello", app_id: "demo-app", at: new Date().toISOString() };
  const authorization = `-H 'authorization: Bearer ${keys.demo}'`;
  const lines = [
    `Runstone answers on ${apiUrl}`,
    `  data   ${whereData(stack, settings)}`,
    emulators.owns.sqs
      ? "  queue  in memory: messages that wait when this process is killed are lost"
      : `  queue  at ${emulators.endpoints.sqs}`,
    `  bus    domain events are lines of ${path.resolve(domainEventsFile)}`,
    `  keys   in ${localJson}`,
    ...(repairedRows === 0 ? [] : [`  index  ${repairedRows} rows put right that a kill had left wrong`]),
    "",
    "Record a run and read it back:",
    `  curl -s ${authorization} ${apiUrl}/v1/events \\`,
    `    -H 'content-type: application/json' -d '${JSON.stringify({ events: [event] })}'`,
    `  curl -s ${authorization} ${apiUrl}/v1/runs/${event.run_id}`,
    "",
  ];
  return lines.join("\n");
}

function whereData({ emulators }: Stack, { dataDirectory }: Settings): string {
  if (!emulators.owns.dynamodb) return `at ${emulators.endpoints.dynamodb}`;
  return dataDirectory === undefined ? "in memory: it ends with this process" : path.resolve(dataDirectory);
}

/** Ctrl-C under npm arrives twice at once: from the terminal and from npm. Both are one. */
const SAME_SIGNAL_MS = 1_000;

/** How often the parent is looked for. */
const PARENT_CHECK_MS = 500;

/**
 * Resolves at the first signal, or when npm is gone; a signal that comes later ends the process at once. npm passes a
 * signal on to its shell, which dies of it and tells nobody.
 */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const receive = (): void => {
      firstAt ??= Date.now();
      if (Date.now() - firstAt > SAME_SIGNAL_MS) process.exit(1);
      resolve();
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, receive);

    const parent = process.ppid;
    const lookForParent = (): void => {
      if (process.ppid !== parent) resolve();
    };
    if (process.env["npm_lifecycle_event"] !== undefined) setInterval(lookForParent, PARENT_CHECK_MS).unref();
  });
}

if (process.argv.length > 2) {
  const isAsked = ["--help", "-h"].includes(process.argv[2] ?? "");
  console.log(HELP);
  process.exit(isAsked ? 0 : 1);
}
main().catch((error: unknown) => {
  console.error(error instanceof StartFailure ? error.message : error);
  process.exit(1);
});
