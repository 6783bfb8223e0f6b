import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { eventBridgePublisher } from "../shared/eventbridge/event-bridge-publisher.ts";
import { systemClock } from "../shared/lambda/system-clock.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandGroup, CommandIo } from "./command-group.ts";
import { chooseCommand, parseCommand, TARGET_OPTIONS } from "./command-line.ts";
import { type FailuresBucket, failuresBucket } from "./failures-bucket.ts";
import { openStores } from "./open-stores.ts";
import { openTarget } from "./open-target.ts";
import { replayFailures } from "./replay-failures.ts";
import { outputOf, type Target } from "./target.ts";
import { textTable } from "./text-table.ts";

const HELP = `Batches of the table's stream that could not be followed, and were given up: their domain events may not be published,
their runs not counted in statistics, their failures not listed.

  npm run cli -- failures list --stage NAME [--json] [--region R]
      What is in the stage's failures bucket.
  npm run cli -- failures replay --stage NAME [--key K] [--region R]
      Publishes the events of every batch, or of one, on the stage's bus, counts its runs and lists their failures, and
      removes each batch that was done.
      Listeners know by \`version\` what is old and what they have seen. Stopped half-way, it can be run again.`;

const openBucket = async (target: Target): Promise<FailuresBucket> => {
  const bucket = await outputOf(target, "FailuresBucketName");
  if (target.clients.s3 === undefined) throw new CommandFailure(`${target.name} keeps no objects in S3`);
  return failuresBucket(target.clients.s3, bucket);
};

const list = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values } = parseCommand(args, { ...TARGET_OPTIONS, json: { type: "boolean" } });

  using target = await openTarget(values, io.environment);
  const objects = await Array.fromAsync((await openBucket(target)).list());

  const data = objects.map(({ key, sizeBytes, givenUpAt }) => ({
    key,
    size: sizeBytes,
    given_up_at: givenUpAt?.toISOString() ?? null,
  }));
  if (values.json) return io.print(JSON.stringify({ data }, null, 2));
  if (data.length === 0) return io.print(`No batch of ${target.name} was given up.`);
  const rows = data.map(({ key, size, given_up_at }) => [given_up_at ?? "-", String(size), key]);
  io.print(textTable(["GIVEN UP", "BYTES", "KEY"], rows));
};

async function* keysOf(bucket: FailuresBucket): AsyncGenerator<string> {
  for await (const { key } of bucket.list()) yield key;
}

const replay = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values } = parseCommand(args, { ...TARGET_OPTIONS, key: { type: "string" } });

  using target = await openTarget(values, io.environment);
  const bucket = await openBucket(target);
  const client = new EventBridgeClient(target.region === undefined ? {} : { region: target.region });
  const publisher = eventBridgePublisher(client, await outputOf(target, "EventBusName"), systemClock);
  const keys = values.key === undefined ? keysOf(bucket) : [values.key];
  const stores = await openStores(target, io);
  const { published, kept } = await replayFailures({ bucket, publisher, stores, print: io.print }, keys);
  client.destroy();

  io.print(`${published} ${published === 1 ? "batch" : "batches"} of ${target.name} published.`);
  if (kept > 0) throw new CommandFailure(`${kept} kept: what they hold cannot be read (the lines above say why)`);
};

/** `failures list`, `failures replay`. */
export const failuresGroup: CommandGroup = {
  name: "failures",
  summary: "list and replay domain events that could not be published",
  help: HELP,
  run: (args, io) => {
    const { command, rest } = chooseCommand("failures", { list, replay }, args);
    return command(rest, io);
  },
};
