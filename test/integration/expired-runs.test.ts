import { buryRun } from "../../shared/app/deletion/delete-run.ts";
import { rebuildRun } from "../../shared/app/record/rebuild-run.ts";
import { runPartition } from "../../shared/dynamodb/table.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { setApp } from "../support/app-settings.ts";
import { type Collector, collectorFor } from "../support/collector.ts";
import { eventText } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { postEvents, type Reply, readRun, runKey, type Service, startService } from "../support/service.ts";
import { itemsOf, objectsOf } from "../support/stored.ts";
import { refTo, upload } from "../support/uploads.ts";

const DAY = 86_400_000;
const HOLD = "/v1/runs/{run_id}/hold";

let clock: ManualClock;
let service: Service;
let time: Collector;
/** What happens at these moments of recording, the next time. */
let next: { appended?: (() => unknown) | undefined; finishing?: () => unknown; keeping?: () => unknown } = {};
const take = async (name: keyof typeof next): Promise<void> => {
  const happens = next[name];
  delete next[name];
  await happens?.();
};
const eventful = (dependencies: Dependencies): Dependencies => ({
  ...dependencies,
  runs: {
    ...dependencies.runs,
    finish: async (run, finish, now) => {
      await take("finishing");
      return dependencies.runs.finish(run, finish, now);
    },
  },
  ledger: {
    ...dependencies.ledger,
    append: async (run, entry) => {
      await dependencies.ledger.append(run, entry);
      await take("appended");
    },
    keepUntil: async (run, until) => {
      await take("keeping");
      return dependencies.ledger.keepUntil(run, until);
    },
  },
});
beforeEach(async () => {
  next = {};
  clock = manualClock();
  service = await startService(eventful, clock);
  time = collectorFor(service, clock);
});
afterEach(() => service.stop());

const at = (aheadMs = 0): string => new Date(clock.now() + aheadMs).toISOString();
const start = (run_id = "run-1") => eventText("run.started", { run_id, at: at() });
const node = (members: object = {}) =>
  eventText("node.finished", { at: at(-DAY), app_id: "app-1", node_execution_id: "late", ...members });
const finish = (run_id = "run-1") => eventText("run.finished", { run_id, app_id: "app-1", at: at(-DAY) });
const codes = ({ json }: Reply): string[] =>
  json.results.map((result: { code?: string; status: string }) => result.code);
const itemsOfRun = async (runId: string) =>
  (await itemsOf(service)).filter(({ pk }) => pk === runPartition(runKey("demo", runId)));

/** A run that has expired while it ran, and whose header is gone. */
const expire = async (): Promise<void> => {
  await postEvents(service, [start()]);
  await postEvents(service, [node({ node_execution_id: "early" })]);
  clock.advance(31 * DAY);
  await time.collect();
};

describe("a run that has expired while it ran stays gone", () => {
  test("though its end is tried again after it was written in part", async () => {
    await expire();
    const late = finish();
    next.finishing = () => {
      throw new StoreFault("out of reach", { cause: undefined, isRetryable: true });
    };
    expect((await postEvents(service, [late])).status).toBe(503);

    expect(codes(await postEvents(service, [late]))).toEqual(["RUN_EXPIRED"]);
    expectProblem(await readRun(service, "run-1"), 404, "NOT_FOUND");
  });

  test("though two come late for it at once", async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `run-${index}`);
    for (const id of ids) await postEvents(service, [start(id)]);
    clock.advance(31 * DAY);
    await time.collect();

    for (const run_id of ids) {
      const replies = await Promise.all(
        [[node({ run_id })], [finish(run_id)]].map((late) => postEvents(service, late)),
      );
      expect(replies.flatMap(codes)).toEqual(["RUN_EXPIRED", "RUN_EXPIRED"]);
      expect((await readRun(service, run_id)).status).toBe(404);
    }
  });

  test("though its end was received before that instant, and is written after it", async () => {
    await postEvents(service, [start()]);
    clock.advance(30 * DAY - 1_000);
    next.appended = () => clock.advance(5_000);

    expect(codes(await postEvents(service, [finish()]))).toEqual(["RUN_EXPIRED"]);
    expectProblem(await readRun(service, "run-1"), 404, "NOT_FOUND");
  });

  test("though its app keeps runs for longer since a moment before, and upkeep has not seen to it", async () => {
    await setApp(service, "app-1", { retention_days: { running: 1 } });
    clock.advance(10_000);
    await postEvents(service, [start()]);
    clock.advance(DAY - 20_000);
    await setApp(service, "app-1", { retention_days: { running: 300 } });
    clock.advance(60_000);
    await time.collect();

    expect(await rebuildRun(service.dependencies, runKey("demo", "run-1"))).toBeUndefined();
    expect(codes(await postEvents(service, [node()]))).toEqual(["RUN_EXPIRED"]);
    expectProblem(await readRun(service, "run-1"), 404, "NOT_FOUND");
  });

  test("and says so of events whose epoch nobody opened", async () => {
    await postEvents(service, [start()]);
    clock.advance(31 * DAY);

    expect(codes(await postEvents(service, [node({ epoch: 2 })]))).toEqual(["RUN_EXPIRED"]);
  });

  test("and leaves an upload that comes late for it to others", async () => {
    await postEvents(service, [start()]);
    clock.advance(31 * DAY);
    const outputs = refTo(await upload(service, Buffer.from(JSON.stringify("x".repeat(5_000)))));
    await postEvents(service, [start("run-2")]);

    expect(codes(await postEvents(service, [node({ outputs })]))).toEqual(["RUN_EXPIRED"]);
    expect((await postEvents(service, [node({ run_id: "run-2", outputs })])).status).toBe(200);
  });
});

test("a run that was released while it was put on hold keeps all it has as long as any run of its app", async () => {
  await setApp(service, "app-1", { retention_days: { running: 1, succeeded: 300 } });
  clock.advance(10_000);
  await postEvents(service, [start(), node()]);
  next.keeping = () => service.delete({ resource: HOLD, path: { run_id: "run-1" } });
  await service.put({ resource: HOLD, path: { run_id: "run-1" }, body: "{}" });
  await postEvents(service, [finish()]);

  clock.advance(299 * DAY);
  await time.collect();
  const nodes = await service.get({ resource: "/v1/runs/{run_id}/nodes", path: { run_id: "run-1" } });
  expect(nodes.json.data).toHaveLength(1);
});

test("the upload of a run that was deleted goes, though a late event came before its objects did", async () => {
  const id = await upload(service, Buffer.from(JSON.stringify("x".repeat(5_000))));
  await postEvents(service, [start(), node({ outputs: refTo(id) })]);
  await buryRun(service.dependencies, runKey("demo", "run-1"));

  expect(codes(await postEvents(service, [node()]))).toEqual(["RUN_DELETED"]);
  expect(objectsOf(service)).toEqual([]);
});

describe("what a run on hold has goes in its time", () => {
  const released = () => service.delete({ resource: HOLD, path: { run_id: "run-1" } });
  const held = () => service.put({ resource: HOLD, path: { run_id: "run-1" }, body: "{}" });

  test.each([
    ["it is put on hold", held],
    ["a late event sees the hold", () => postEvents(service, [node()])],
  ])("though it is released while %s", async (_, meanwhile) => {
    await postEvents(service, [start(), finish()]);
    if (meanwhile !== held) await held();
    next.keeping = async () => expect((await released()).status).toBe(200);
    expect((await meanwhile()).status).toBe(200);

    expect((await readRun(service, "run-1")).status).toBe(200);
    clock.advance(100 * DAY);
    await time.collect();
    expect(await itemsOfRun("run-1")).toEqual([]);
  });
});
