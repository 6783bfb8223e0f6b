import type { DynamoDBRecord } from "aws-lambda";
import { projectFunction } from "../../functions/project/project.ts";
import type { LogLine } from "../../shared/lambda/log.ts";
import { PublishFault } from "../../shared/ports/publish-fault.ts";
import { sent } from "../support/builders.ts";
import { manualClock } from "../support/manual-clock.ts";
import { type MemoryPublisher, memoryPublisher } from "../support/memory-publisher.ts";
import { memoryStores } from "../support/memory-stores.ts";
import { runKey } from "../support/service.ts";
import { headerItemOf, headerRecord, removalRecord } from "../support/stream-records.ts";

const run = runKey("demo", "run-1");
const start = sent("run.started", { app_id: "shop", workflow_id: "refund", created_by: "ada" });
const pause = sent("run.paused", { at: 1 });
const finish = sent("run.finished", { at: 2, status: "failed", error: { message: "boom" }, total_tokens: 7 });

const started = headerItemOf(run, 1, start);
const paused = headerItemOf(run, 2, start, pause);
const failed = headerItemOf(run, 3, start, pause, finish);

let publisher: MemoryPublisher;
let logs: LogLine[];

beforeEach(() => {
  publisher = memoryPublisher();
  logs = [];
});

const project = (...Records: DynamoDBRecord[]): Promise<void> =>
  projectFunction({ ...memoryStores(manualClock()), publisher, log: (line) => logs.push(line) })({ Records });

/** What was published, in short. */
const published = () =>
  publisher.events.map(({ type, detail }) => {
    const { run_id, version } = detail as { run_id: string; version: number };
    return `${type} ${run_id} ${version}`;
  });

/** A record whose header cannot be read, with something in it that no log may show. */
const damaged = (name: string): DynamoDBRecord => {
  const other = runKey("demo", name);
  return headerRecord(other, undefined, { ...headerItemOf(other, 1, start), start: '{"secret":"of a customer"' });
};

describe("a change of a run's status", () => {
  it("is told with the run as a list shows it, and its tenant", async () => {
    await project(headerRecord(run, paused, failed));

    expect(publisher.events).toEqual([
      {
        type: "run.failed",
        at: expect.any(Number),
        detail: {
          tenant_id: "demo",
          run_id: "run-1",
          app_id: "shop",
          status: "failed",
          incomplete: false,
          epoch: 1,
          version: 3,
          started_at: "2026-11-22T10:00:00.000Z",
          finished_at: "2026-11-22T10:00:02.000Z",
          elapsed_time: 2,
          workflow_id: "refund",
          workflow_version: null,
          workflow_type: null,
          triggered_from: null,
          created_by: "ada",
          created_by_role: null,
          parent_run_id: null,
          tags: [],
          total_tokens: 7,
          total_steps: null,
          exceptions_count: null,
          error: expect.stringContaining("boom"),
          expires_at: expect.any(String),
        },
      },
    ]);
  });

  it("is told for the first header of a run", async () => {
    await project(headerRecord(run, undefined, started));

    expect(published()).toEqual(["run.running run-1 1"]);
  });

  it("is told for a run that was over when it was first heard of", async () => {
    await project(headerRecord(run, undefined, headerItemOf(run, 1, start, finish)));

    expect(published()).toEqual(["run.failed run-1 1"]);
  });

  it("has the time at which the table took it in, whole seconds", async () => {
    const record = headerRecord(run, started, paused);
    const seconds = record.dynamodb?.ApproximateCreationDateTime ?? 0;

    await project(record);

    expect(publisher.events.map(({ at }) => at)).toEqual([seconds * 1000]);
  });

  it("has no time of its own where the record has none", async () => {
    const { dynamodb, ...record } = headerRecord(run, started, paused);

    await project({ ...record, dynamodb: { ...dynamodb, ApproximateCreationDateTime: undefined } });

    expect(publisher.events.map(({ at }) => at)).toEqual([undefined]);
  });

  it("is told in the order of its records, each of several in one batch", async () => {
    const other = runKey("acme", "run-2");

    await project(
      headerRecord(run, undefined, started),
      headerRecord(other, undefined, headerItemOf(other, 1, start)),
      headerRecord(run, started, paused),
      headerRecord(run, paused, failed),
    );

    expect(published()).toEqual([
      "run.running run-1 1",
      "run.running run-2 1",
      "run.paused run-1 2",
      "run.failed run-1 3",
    ]);
    expect(publisher.events[1]?.detail).toMatchObject({ tenant_id: "acme" });
  });

  it("is the same event again where its record comes again, late or in another order", async () => {
    const [first, second] = [headerRecord(run, undefined, started), headerRecord(run, started, paused)];

    await project(first, second);
    await project(second);
    await project(first);

    expect(publisher.events.slice(2)).toEqual([publisher.events[1], publisher.events[0]]);
  });
});

describe("what is no change of status", () => {
  it("is not told: a header that is written again under the same status", async () => {
    await project(headerRecord(run, started, { ...started, rev: 2, expires_at: 4_000_000_000 }));

    expect(publisher.events).toEqual([]);
  });

  it("is not told: a header that is gone, by expiry or deletion", async () => {
    await project(removalRecord(run, failed));

    expect(publisher.events).toEqual([]);
  });

  it("is not told: what a removed run leaves behind", async () => {
    const { pk, sk } = failed;

    await project(headerRecord(run, failed, { pk, sk, deleted: true, expires_at: 4_000_000_000 }));

    expect(publisher.events).toEqual([]);
  });

  it("is not told: any item but a header, whatever it holds", async () => {
    const record = headerRecord(run, undefined, started);

    await project(
      { ...record, dynamodb: { ...record.dynamodb, Keys: { pk: { S: "T#demo#R#run-1" }, sk: { S: "L#01" } } } },
      { eventName: "INSERT" },
    );

    expect(publisher.events).toEqual([]);
    expect(logs).toEqual([{ level: "info", message: "batch", records: 2, published: 0, unreadable: 0, unfollowed: 0 }]);
  });
});

describe("a batch that fails", () => {
  it("throws where the publisher does, so that all of it comes again", async () => {
    publisher.failNext(1);
    const record = headerRecord(run, undefined, started);

    await expect(project(record)).rejects.toThrow(PublishFault);
    await project(record);

    expect(published()).toEqual(["run.running run-1 1"]);
  });

  it("publishes what can be read before it throws for what cannot", async () => {
    await expect(project(damaged("run-7"), headerRecord(run, undefined, started), damaged("run-8"))).rejects.toThrow(
      "headers that are not readable: 2 of 3 records",
    );

    expect(published()).toEqual(["run.running run-1 1"]);
  });

  it("names the keys of what cannot be read, and shows nothing of it", async () => {
    const records = [damaged("run-7"), headerRecord(runKey("demo", "run-8"), undefined, { ...failed, rev: "secret" })];
    const error: unknown = await project(...records).catch((reason: unknown) => reason);

    expect(logs.slice(0, 2)).toEqual([
      {
        level: "error",
        message: "header of the stream not readable",
        key: "T#demo#R#run-7",
        event_id: records[0]?.eventID,
        reason: "SyntaxError",
      },
      expect.objectContaining({ level: "error", key: "T#demo#R#run-8", reason: "ValiError" }),
    ]);
    expect(JSON.stringify(logs)).not.toContain("secret");
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toHaveProperty("cause");
    expect(String(error)).not.toContain("secret");
  });

  it("holds a header under a key that is no run's for unreadable", async () => {
    const { dynamodb, ...record } = headerRecord(run, undefined, started);
    const Keys = { pk: { S: "T#demo#A#shop" }, sk: { S: "RUN" } };

    await expect(project({ ...record, dynamodb: { ...dynamodb, Keys } })).rejects.toThrow("not readable");

    expect(logs[0]).toMatchObject({ key: "T#demo#A#shop" });
  });
});
