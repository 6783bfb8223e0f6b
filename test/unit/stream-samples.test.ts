import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DynamoDBStreamEvent } from "aws-lambda";
import { projectFunction } from "../../functions/project/project.ts";
import { readFailedBatch } from "../../shared/lambda/failed-batch.ts";
import { manualClock } from "../support/manual-clock.ts";
import { memoryPublisher } from "../support/memory-publisher.ts";
import { memoryStores } from "../support/memory-stores.ts";

const EVENTS = join(__dirname, "../../events");
const textOf = (...path: string[]): string => readFileSync(join(EVENTS, ...path), "utf8");
const batchOf = (name: string) => JSON.parse(textOf("dynamodb-stream", name)) as DynamoDBStreamEvent;

/** What the function tells of a batch, and whether it throws. */
const project = async (batch: DynamoDBStreamEvent) => {
  const publisher = memoryPublisher();
  const fails = await projectFunction({ ...memoryStores(manualClock()), publisher, log: () => undefined })(batch).then(
    () => false,
    () => true,
  );
  const told = publisher.events.map(({ type, at, detail }) => {
    const { tenant_id, run_id, version } = detail as Record<string, unknown>;
    return `${new Date(at ?? 0).toISOString()} ${type} ${tenant_id}/${run_id} v${version}`;
  });
  return { fails, told };
};

const item = expect.objectContaining({ pk: { S: expect.any(String) }, sk: { S: expect.any(String) } });

describe("the sample batches of the table's stream", () => {
  it("are all that there are", () => {
    expect(readdirSync(join(EVENTS, "dynamodb-stream"))).toEqual(["damaged-header.json", "status-changes.json"]);
    expect(readdirSync(join(EVENTS, "failed-batch"))).toEqual(["retries-exhausted.json"]);
  });

  it.each(["damaged-header.json", "status-changes.json"])("%s is what Lambda gets", (name) => {
    for (const record of batchOf(name).Records) {
      const isRemoval = record.eventName === "REMOVE";
      expect(record).toEqual({
        eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
        eventName: expect.stringMatching(/^(INSERT|MODIFY|REMOVE)$/),
        eventVersion: "1.1",
        eventSource: "aws:dynamodb",
        awsRegion: "eu-central-1",
        eventSourceARN: expect.stringMatching(/^arn:aws:dynamodb:eu-central-1:123456789012:table\/\S+\/stream\/\S+$/),
        ...(isRemoval ? { userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" } } : {}),
        dynamodb: {
          ApproximateCreationDateTime: expect.any(Number),
          Keys: { pk: { S: expect.any(String) }, sk: { S: expect.any(String) } },
          ...(isRemoval ? {} : { NewImage: item }),
          ...(record.eventName === "INSERT" ? {} : { OldImage: item }),
          SequenceNumber: expect.stringMatching(/^\d{21,40}$/),
          SizeBytes: expect.any(Number),
          StreamViewType: "NEW_AND_OLD_IMAGES",
        },
      });
    }
  });

  it("status-changes.json: starts and ends are told, a later expiry, an entry and a removal are not", async () => {
    expect(await project(batchOf("status-changes.json"))).toEqual({
      fails: false,
      told: [
        "2026-11-22T09:59:57.000Z run.running demo/stream-chat v1",
        "2026-11-22T09:59:58.000Z run.running acme/stream-agent v1",
        "2026-11-22T09:59:59.000Z run.failed acme/stream-agent v2",
        "2026-11-22T10:00:01.000Z run.succeeded demo/stream-chat v2",
      ],
    });
  });

  it("damaged-header.json: the good header is told, then the batch fails", async () => {
    expect(await project(batchOf("damaged-header.json"))).toEqual({
      fails: true,
      told: ["2026-11-22T10:00:04.000Z run.succeeded demo/stream-chat v2"],
    });
  });

  it("retries-exhausted.json: the batch in it can be published after all", async () => {
    const reading = readFailedBatch(textOf("failed-batch", "retries-exhausted.json"));

    expect(reading.ok && (await project(reading.event))).toEqual({
      fails: false,
      told: ["2026-11-22T10:00:05.000Z run.succeeded demo/stream-chat v2"],
    });
  });
});
