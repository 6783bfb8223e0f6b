import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filePublisher } from "../../shared/files/file-publisher.ts";
import { memoryPublisher } from "../support/memory-publisher.ts";
import { publisherContract } from "./publisher.ts";

const linesOf = (file: string): Record<string, unknown>[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    : [];

const newDirectory = () => mkdtempSync(join(tmpdir(), "runstone-events-"));

publisherContract("a file", async () => {
  const directory = newDirectory();
  const file = join(directory, "domain-events.ndjson");
  return {
    publisher: filePublisher(file, "eu-central-1"),
    broken: filePublisher(join(directory, "missing", "file"), "eu-central-1"),
    told: () =>
      linesOf(file).map((line) => ({
        type: line["detail-type"] as string,
        at: Date.parse(line["time"] as string) / 1000,
        detail: line["detail"],
      })),
    stop: () => rmSync(directory, { recursive: true, force: true }),
  };
});

publisherContract("the fake of tests", async () => {
  const [publisher, broken] = [memoryPublisher(), memoryPublisher()];
  broken.failNext(1);
  return {
    publisher,
    broken,
    told: () => publisher.events.map(({ type, at, detail }) => ({ type, at: at && at / 1000, detail })),
    stop: () => undefined,
  };
});

describe("a file of domain events", () => {
  const directory = newDirectory();
  const file = join(directory, "domain-events.ndjson");
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("holds events as EventBridge hands them to a target, each with an id of its own", async () => {
    const event = { type: "run.failed", at: Date.parse("2026-11-22T10:00:05.999Z"), detail: { version: 2 } };
    await filePublisher(file, "eu-central-1").publish([event, { ...event, at: undefined }]);

    const [first, second] = linesOf(file);
    expect(first).toEqual({
      version: "0",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      "detail-type": "run.failed",
      source: "runstone",
      account: "000000000000",
      time: "2026-11-22T10:00:05Z",
      region: "eu-central-1",
      resources: [],
      detail: { version: 2 },
    });
    expect(second).toMatchObject({ time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) });
    expect(second?.["id"]).not.toBe(first?.["id"]);
  });

  it("begins anew after it was removed", async () => {
    const publisher = filePublisher(file, "eu-central-1");
    await publisher.publish([{ type: "run.running", at: undefined, detail: {} }]);
    rmSync(file);
    await publisher.publish([{ type: "run.paused", at: undefined, detail: {} }]);

    expect(linesOf(file)).toEqual([expect.objectContaining({ "detail-type": "run.paused" })]);
  });
});
