import { createHash } from "node:crypto";
import { releaseRun } from "../../shared/app/retention/hold-run.ts";
import { RUN_STATUSES } from "../../shared/contract/run-status.ts";
import { isTombstone } from "../../shared/ports/run-store.ts";
import { type Collector, collectorFor } from "../support/collector.ts";
import { eventText } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { newReaper, type Reaper } from "../support/reaper.ts";
import { postEvents, readRun, runKey, type Service, startService } from "../support/service.ts";

const DAY = 86_400_000;
/** After a change of settings something may still be written by the old ones for so long. */
const SETTLED = 30_000;

let clock: ManualClock;
let service: Service;
let reaper: Reaper;
let time: Collector;
let found: string[];

beforeEach(async () => {
  clock = manualClock();
  found = [];
  service = await startService(
    (dependencies) => ({
      ...dependencies,
      runs: {
        ...dependencies.runs,
        find: (run) => {
          found.push(run.runId);
          return dependencies.runs.find(run);
        },
      },
    }),
    clock,
  );
  reaper = newReaper(service.dependencies);
  time = collectorFor(service, clock);
});
afterEach(() => service.stop());

const now = (): string => new Date(clock.now()).toISOString();
const post = async (...events: readonly string[]): Promise<void> => {
  expect((await postEvents(service, events)).status).toBe(200);
};
const ended = (run_id: string, members: Record<string, unknown> = {}): string[] => [
  eventText("run.started", { run_id, at: now(), inputs: large(run_id), ...(members as object) }),
  eventText("run.finished", { run_id, at: now(), app_id: "app-1", ...(members as object) }),
];
/** Text that hardly compresses, too long for an entry. */
const large = (seed: string): string =>
  Array.from({ length: 500 }, (_, part) => createHash("sha256").update(`${seed} ${part}`).digest("base64")).join("");
const digestOf = (text: unknown): string => createHash("sha256").update(String(text)).digest("hex");
const shortest = Object.fromEntries(RUN_STATUSES.map((status) => [status, 1]));
const setSettings = async (settings: Record<string, unknown>): Promise<void> => {
  const call = { resource: "/v1/apps/{app_id}/settings", path: { app_id: "app-1" }, body: JSON.stringify(settings) };
  expect((await service.put(call)).status).toBe(200);
};
const daysLeft = async (runId: string): Promise<number | undefined> => {
  const { status, json } = await readRun(service, runId);
  return status === 404 ? undefined : (Date.parse(json.expires_at) - clock.now()) / DAY;
};

describe("a change of an app's retention", () => {
  test("moves the expiry of what is there by the new days, counted from the same receipt", async () => {
    await post(...ended("good"), ...ended("bad", { status: "failed" }), ...ended("elsewhere", { app_id: "app-2" }));
    time.pass(3 * DAY);
    await setSettings({ retention_days: { succeeded: 5, failed: 100 } });
    time.pass(SETTLED);

    expect(await reaper.tick()).toMatchObject({ moved: 2, failures: 0 });
    time.pass(-SETTLED);
    expect(await Promise.all(["good", "bad", "elsewhere"].map(daysLeft))).toEqual([2, 97, 27]);
    time.pass(SETTLED);
    expect(await reaper.tick()).toMatchObject({ moved: 0 });
  });

  test("waits until nobody goes by the settings before it", async () => {
    await post(...ended("run-1"));
    await setSettings({ retention_days: { succeeded: 5 } });
    time.pass(SETTLED - 1);
    expect(await reaper.tick()).toMatchObject({ moved: 0 });
    time.pass(1);

    expect(await reaper.tick()).toMatchObject({ moved: 1 });
  });

  test("lets a run expire at once that is older than the new retention", async () => {
    await post(...ended("run-1"));
    time.pass(6 * DAY);
    await setSettings({ retention_days: { succeeded: 5 } });
    time.pass(SETTLED);
    await reaper.tick();

    expect(await daysLeft("run-1")).toBeUndefined();
  });

  test("keeps a run whole for as long as it says now, though its entries and objects were to go before", async () => {
    const graph = { nodes: Array.from({ length: 300 }, (_, index) => ({ id: `node-${index}`, type: "llm" })) };
    await post(...ended("run-1", { graph }));
    time.pass(10 * DAY);
    await setSettings({ retention_days: { succeeded: 400 } });
    time.pass(SETTLED);
    await reaper.tick();
    for (let day = 10; day < 370; day += 30) {
      time.pass(30 * DAY);
      await time.collect();
      await reaper.tick();
    }

    const { json } = await readRun(service, "run-1");
    expect([digestOf(json.inputs), json.graph?.nodes?.length]).toEqual([digestOf(large("run-1")), 300]);
    time.pass(30 * DAY);
    expect(await daysLeft("run-1")).toBeUndefined();
  });

  test("brings no run back that has expired, and leaves one on hold as it is", async () => {
    await post(...ended("gone"), ...ended("held"));
    await service.put({ resource: "/v1/runs/{run_id}/hold", path: { run_id: "held" }, body: "{}" });
    time.pass(31 * DAY);
    await setSettings({ retention_days: { succeeded: 90 } });
    time.pass(SETTLED);

    expect(await reaper.tick()).toMatchObject({ moved: 0 });
    expect((await readRun(service, "gone")).status).toBe(404);
    expect((await readRun(service, "held")).status).toBe(200);
    await releaseRun(service.dependencies, runKey("demo", "held"));
    expect(await daysLeft("held")).toBeCloseTo(59, 1);
  });

  test("holds for runs of every shard, however many there are", async () => {
    await setSettings({ write_shards: 5 });
    time.pass(SETTLED);
    const many = Array.from({ length: 520 }, (_, at) => eventText("run.started", { run_id: `run-${at}`, at: now() }));
    await post(...many.slice(0, 300));
    await post(...many.slice(300));
    await setSettings({ write_shards: 3, retention_days: { running: 7 } });
    time.pass(SETTLED);

    expect(await reaper.tick()).toMatchObject({ moved: 520, is_complete: true });
    expect(await daysLeft("run-519")).toBeCloseTo(7, 1);
  }, 120_000);

  test("goes on in the next tick where one runs out of time", async () => {
    for (let index = 0; index < 100; index++) await post(...ended(`run-${index}`));
    await setSettings({ retention_days: { succeeded: 5 } });
    time.pass(SETTLED);
    const moved: number[] = [];
    for (let tick = 0; tick < 10; tick++) {
      let asked = 0;
      moved.push(Number((await newReaper(service.dependencies).tick(() => (++asked <= 3 ? 240_000 : 0)))["moved"]));
    }

    expect(moved[0]).toBeGreaterThan(0);
    expect(moved[0]).toBeLessThan(100);
    expect(moved.reduce((sum, count) => sum + count, 0)).toBe(100);
    for (let index = 0; index < 100; index++) expect(await daysLeft(`run-${index}`)).toBeCloseTo(5, 1);
  });

  test("is done once by two at once", async () => {
    for (let index = 0; index < 30; index++) await post(...ended(`run-${index}`));
    await setSettings({ retention_days: { succeeded: 5 } });
    time.pass(SETTLED);
    const ticks = await Promise.all([reaper.tick(), newReaper(service.dependencies).tick()]);

    expect(ticks.reduce((sum, tick) => sum + Number(tick["moved"]), 0)).toBe(30);
    for (let index = 0; index < 30; index++) expect((await readRun(service, `run-${index}`)).json.version).toBe(2);
  });

  test("reads no run where nothing was changed but other settings", async () => {
    await setSettings({ retention_days: { succeeded: 7 } });
    await post(...ended("run-1"));
    time.pass(SETTLED);
    await reaper.tick();
    await setSettings({ retention_days: { succeeded: 7 }, idle_timeout: 600 });
    time.pass(SETTLED);
    found.length = 0;

    expect(await reaper.tick()).toMatchObject({ moved: 0 });
    expect(found).toEqual([]);
  });

  test("looks at every run where several settings have followed one another", async () => {
    await post(...ended("run-1"));
    await setSettings({ retention_days: { succeeded: 90 } });
    time.pass(SETTLED);
    await post(...ended("run-2"));
    await setSettings({});
    time.pass(SETTLED);

    expect(await reaper.tick()).toMatchObject({ moved: 1 });
    expect(await Promise.all(["run-1", "run-2"].map(daysLeft))).toEqual([expect.closeTo(30, 1), expect.closeTo(30, 1)]);
  });

  test("is done for the others where one run cannot be dealt with, and for that one as soon as it can", async () => {
    for (let index = 0; index < 5; index++) await post(...ended(`run-${index}`));
    await setSettings({ retention_days: { succeeded: 5 } });
    time.pass(SETTLED);
    const { runs } = service.dependencies;
    const broken = newReaper({
      ...service.dependencies,
      runs: { ...runs, find: (run) => (run.runId === "run-2" ? Promise.reject(new Error("s3cret")) : runs.find(run)) },
    });

    await expect(broken.tick()).rejects.toThrow("upkeep failed in 1 places, of 1 apps");
    expect(JSON.stringify(service.logs)).not.toContain("s3cret");
    expect(await daysLeft("run-4")).toBeCloseTo(5, 1);
    expect(await daysLeft("run-2")).toBeCloseTo(30, 1);
    expect(await reaper.tick()).toMatchObject({ moved: 1, failures: 0 });
    expect(await daysLeft("run-2")).toBeCloseTo(5, 1);
  });
});

describe("an app that keeps its newest runs alone", () => {
  const record = async (from: number, to: number): Promise<void> => {
    for (let index = from; index < to; index++) {
      time.pass(1000);
      await post(...ended(`run-${index}`));
    }
  };
  const kept = async (): Promise<string[]> => {
    const { json } = await service.get({ resource: "/v1/apps/{app_id}/runs", path: { app_id: "app-1" } });
    return json.data.map(({ run_id }: { run_id: string }) => run_id);
  };

  test("loses the older ones with the next tick, and then each hour", async () => {
    await record(0, 6);
    await setSettings({ keep_last: 4 });

    expect(await reaper.tick()).toMatchObject({ beyond_last: 2 });
    expect(await kept()).toEqual(["run-5", "run-4", "run-3", "run-2"]);
    expect((await readRun(service, "run-1")).status).toBe(404);
    await record(6, 9);
    expect(await reaper.tick()).toMatchObject({ beyond_last: 0 });
    time.pass(3_600_000);
    expect(await reaper.tick()).toMatchObject({ beyond_last: 3 });
    expect(await kept()).toEqual(["run-8", "run-7", "run-6", "run-5"]);
  });

  test("counts off all its shards together", async () => {
    await setSettings({ write_shards: 4 });
    time.pass(SETTLED);
    await record(0, 12);
    await setSettings({ write_shards: 4, keep_last: 5 });
    await reaper.tick();

    expect(await kept()).toEqual(["run-11", "run-10", "run-9", "run-8", "run-7"]);
  });

  test("keeps older ones that have not ended, or are on hold", async () => {
    await post(eventText("run.started", { run_id: "open", at: now() }), ...ended("held"), ...ended("old"));
    await service.put({ resource: "/v1/runs/{run_id}/hold", path: { run_id: "held" }, body: "{}" });
    await record(0, 3);
    await setSettings({ keep_last: 2 });
    await reaper.tick();

    expect((await kept()).toSorted()).toEqual(["held", "open", "run-1", "run-2"]);
    await post(eventText("run.finished", { run_id: "open", at: now(), app_id: "app-1" }));
    time.pass(3_600_000);
    await reaper.tick();
    expect((await kept()).toSorted()).toEqual(["held", "run-1", "run-2"]);
  });
});

describe("a run that outlives what is kept of it", () => {
  const inputs = large("run-1");

  /** Lets days pass, with ticks and collections as on AWS: not every day, as upkeep may fail for some. */
  const live = async (days: number): Promise<void> => {
    for (let left = days; left > 0; left -= 5) {
      time.pass(Math.min(left, 5) * DAY);
      await time.collect();
      await reaper.tick();
    }
  };

  test("keeps all of it: paused and resumed for months, it is whole at its end", async () => {
    await post(eventText("run.started", { at: now(), inputs }));
    await post(eventText("run.paused", { at: now(), reasons: "form" }));
    for (let round = 0; round < 5; round++) {
      await live(25);
      await post(eventText("run.resumed", { at: now() }));
      time.pass(1000);
      await post(eventText("run.paused", { at: now(), round }));
    }
    await post(eventText("run.finished", { at: now(), outputs: "done" }));
    await live(29);

    const { json } = await readRun(service, "run-1");
    expect([json.status, digestOf(json.inputs), json.outputs]).toEqual(["succeeded", digestOf(inputs), "done"]);
    await live(2);
    expect((await readRun(service, "run-1")).status).toBe(404);
    await live(70);
    const { items, objects } = await time.left();
    expect(items.filter((item) => item.includes("run-1"))).toEqual([]);
    expect(objects).toEqual([]);
  }, 120_000);

  test("costs an app whose runs end no look at any of them", async () => {
    const looks: string[] = [];
    const { ledger } = service.dependencies;
    const watched = newReaper({
      ...service.dependencies,
      ledger: {
        ...ledger,
        keptUntil: (run) => {
          looks.push(run.runId);
          return ledger.keptUntil(run);
        },
      },
    });
    for (let day = 0; day < 70; day++) {
      await post(...ended(`run-${day}`));
      time.pass(DAY);
      await time.collect();
      await watched.tick();
    }

    expect(looks).toEqual([]);
  }, 60_000);

  test("keeps all of it also where it began under a shorter retention", async () => {
    await post(eventText("run.started", { at: now(), inputs }), eventText("run.paused", { at: now() }));
    await live(20);
    await setSettings({ retention_days: { failed: 365 } });
    await live(5);
    await post(eventText("run.finished", { at: now(), status: "failed", app_id: "app-1" }));
    await live(364);

    const { json } = await readRun(service, "run-1");
    expect([json.status, digestOf(json.inputs)]).toEqual(["failed", digestOf(inputs)]);
    const header = await service.dependencies.runs.find(runKey("demo", "run-1"));
    expect(header !== undefined && !isTombstone(header) && header.keptDays).toBe(365);
  }, 120_000);

  test("keeps all of it also where it began under settings that no tick has seen", async () => {
    await setSettings({ retention_days: { ...shortest, paused: 2 } });
    time.pass(SETTLED);
    await post(eventText("run.started", { at: now(), inputs }), eventText("run.paused", { at: now() }));
    await setSettings({});
    time.pass(SETTLED);
    await reaper.tick();
    await live(29);
    await post(eventText("run.resumed", { at: now() }));
    time.pass(1000);
    await post(eventText("run.paused", { at: now() }));
    await live(29);

    const { json } = await readRun(service, "run-1");
    expect([json.status, digestOf(json.inputs)]).toEqual(["paused", digestOf(inputs)]);
  }, 120_000);
});
