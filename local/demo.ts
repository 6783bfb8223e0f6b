/**
 * `npm run demo`: starts the embedded stack in memory, records the sample runs of `events/runs/`, half over HTTP and half
 * over the queue, and prints their traces. Exits 0 when every run can be read back, 1 with the reason otherwise.
 */
import path from "node:path";
import { readTrace, recordOverHttp, sendToQueue } from "./demo-client.ts";
import { readSamples } from "./demo-samples.ts";
import { startStack } from "./stack.ts";
import { stderrLog } from "./stderr-log.ts";
import { renderTrace } from "./trace-tree.ts";

const DYNAMODB_WRITES = /^(Put|Update|Delete|BatchWrite|TransactWrite)/;

async function main(): Promise<void> {
  const startedAt = performance.now();
  const samples = await readSamples(path.join(import.meta.dirname, "../events/runs"));
  let troubles = 0;
  const stack = await startStack({
    port: 0,
    dataDirectory: undefined,
    announceIn: undefined,
    // Nothing but this process: a server named in the environment is for `npm start`.
    environment: {},
    log: (line) => {
      if (line.level !== "info") troubles += 1;
      stderrLog(line);
    },
  });
  try {
    let writes = 0;
    stack.clients.dynamodb.middlewareStack.add(
      (next, context) => (args) => {
        if (DYNAMODB_WRITES.test(context.commandName ?? "")) writes += 1;
        return next(args);
      },
      { step: "initialize" },
    );
    const readyAt = performance.now();

    let requests = 0;
    for (const sample of samples) {
      requests += sample.way === "queue" ? await sendToQueue(stack, sample) : await recordOverHttp(stack, sample);
    }
    await stack.drained();
    const recordedAt = performance.now();
    if (troubles > 0) throw new Error(`not everything was recorded: ${troubles} lines above say why`);

    const hasColours = process.stdout.isTTY && !process.env["NO_COLOR"];
    for (const { runId, way } of samples) {
      console.log(`\n${renderTrace(await readTrace(stack, runId), { hasColours })}`);
      console.log(`  recorded ${way === "queue" ? "over the queue" : `with POST ${way}`}`);
    }

    const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(2)} s`;
    const events = samples.reduce((sum, sample) => sum + sample.events.length, 0);
    const summary = [
      `${samples.length} runs, ${events} events: sent in ${requests} requests, kept with ${writes} writes to DynamoDB.`,
      `Started in ${seconds(startedAt, readyAt)}, recorded in ${seconds(readyAt, recordedAt)}, ` +
        `done after ${seconds(startedAt, performance.now())}. To look around yourself: npm start`,
    ];
    console.log(`\n${summary.join("\n")}`);
  } finally {
    await stack.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? `The demo failed: ${error.message}` : error);
  process.exitCode = 1;
});
