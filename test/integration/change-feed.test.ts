import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { AttributeValue, DynamoDBRecord } from "aws-lambda";
import { type ChangeFeed, type ChangeFeedOptions, startChangeFeed } from "../../local/change-feed.ts";
import type { LogLine } from "../../shared/lambda/log.ts";
import type { StoredHeader } from "../../shared/ports/run-store.ts";
import { textOf } from "../support/builders.ts";
import { postEvents, runKey, type Service, startService } from "../support/service.ts";

let service: Service;
let feed: ChangeFeed | undefined;
let records: DynamoDBRecord[];
let logs: LogLine[];

beforeEach(async () => {
  service = await startService();
  records = [];
  logs = [];
});

afterEach(async () => {
  await feed?.stop();
  feed = undefined;
  service.stop();
});

function start(project?: ChangeFeedOptions["project"]): ChangeFeed {
  feed = startChangeFeed({
    client: service.dynamodb,
    tableName: service.tableName,
    region: "us-east-1",
    project: async (batch) => {
      await project?.(batch);
      records.push(...batch.Records);
    },
    retryDelaysMs: [0, 0],
    log: (line) => logs.push(line),
  });
  return feed;
}

const post = async (...events: string[]): Promise<void> => {
  expect((await postEvents(service, events)).status).toBe(200);
};
const startOf = (runId: string) => textOf("run.started", { run_id: runId, app_id: "shop" });
const finishOf = (runId: string) =>
  textOf("run.finished", { run_id: runId, app_id: "shop", at: 9, status: "succeeded" });

/** The header as it is stored, in DynamoDB JSON. */
const stored = async (runId: string): Promise<Record<string, AttributeValue>> => {
  const Key = { pk: { S: `T#demo#R#${runId}` }, sk: { S: "RUN" } };
  const { Item = {} } = await service.dynamodb.send(
    new GetItemCommand({ TableName: service.tableName, Key, ConsistentRead: true }),
  );
  return Object.fromEntries(
    Object.entries(Item).map(([name, value]) => [
      name,
      (value.B === undefined ? value : { B: Buffer.from(value.B).toString("base64") }) as AttributeValue,
    ]),
  );
};

const imagesOf = (record: DynamoDBRecord | undefined) => ({
  before: record?.dynamodb?.OldImage,
  after: record?.dynamodb?.NewImage,
});
const recordsOf = (runId: string) => records.filter(({ dynamodb }) => dynamodb?.Keys?.["pk"]?.S?.endsWith(`#${runId}`));
const revisionOf = (image: Record<string, AttributeValue> | undefined): number => Number(image?.["rev"]?.N);

test("tells what a stream tells: a header before and after each write", async () => {
  start();

  await post(startOf("run-1"));
  const started = await stored("run-1");
  await post(finishOf("run-1"));
  await feed?.drained();

  expect(records.map(({ eventName }) => eventName)).toEqual(["INSERT", "MODIFY"]);
  expect(imagesOf(records[0])).toEqual({ before: undefined, after: started });
  expect(imagesOf(records[1])).toEqual({ before: started, after: await stored("run-1") });
  expect(records[1]).toEqual({
    eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
    eventName: "MODIFY",
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: "us-east-1",
    eventSourceARN: `arn:aws:dynamodb:us-east-1:000000000000:table/${service.tableName}/stream/local`,
    dynamodb: {
      ApproximateCreationDateTime: expect.any(Number),
      Keys: { pk: { S: "T#demo#R#run-1" }, sk: { S: "RUN" } },
      NewImage: expect.any(Object),
      OldImage: expect.any(Object),
      SequenceNumber: "000000000000000000002",
      SizeBytes: expect.any(Number),
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
  });
});

test("tells every state of a header once and in order, while many write to many headers at once", async () => {
  start();
  const runs = Array.from({ length: 8 }, (_, index) => `run-${index}`);

  await Promise.all(
    runs.flatMap((runId) => [
      post(startOf(runId)),
      post(finishOf(runId)),
      ...[1, 2, 3].map((at) => post(textOf("run.paused", { run_id: runId, at }))),
      ...[4, 5, 6].map((at) => post(textOf("run.resumed", { run_id: runId, at }))),
    ]),
  );
  await feed?.drained();

  for (const runId of runs) {
    const images = recordsOf(runId).map(imagesOf);
    expect(images.map(({ after }) => revisionOf(after))).toEqual(images.map((_image, index) => index + 1));
    expect(images.map(({ before }) => before)).toEqual([undefined, ...images.slice(0, -1).map(({ after }) => after)]);
    expect(images.at(-1)?.after).toEqual(await stored(runId));
  }
  expect(logs).toEqual([]);
});

test("tells nothing of other items, and nothing of a write that did not take effect", async () => {
  start();
  await post(startOf("run-1"), textOf("node.started", { run_id: "run-1", node_execution_id: "n" }));
  await post(textOf("node.finished", { run_id: "run-1", node_execution_id: "n", status: "succeeded" }));
  const { runs } = service.dependencies;
  const run = runKey("demo", "run-1");
  const header = (await runs.find(run)) as StoredHeader;

  expect(await runs.create(run, header)).toBe(false);
  expect(await runs.replace(run, header, { ...header, rev: 7 })).toBe(false);
  await feed?.drained();

  expect(records).toHaveLength(1);
});

test("holds no write up while a batch is under way", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  start(() => promise);

  await post(startOf("run-1"));
  await post(finishOf("run-1"));
  expect(records).toEqual([]);
  resolve();
  await feed?.drained();

  expect(records).toHaveLength(2);
});

test("hands a batch over again that failed, before what comes after it", async () => {
  let tries = 0;
  start(async () => {
    tries += 1;
    if (tries <= 2) throw new Error("not yet");
  });

  await post(startOf("run-1"));
  await post(finishOf("run-1"));
  await feed?.drained();

  expect(recordsOf("run-1").map(({ eventName }) => eventName)).toEqual(["INSERT", "MODIFY"]);
  expect(logs).toEqual([]);
});

test("gives a batch up that keeps failing, says so, and goes on", async () => {
  start(async ({ Records }) => {
    if (Records.some(({ dynamodb }) => dynamodb?.Keys?.["pk"]?.S?.endsWith("#bad"))) throw new Error("never");
  });

  await post(startOf("bad"));
  await feed?.drained();
  await post(startOf("good"));
  await feed?.drained();

  expect(records).toHaveLength(1);
  expect(logs).toEqual([expect.objectContaining({ level: "error", message: "domain events were lost", changes: 1 })]);
});

test("fails no write where it cannot read what became of the header", async () => {
  start();
  await post(startOf("run-1"));
  service.dynamodb.middlewareStack.add(
    (next, context) => async (args) => {
      if (context["commandName"] === "GetItemCommand") throw new Error("out of reach");
      return next(args);
    },
    { step: "initialize", name: "broken", priority: "low" },
  );

  await post(finishOf("run-1"));
  await feed?.drained();

  expect(records).toHaveLength(1);
  expect(logs).toEqual([expect.objectContaining({ level: "error", error: expect.any(Error) })]);
});

test("looks at nothing more after it was stopped, and has handed over what came before", async () => {
  start();
  await post(startOf("run-1"));
  await feed?.stop();
  await post(finishOf("run-1"));

  expect(records).toHaveLength(1);
});
