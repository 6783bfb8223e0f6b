import { recordClaim } from "../../shared/app/record/record-arrival.ts";
import { arrivalOf, claimed } from "../support/builders.ts";
import { eventText } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { newReaper, type Reaper } from "../support/reaper.ts";
import { postEvents, readRun, runKey, type Service, startService } from "../support/service.ts";

const MINUTE = 60_000;
/** The usual idle timeout. */
const IDLE = 30 * MINUTE;

let clock: ManualClock;
let service: Service;
let reaper: Reaper;
let looks: string[];

beforeEach(async () => {
  clock = manualClock();
  looks = [];
  service = await startService(
    (dependencies) => ({
      ...dependencies,
      ledger: {
        ...dependencies.ledger,
        lastReceipt: (run) => {
          looks.push(run.runId);
          return dependencies.ledger.lastReceipt(run);
        },
      },
    }),
    clock,
  );
  reaper = newReaper(service.dependencies);
});
afterEach(() => service.stop());

const now = (): string => new Date(clock.now()).toISOString();
const post = async (...events: readonly string[]): Promise<void> => {
  expect((await postEvents(service, events)).status).toBe(200);
};
const started = (run_id: string, members: Record<string, string | number> = {}): string =>
  eventText("run.started", { run_id, at: now(), ...members });
const setSettings = async (settings: Record<string, unknown>): Promise<void> => {
  const call = { resource: "/v1/apps/{app_id}/settings", path: { app_id: "app-1" }, body: JSON.stringify(settings) };
  expect((await service.put(call)).status).toBe(200);
};
const statusOf = async (runId: string): Promise<string> => (await readRun(service, runId)).json.status;

describe("a running run", () => {
  test("is closed as lost when it has been silent for its idle timeout, and not a millisecond before", async () => {
    await post(started("run-1"));
    clock.advance(IDLE - 1);
    expect(await reaper.tick()).toMatchObject({ lost: 0, apps: 1, failures: 0 });
    expect(await statusOf("run-1")).toBe("running");
    clock.advance(1);

    expect(await reaper.tick()).toMatchObject({ lost: 1 });
    expect((await readRun(service, "run-1")).json).toMatchObject({
      status: "failed",
      error: { code: "RUN_LOST", message: "no sign of life for 1800 seconds" },
      finished_at: now(),
      elapsed_time: 1800,
      version: 2,
    });
    expect(await reaper.tick()).toMatchObject({ lost: 0 });
  });

  test("shows its loss in the ledger as what the service itself has said", async () => {
    await post(started("run-1"));
    clock.advance(IDLE);
    await reaper.tick();

    const events = await service.get({ resource: "/v1/runs/{run_id}/events", path: { run_id: "run-1" } });
    expect(events.json.data).toMatchObject([
      { type: "run.started", actor: "engine" },
      { type: "run.finished", id: "RUN_LOST:1", actor: "service", source: "runstone", app_id: "app-1" },
    ]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["a heartbeat", () => post(eventText("run.heartbeat", { at: now() }))],
    ["a node", () => post(eventText("node.started", { at: now() }))],
    ["a repeated event", () => post(eventText("run.started"))],
    [
      "a claim",
      async () => {
        const { event } = claimed(2, 0);
        const arrival = {
          ...arrivalOf([event]),
          receivedAt: clock.now(),
          ulid: service.dependencies.newUlid(clock.now()),
        };
        await recordClaim(service.dependencies, runKey("demo", "run-1"), { arrival, epoch: 2 });
      },
    ],
  ])("lives on with %s", async (_what, giveSign) => {
    await post(eventText("run.started"));
    clock.advance(IDLE - 1);
    await giveSign();
    clock.advance(IDLE - 1);
    await reaper.tick();
    expect(await statusOf("run-1")).toBe("running");
    clock.advance(1);
    await reaper.tick();

    expect(await statusOf("run-1")).toBe("failed");
  });

  test("that was lost is what its engine says, when that comes late after all", async () => {
    await post(started("run-1"));
    clock.advance(IDLE);
    await reaper.tick();
    clock.advance(MINUTE);
    const at = now();
    await post(eventText("run.finished", { at, outputs: "done" }));

    const { json } = await readRun(service, "run-1");
    expect(json).toMatchObject({ status: "succeeded", finished_at: at, outputs: "done" });
    expect(json.error ?? null).toBeNull();
    expect(json.conflicts).toMatchObject([{ reason: "several_ends", others: [{ id: "RUN_LOST:1" }] }]);
    expect(await reaper.tick()).toMatchObject({ lost: 0 });
  });

  test("is lost in the epoch that somebody claimed it in", async () => {
    await post(eventText("run.started"));
    const { event } = claimed(2, 0);
    const arrival = { ...arrivalOf([event]), receivedAt: clock.now(), ulid: service.dependencies.newUlid(clock.now()) };
    await recordClaim(service.dependencies, runKey("demo", "run-1"), { arrival, epoch: 2 });
    clock.advance(IDLE);
    await reaper.tick();

    expect((await readRun(service, "run-1")).json).toMatchObject({ status: "failed", epoch: 2 });
  });

  test("goes by its own idle timeout, else by its app's, whether shorter or longer", async () => {
    await setSettings({ idle_timeout: 600 });
    await post(started("own-shorter", { idle_timeout: 120 }), started("own-longer", { idle_timeout: 3600 }));
    await post(started("of-app"), started("elsewhere", { app_id: "app-2" }));
    const lostAfter = async (minutes: number): Promise<number> => {
      clock.advance(minutes * MINUTE);
      return Number((await reaper.tick())["lost"]);
    };

    expect([await lostAfter(2), await statusOf("own-shorter")]).toEqual([1, "failed"]);
    expect([await lostAfter(7), await statusOf("of-app")]).toEqual([0, "running"]);
    expect([await lostAfter(1), await statusOf("of-app")]).toEqual([1, "failed"]);
    expect([await lostAfter(20), await statusOf("elsewhere")]).toEqual([1, "failed"]);
    expect([await lostAfter(30), await statusOf("own-longer")]).toEqual([1, "failed"]);
  });

  test("is closed too where its start is missing, of an app or of none", async () => {
    await post(eventText("node.started", { run_id: "of-app", app_id: "app-1" }));
    await post(eventText("node.started", { run_id: "of-none" }), started("other"));
    clock.advance(IDLE);

    expect(await reaper.tick()).toMatchObject({ lost: 3 });
    for (const runId of ["of-app", "of-none"]) {
      expect((await readRun(service, runId)).json).toMatchObject({ status: "failed", error: { code: "RUN_LOST" } });
    }
  });

  test("is closed too where nobody has named an app of its tenant, and no app comes of it", async () => {
    const solo = { tenant: "solo" };
    await postEvents(service, [eventText("node.started")], "solo");
    clock.advance(IDLE);

    expect(await reaper.tick()).toMatchObject({ lost: 1, apps: 0, is_complete: true });
    const run = await service.get({ resource: "/v1/runs/{run_id}", path: { run_id: "run-1" }, ...solo });
    expect(run.json).toMatchObject({ status: "failed", error: { code: "RUN_LOST" } });
    expect((await service.get({ resource: "/v1/apps", ...solo })).json.data).toEqual([]);
    const listed = await service.get({ resource: "/v1/runs", ...solo });
    expect(listed.json.data).toMatchObject([{ run_id: "run-1", app_id: null }]);
    expect(await reaper.tick()).toMatchObject({ lost: 0, apps: 0 });
  });

  test("is closed on hold, and stays on it", async () => {
    await post(started("run-1"));
    const call = { resource: "/v1/runs/{run_id}/hold", path: { run_id: "run-1" }, body: "{}" };
    expect((await service.put(call)).status).toBe(200);
    clock.advance(IDLE);
    await reaper.tick();
    clock.advance(4000 * 86_400_000);

    expect(await statusOf("run-1")).toBe("failed");
  });

  test("is closed once by two at once", async () => {
    for (let index = 0; index < 20; index++) await post(started(`run-${index}`));
    clock.advance(IDLE);
    await Promise.all([reaper.tick(), newReaper(service.dependencies).tick()]);

    for (let index = 0; index < 20; index++) {
      const { json } = await readRun(service, `run-${index}`);
      expect(json).toMatchObject({ status: "failed", error: { code: "RUN_LOST" }, conflicts: [] });
    }
    expect(await reaper.tick()).toMatchObject({ lost: 0 });
  });

  test("that is alive costs one look for each of its timeouts, not one for each tick", async () => {
    await post(started("run-1", { idle_timeout: 1800 }));
    for (let tick = 0; tick < 36; tick++) {
      clock.advance(5 * MINUTE);
      await post(eventText("run.heartbeat", { at: now() }));
      await reaper.tick();
    }

    expect(await statusOf("run-1")).toBe("running");
    expect(looks.length).toBeLessThanOrEqual(6);
  });

  test("that nobody has heard of for its retention is gone, and is not closed any more", async () => {
    await post(started("run-1"));
    clock.advance(30 * 86_400_000);

    expect(await reaper.tick()).toMatchObject({ lost: 0 });
    expect((await readRun(service, "run-1")).status).toBe(404);
  });
});

test.each([
  ["paused", [eventText("run.started"), eventText("run.paused", { at: "2026-11-22T10:00:01Z" })]],
  ["scheduled", [eventText("run.scheduled", { app_id: "app-1" })]],
  ["succeeded", [eventText("run.started"), eventText("run.finished")]],
])("a run that is %s is not lost, however long it is silent", async (status, events) => {
  await post(...events);
  clock.advance(29 * 86_400_000);

  expect(await reaper.tick()).toMatchObject({ lost: 0 });
  expect(await statusOf("run-1")).toBe(status);
});
