import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { failuresGroup } from "../../cli/failures.ts";
import { ensureBucket } from "../../local/resources.ts";
import { startTables, type Tables } from "../contract/dynamo-tables.ts";
import { commandIo } from "../support/command-io.ts";
import { type EventBus, startEventBus } from "../support/event-bus.ts";
import { type FakeStage, startFakeStage } from "../support/fake-stage.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

const root = join(__dirname, "../..");
const batch = readFileSync(join(root, "events/failed-batch/retries-exhausted.json"), "utf8");
const damaged = JSON.stringify({
  ...JSON.parse(batch),
  payload: readFileSync(join(root, "events/dynamodb-stream/damaged-header.json"), "utf8"),
});

/** As Lambda names the objects of one shard. */
const keyAt = (minute: number): string =>
  `aws/lambda/5b2a/shardId-00000001795340000000-864758bb/2026/11/22/2026-11-22T22.0${minute}.10-${randomUUID()}`;

const before = { ...process.env };
let bus: EventBus;
let stage: FakeStage;
let tables: Tables;
let s3: S3Client;
let bucket: string;
let printed: string[];

beforeEach(async () => {
  bucket = `failures-${randomUUID()}`;
  printed = [];
  bus = await startEventBus();
  stage = await startFakeStage();
  tables = await startTables();
  stage.stacks.set("runstone-dev-data", { TableName: tables.table.name, BucketName: bucket });
  stage.stacks.set("runstone-dev-ingest", { RetentionDays: "30" });
  stage.stacks.set("runstone-dev-project", { EventBusName: "runstone-dev-project-events", FailuresBucketName: bucket });
  Object.assign(process.env, {
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL_S3: testEndpoints().s3,
    AWS_ENDPOINT_URL_DYNAMODB: testEndpoints().dynamodb,
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    AWS_ENDPOINT_URL_CLOUDFORMATION: stage.url,
  });
  s3 = new S3Client({ forcePathStyle: true });
  await ensureBucket(s3, bucket);
});

afterEach(async () => {
  s3.destroy();
  tables.stop();
  await Promise.all([bus.stop(), stage.stop()]);
  process.env = { ...before };
});

const run = (...args: string[]): Promise<void> =>
  failuresGroup.run(
    args,
    commandIo({ environment: process.env, now: Date.now, print: (line) => void printed.push(line) }),
  );

const put = async (key: string, Body: string): Promise<string> => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }));
  return key;
};
const kept = async (): Promise<string[]> =>
  ((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).map(({ Key = "" }) => Key);

describe("failures list", () => {
  test("says that nothing was given up", async () => {
    await run("list", "--stage", "dev");

    expect(printed).toEqual(["No batch of stage dev was given up."]);
  });

  test("shows the batches in order of time, for people and for machines", async () => {
    const [second, first] = [await put(keyAt(2), batch), await put(keyAt(1), batch)];

    await run("list", "--stage", "dev");
    await run("list", "--stage", "dev", "--json");

    expect(printed[0]?.split("\n").map((line) => line.split(/\s+/).at(-1))).toEqual(["KEY", first, second]);
    expect(JSON.parse(printed[1] ?? "")).toEqual({
      data: [first, second].map((key) => ({ key, size: batch.length, given_up_at: expect.stringMatching(/^20.*Z$/) })),
    });
  });

  test("needs a stage that is deployed", async () => {
    await expect(run("list", "--stage", "test")).rejects.toThrow(
      "stage test is not deployed in eu-central-1: there is no stack runstone-test-project",
    );
  });
});

describe("failures replay", () => {
  test("publishes every batch on the stage's bus and removes it", async () => {
    const keys = [await put(keyAt(1), batch), await put(keyAt(2), batch)];

    await run("replay", "--stage", "dev");

    expect(bus.taken.map(({ EventBusName, DetailType }) => [EventBusName, DetailType])).toEqual([
      ["runstone-dev-project-events", "run.succeeded"],
      ["runstone-dev-project-events", "run.succeeded"],
    ]);
    expect(printed).toEqual([
      ...keys.map((key) => `published  ${key} (records: 1)`),
      "2 batches of stage dev published.",
    ]);
    expect(await kept()).toEqual([]);
  });

  test("publishes the one batch that is named", async () => {
    const [first, second] = [await put(keyAt(1), batch), await put(keyAt(2), batch)];

    await run("replay", "--stage", "dev", "--key", second);

    expect(printed.at(-1)).toBe("1 batch of stage dev published.");
    expect(await kept()).toEqual([first]);
  });

  test("says that there is no batch of this name", async () => {
    await expect(run("replay", "--stage", "dev", "--key", "none")).rejects.toThrow("there is no object none");
  });

  test("keeps what it cannot read, shows nothing of it, and publishes the rest", async () => {
    const unreadable = await put(keyAt(1), '{"secret":1}');
    const halfReadable = await put(keyAt(2), damaged);
    await put(keyAt(3), batch);

    await expect(run("replay", "--stage", "dev")).rejects.toThrow("2 kept: what they hold cannot be read");

    expect(printed).toEqual([
      expect.stringContaining(`kept       ${unreadable}: payload: expected`),
      "        header of the stream not readable: T#demo#R#stream-damaged",
      `kept       ${halfReadable}: headers that are not readable: 1 of 2 records`,
      expect.stringContaining("published  "),
      "1 batch of stage dev published.",
    ]);
    expect(printed.join()).not.toContain("secret");
    expect(bus.taken).toHaveLength(2);
    expect(await kept()).toEqual([unreadable, halfReadable]);
  });

  test("stops and keeps everything where the bus takes nothing", async () => {
    const keys = [await put(keyAt(1), batch), await put(keyAt(2), batch)];
    bus.decide(() => {
      throw new Error("no");
    });

    await expect(run("replay", "--stage", "dev")).rejects.toThrow(
      `${keys[0]} and what follows could not be published: AWS refused: ValidationException`,
    );

    expect(bus.taken).toEqual([]);
    expect(await kept()).toEqual(keys);
  });
});
