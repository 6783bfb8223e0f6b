import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { holdRun, releaseRun } from "../../shared/app/retention/hold-run.ts";
import { NEVER } from "../../shared/domain/retention.ts";
import { runPartition } from "../../shared/dynamodb/table.ts";
import { eventText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { postEvents, type Reply, readRun, runKey, type Service, startService, viewOf } from "../support/service.ts";
import { itemsOf, objectsOf } from "../support/stored.ts";

const HOLD = "/v1/runs/{run_id}/hold";
const PATH = { run_id: "run-1" };
const DAY_MS = 86_400_000;
const large = randomBytes(30_000).toString("base64");
const graph = { nodes: Array.from({ length: 300 }, (_, index) => ({ id: `node-${index}`, type: "llm" })) };

let service: Service;
let clock = manualClock();
beforeEach(async () => {
  clock = manualClock();
  service = await startService(undefined, clock);
  await postEvents(service, [eventText("run.started", { inputs: { large }, graph })]);
  await postEvents(service, [eventText("node.finished", { outputs: { large } })]);
});
afterEach(() => service.stop());

const finish = () => postEvents(service, [eventText("run.finished", { app_id: "app-1", outputs: { large } })]);
const hold = (body: object = { reason: "case 7" }): Promise<Reply> =>
  service.put({ resource: HOLD, path: PATH, body: JSON.stringify(body) });
const release = (): Promise<Reply> => service.delete({ resource: HOLD, path: PATH });
const itemsOfRun = async () =>
  (await itemsOf(service)).filter(({ pk }) => pk === runPartition(runKey("demo", "run-1")));

/** What AWS collects: items after their expiry, objects after the lifetime that their key begins with. */
const collected = async () => {
  const seconds = clock.now() / 1000;
  const items = (await itemsOfRun()).filter(
    ({ expires_at }) => typeof expires_at === "number" && expires_at <= seconds,
  );
  const objects = objectsOf(service).filter((path) => !path.startsWith("held/"));
  return { items, objects };
};

test("a run on hold is there as it was, years after its retention", async () => {
  await finish();
  const before = await viewOf(service, "run-1");

  expect(await hold()).toMatchObject({ status: 200, json: { run_id: "run-1", on_hold: true } });
  clock.advance(3000 * DAY_MS);

  expect(await collected()).toMatchObject({ items: [] });
  const withoutHold = (view: string): string =>
    view.replaceAll(/"hold":(null|\{[^}]*\})/g, "").replaceAll(/"expires_at":(null|"")/g, "");
  expect(withoutHold(await viewOf(service, "run-1")) === withoutHold(before)).toBe(true);
  const run = await readRun(service, "run-1");
  expect(run.json).toMatchObject({ expires_at: null, hold: { held_at: "2026-11-22T12:00:00.000Z", reason: "case 7" } });
  const list = await service.get({ resource: "/v1/apps/{app_id}/runs", path: { app_id: "app-1" } });
  expect(list.json.data).toEqual([expect.objectContaining({ run_id: "run-1", expires_at: null })]);
});

test("it needs no object that is collected by age: copies are kept apart, graphs too", async () => {
  await finish();
  const before = await readRun(service, "run-1");
  await hold();
  for (const path of (await collected()).objects) rmSync(`${service.objects}/${path}`);

  const after = await readRun(service, "run-1");

  expect(after.json.inputs).toEqual({ large });
  expect(after.json.graph).toEqual(before.json.graph);
});

test("what arrives while it is on hold is kept with it", async () => {
  await hold();
  await postEvents(service, [eventText("node.finished", { node_execution_id: "node-2", outputs: { large } })]);
  await finish();

  clock.advance(3000 * DAY_MS);

  expect(await collected()).toMatchObject({ items: [] });
  expect((await readRun(service, "run-1")).json).toMatchObject({ status: "succeeded", outputs: { large } });
});

test("it cannot be deleted", async () => {
  await hold();

  expectProblem(await service.delete({ resource: "/v1/runs/{run_id}", path: PATH }), 409, "LEGAL_HOLD");

  expect((await readRun(service, "run-1")).status).toBe(200);
});

test("a run that is released expires by the receipt of its end, and what belongs to it is collected", async () => {
  await finish();
  await hold();
  clock.advance(10 * DAY_MS);

  expect(await release()).toMatchObject({ status: 200, json: { on_hold: false } });

  expect((await readRun(service, "run-1")).json).toMatchObject({ expires_at: "2026-12-22T12:00:00.000Z", hold: null });
  expect((await readRun(service, "run-1")).json.inputs).toEqual({ large });
  expect(objectsOf(service).filter((path) => path.startsWith("held/"))).toEqual([]);
  expect((await itemsOfRun()).every(({ expires_at }) => typeof expires_at === "number")).toBe(true);
  clock.advance(20 * DAY_MS);
  expectProblem(await readRun(service, "run-1"), 404, "NOT_FOUND");
});

test("a run that is released after its time is gone at once", async () => {
  await finish();
  await hold();
  clock.advance(100 * DAY_MS);
  await release();

  expectProblem(await readRun(service, "run-1"), 404, "NOT_FOUND");
});

test("holding again keeps the first hold, releasing again changes nothing", async () => {
  await hold({ reason: "first" });
  clock.advance(1000);
  await hold({ reason: "second" });

  expect((await readRun(service, "run-1")).json.hold).toEqual({ held_at: "2026-11-22T12:00:00.000Z", reason: "first" });
  await release();
  expect((await release()).status).toBe(200);
  expect((await readRun(service, "run-1")).json.hold).toBeNull();
  const actions = (await service.get({ resource: "/v1/audit" })).json.data.map(
    (entry: { action: string }) => entry.action,
  );
  expect(actions).toHaveLength(4);
});

test("a wrong body is refused with its reasons; an unknown run is not found", async () => {
  expectProblem(await hold({ reason: 7, until: "x" }), 400, "INVALID_REQUEST");
  expectProblem(await service.put({ resource: HOLD, path: { run_id: "none" }, body: "{}" }), 404, "NOT_FOUND");
  expectProblem(await service.put({ resource: HOLD, path: PATH, tenant: "acme", body: "{}" }), 404, "NOT_FOUND");
  expect((await readRun(service, "run-1")).json.hold).toBeNull();
});

test("a hold that is taken while another is released keeps all of the run", async () => {
  await finish();
  await hold();
  const { runs, ledger } = service.dependencies;
  let isAgain = false;
  const holdingAgain = {
    ...service.dependencies,
    runs: {
      ...runs,
      replace: async (...given: Parameters<typeof runs.replace>) => {
        const isWritten = await runs.replace(...given);
        if (isWritten && !isAgain) {
          isAgain = true;
          await holdRun(service.dependencies, runKey("demo", "run-1"), { heldAt: clock.now(), reason: "again" });
        }
        return isWritten;
      },
    },
  };

  await releaseRun(holdingAgain, runKey("demo", "run-1"));

  expect((await readRun(service, "run-1")).json.hold).toMatchObject({ reason: "again" });
  expect(await ledger.keptUntil(runKey("demo", "run-1"))).toBe(NEVER);
  expect((await readRun(service, "run-1")).json.inputs).toEqual({ large });
});
