import { projectFunction } from "../../functions/project/project.ts";
import { startChangeFeed } from "../../local/change-feed.ts";
import { periodOf } from "../../shared/domain/statistics/period.ts";
import { sumOf } from "../../shared/domain/statistics/summary.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { appKey } from "../contract/statistics-store.ts";
import { eventText } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { memoryPublisher } from "../support/memory-publisher.ts";
import { newReaper, type Reaper } from "../support/reaper.ts";
import { postEvents, runKey, type Service, startService } from "../support/service.ts";

const MINUTE = 60_000;

let clock: ManualClock;
let service: Service;
let reaper: Reaper;
beforeEach(async () => {
  clock = manualClock();
  service = await startService(undefined, clock);
  reaper = newReaper(service.dependencies);
});
afterEach(() => service.stop());

/** A run in each of so many apps of each tenant; all of them go silent. */
const recordSilent = async (tenants: readonly string[], apps: number): Promise<void> => {
  for (const tenant of tenants) {
    const events = Array.from({ length: apps }, (_, index) =>
      eventText("run.started", { run_id: `run-${index}`, app_id: `app-${index}` }),
    );
    expect((await postEvents(service, events, tenant)).status).toBe(200);
  }
  clock.advance(40 * MINUTE);
};

const openIn = async (tenants: readonly string[]): Promise<string[]> => {
  const open: string[] = [];
  for (const tenant of tenants) {
    const call = { resource: "/v1/runs", tenant, query: { status: "running", limit: "100" } };
    for (const { run_id } of (await service.get(call)).json.data) open.push(`${tenant} ${run_id}`);
  }
  return open;
};

/** The same stores, but that one call of them fails where it is told to. */
const failing = (error: unknown, isMeant: (query: { tenantId: string; appId?: string | undefined }) => boolean) => ({
  ...service.dependencies,
  runs: {
    ...service.dependencies.runs,
    list: (query: Parameters<Dependencies["runs"]["list"]>[0]) =>
      isMeant(query) ? Promise.reject(error) : service.dependencies.runs.list(query),
  },
});

describe("a tick", () => {
  test("has nothing to do where there is no app", async () => {
    expect(await reaper.tick()).toMatchObject({ level: "info", apps: 0, is_complete: true, failures: 0 });
  });

  test("visits every app of every tenant", async () => {
    const tenants = ["acme", "demo", "zoo"];
    await recordSilent(tenants, 20);

    expect(await reaper.tick()).toMatchObject({ apps: 60, lost: 60, is_complete: true });
    expect(await openIn(tenants)).toEqual([]);
  });

  test("that runs out of time is gone on with by the next one, so that every app has its turn", async () => {
    const tenants = ["acme", "demo"];
    await recordSilent(tenants, 40);
    const lost: number[] = [];
    for (let tick = 0; tick < 12; tick++) {
      let asked = 0;
      const line = await newReaper(service.dependencies).tick(() => (++asked <= 60 ? 240_000 : 0));
      lost.push(Number(line["lost"]));
    }

    expect(lost[0]).toBeGreaterThan(0);
    expect(lost[0]).toBeLessThan(40);
    expect(lost.reduce((sum, count) => sum + count, 0)).toBe(80);
    expect(await openIn(tenants)).toEqual([]);
  });

  test("that runs out of time among tenants of no known app is gone on with too", async () => {
    const tenants = Array.from({ length: 60 }, (_, index) => `t-${index}`);
    for (const tenant of tenants) await postEvents(service, [eventText("node.started")], tenant);
    clock.advance(40 * MINUTE);
    const ticks: unknown[] = [];
    for (let tick = 0; tick < 5; tick++) {
      let asked = 0;
      const line = await newReaper(service.dependencies).tick(() => (++asked <= 60 ? 240_000 : 0));
      ticks.push(line["lost"]);
    }

    expect(ticks[0]).toBeGreaterThan(0);
    expect(ticks[0]).toBeLessThan(60);
    expect(ticks.reduce((sum: number, lost) => sum + Number(lost), 0)).toBe(60);
    for (const _ of ["from where it stopped", "from the beginning"]) {
      expect(await reaper.tick()).toMatchObject({ apps: 0, is_complete: true });
      expect(await service.dependencies.upkeep.position()).toBeUndefined();
    }
  });

  test("that goes on after a tenant's runs of no known app visits each of its apps once", async () => {
    await recordSilent(["demo"], 3);
    await postEvents(service, [eventText("node.started", { run_id: "of-none" })]);
    const { tenantId } = runKey("demo", "of-none");
    await service.dependencies.upkeep.keepPosition({ tenantId, appId: undefined });

    expect(await reaper.tick()).toMatchObject({ apps: 3, lost: 3, is_complete: true });
  });

  test("that has time to spare goes on where an app has more to do than one visit takes", async () => {
    const events = Array.from({ length: 220 }, (_, index) => eventText("run.started", { run_id: `run-${index}` }));
    await postEvents(service, events);
    clock.advance(40 * MINUTE);

    expect(await reaper.tick()).toMatchObject({ lost: 220, is_complete: true });
    expect(await openIn(["demo"])).toEqual([]);
  }, 120_000);

  test("visits the others where one app fails, and fails when they are done: the next one makes up for it", async () => {
    await recordSilent(["acme", "demo"], 10);
    const fault = new StoreFault("DynamoDB Query failed: Throttled", { cause: new Error("s3cret"), isRetryable: true });
    const broken = failing(fault, ({ tenantId, appId }) => tenantId === "acme" && appId === "app-3");

    await expect(newReaper(broken).tick()).rejects.toThrow(/^upkeep failed in \d places, of 20 apps$/);
    expect(await openIn(["acme", "demo"])).toEqual(["acme run-3"]);
    expect(service.logs).toContainEqual(
      expect.objectContaining({ level: "error", tenant_id: "acme", app_id: "app-3", reason: fault.message }),
    );
    expect(JSON.stringify(service.logs)).not.toContain("s3cret");
    expect(await reaper.tick()).toMatchObject({ lost: 1, failures: 0 });
  });

  test("visits the others where a tenant's settings cannot be read", async () => {
    await recordSilent(["acme", "demo"], 5);
    const { settings } = service.dependencies;
    const broken = newReaper({
      ...service.dependencies,
      settings: {
        ...settings,
        ofTenant: (tenantId) =>
          tenantId === "acme" ? Promise.reject(new Error("not readable")) : settings.ofTenant(tenantId),
      },
    });

    await expect(broken.tick()).rejects.toThrow("upkeep failed in 5 places, of 10 apps");
    expect((await openIn(["acme", "demo"])).length).toBe(5);
  });

  test("that finds nothing to do writes nothing, and asks two questions an app and two a tenant", async () => {
    const tenants = ["acme", "demo"];
    for (const tenant of tenants) {
      const events = Array.from({ length: 10 }, (_, index) => ({ run_id: `run-${index}`, app_id: `app-${index}` }));
      const texts = events.flatMap((of) => [eventText("run.started", of), eventText("run.finished", of)]);
      await postEvents(service, texts, tenant);
    }
    await reaper.tick();
    clock.advance(5 * MINUTE);
    const asked: string[] = [];
    service.dynamodb.middlewareStack.add(
      (next, context) => (args) => {
        asked.push(String(context["commandName"]));
        return next(args);
      },
      { step: "initialize" },
    );
    await reaper.tick();

    expect(asked.filter((name) => !/^(Query|Get)/.test(name))).toEqual([]);
    // Of an app: what runs, and which quarters are to be summed up. Of a tenant: its settings, and what runs of no app.
    expect(asked.length).toBeLessThanOrEqual(2 + 2 * 20 + 2 * 2);
  });

  test("ends in time where one app has more to sum up than there is time for, and visits the others", async () => {
    await recordSilent(["demo"], 12);
    const { statistics } = service.dependencies;
    const giant = appKey("demo", "app-5");
    const quarter = periodOf("quarter", clock.now() - 120 * MINUTE).from;
    await statistics.mark(giant, quarter);
    let read = 0;
    const endless: Dependencies["statistics"] = {
      ...statistics,
      contributions: async function* () {
        for (;;) {
          await new Promise(setImmediate);
          yield { run: `run-${++read}`, moment: { rev: 1, touches: 0 }, summary: sumOf([]), expiresAt: 9e9 };
        }
      },
    };
    const line = await newReaper({ ...service.dependencies, statistics: endless }).tick(() =>
      read < 3000 ? 240_000 : 0,
    );

    expect(line).toMatchObject({ apps: 12, lost: 12, quarters: 0, failures: 0 });
    expect(read).toBeLessThan(3010);
    expect(await statistics.marks(giant, {})).toHaveLength(1);
    expect(await statistics.find(giant, { grain: "quarter", from: quarter })).toBeUndefined();
    expect(await reaper.tick()).toMatchObject({ quarters: 1, is_complete: true });
  });

  test("sums up statistics that are open no more", async () => {
    const project = projectFunction({ ...service.dependencies, publisher: memoryPublisher() });
    const { dynamodb, tableName } = service;
    const feed = startChangeFeed({
      client: dynamodb,
      tableName,
      region: "us-east-1",
      project,
      log: service.dependencies.log,
    });
    await postEvents(service, [eventText("run.started"), eventText("run.finished")]);
    await feed.stop();

    expect(await reaper.tick()).toMatchObject({ quarters: 1 });
    expect(await reaper.tick()).toMatchObject({ quarters: 0 });
  });
});

test("ticks at once do each other no harm", async () => {
  await recordSilent(["acme", "demo"], 20);
  const ticks = await Promise.all(Array.from({ length: 4 }, () => newReaper(service.dependencies).tick()));

  for (const tick of ticks) expect(tick).toMatchObject({ failures: 0 });
  expect(await openIn(["acme", "demo"])).toEqual([]);
  expect(await reaper.tick()).toMatchObject({ lost: 0 });
});
