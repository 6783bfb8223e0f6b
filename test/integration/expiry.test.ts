import { createHash } from "node:crypto";
import * as v from "valibot";
import { projectFunction } from "../../functions/project/project.ts";
import { type ChangeFeed, startChangeFeed } from "../../local/change-feed.ts";
import { AppId, TenantId } from "../../shared/contract/identifiers.ts";
import { ROUTES } from "../../shared/contract/routes.ts";
import { RUN_STATUSES, type RunStatus, TERMINAL_STATUSES } from "../../shared/contract/run-status.ts";
import { auditPartition } from "../../shared/dynamodb/table.ts";
import { type Collector, collectorFor } from "../support/collector.ts";
import { eventText } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { memoryPublisher } from "../support/memory-publisher.ts";
import { newReaper, type Reaper } from "../support/reaper.ts";
import { type Probe, ROUTES_WITHOUT_RUNS, runProbes, type SoughtRun, wrongProbes } from "../support/run-probes.ts";
import { postEvents, type Service, startService } from "../support/service.ts";

const DAY = 86_400_000;
const MINUTE = 60_000;
/** After a change of settings something may still be written by the old ones for so long. */
const SETTLED = 30_000;
/** By then everything of a run has been collected that expired at most this long ago: entries, objects, graphs of its month. */
const COLLECTED = 170 * DAY;
const ANCHOR = "anchor";
const TENANT = v.parse(TenantId, "demo");

let clock: ManualClock;
let service: Service;
let feed: ChangeFeed;
let time: Collector;
let reaper: Reaper;
let probes: readonly Probe[];

beforeEach(async () => {
  clock = manualClock();
  service = await startService(undefined, clock);
  const { dynamodb, tableName, dependencies } = service;
  const project = projectFunction({ ...dependencies, publisher: memoryPublisher() });
  feed = startChangeFeed({ client: dynamodb, tableName, region: "us-east-1", project, log: dependencies.log });
  time = collectorFor(service, clock);
  reaper = newReaper(dependencies);
  probes = runProbes(service, ANCHOR);
  await setSettings("anchors", Object.fromEntries(RUN_STATUSES.map((status) => [status, 3650])));
  await post(
    eventText("run.started", { run_id: ANCHOR, app_id: "anchors", at: now() }),
    eventText("run.finished", { run_id: ANCHOR, app_id: "anchors", at: now() }),
  );
});
afterEach(async () => {
  await feed.stop();
  service.stop();
});

const now = (): string => new Date(clock.now()).toISOString();
const post = async (...events: readonly string[]): Promise<void> => {
  const posted = await postEvents(service, events);
  if (posted.status !== 200) throw new Error(posted.text.slice(0, 500));
};
const setSettings = async (appId: string, retention_days: Record<string, number>, more = {}): Promise<void> => {
  const body = JSON.stringify({ retention_days, ...more });
  const call = { resource: "/v1/apps/{app_id}/settings", path: { app_id: appId }, body };
  expect((await service.put(call)).status).toBe(200);
};
/** Text that hardly compresses. */
const noise = (seed: string, characters: number): string => {
  let text = "";
  for (let part = 0; text.length < characters; part++)
    text += createHash("sha256").update(`${seed} ${part}`).digest("base64");
  return text.slice(0, characters);
};

const GRAPH = { nodes: Array.from({ length: 300 }, (_, index) => ({ id: `node-${index}`, type: "llm" })) };

/** A run with all that a run can have: nodes, payload in entries and in objects, a graph, failures. */
const record = async (name: string, status: RunStatus, isLarge = false): Promise<SoughtRun> => {
  const [run_id, app_id] = [`run-${name}`, `app-${name}`];
  const registeredAt = now();
  await service.dependencies.apps.register(TENANT, { appId: v.parse(AppId, app_id), registeredAt: clock.now() });
  time.pass(1000);
  const of = { run_id, app_id, at: now() };
  const first = {
    ...of,
    tags: [name, "any"],
    parent_run_id: ANCHOR,
    inputs: noise(name, isLarge ? 2_000_000 : 20_000),
  };
  await post(eventText(status === "scheduled" ? "run.scheduled" : "run.started", { ...first, graph: GRAPH }));
  await post(
    eventText("node.finished", { ...of, status: "failed", error: "row 7 is bad", node_id: "parse", outputs: "little" }),
    eventText("node.started", { ...of, node_execution_id: "node-2", inputs: noise(`${name} node`, 30_000) }),
  );
  const hasFailures = TERMINAL_STATUSES.has(status);
  const last = { ...of, at: new Date(clock.now() + 500).toISOString() };
  if (status === "paused") await post(eventText("run.paused", { ...last, reasons: "form" }));
  if (hasFailures) await post(eventText("run.finished", { ...last, status, outputs: noise(`${name} out`, 10_000) }));
  await feed.drained();
  return { runId: run_id, appId: app_id, status, registeredAt, nodeExecutionId: "node-1", hasFailures, tag: name };
};

/** That every route shows the run until a moment, and from then on none, whether it was collected or not. */
const expectToExpireAt = async (run: SoughtRun, moment: number): Promise<void> => {
  time.pass(moment - 1 - clock.now());
  expect(await wrongProbes(probes, run, "there")).toEqual([]);
  time.pass(1);
  expect(await wrongProbes(probes, run, "gone")).toEqual([]);
};

/** What administrators did is kept, and names what they did it to. */
const isOfAudit = (item: string): boolean => item.includes(`"pk":"${auditPartition(TENANT)}"`);

/** Once AWS has collected what it may, no item and no object tells of the runs, and no route does. */
const expectCollected = async (...runs: readonly SoughtRun[]): Promise<void> => {
  time.pass(COLLECTED);
  await time.collect();
  const { items, objects } = await time.left();
  for (const { runId } of runs) {
    expect(items.filter((item) => item.includes(runId) && !isOfAudit(item))).toEqual([]);
    expect(objects.filter((key) => key.includes(runId))).toEqual([]);
  }
  expect(objects.filter((key) => !key.includes(ANCHOR))).toEqual([]);
  for (const run of runs) expect(await wrongProbes(probes, run, "gone")).toEqual([]);
};

test("every route of the API is known here: as one that shows runs, or as one that does not", () => {
  const known = new Set([...probes.map(({ route }) => route), ...Object.keys(ROUTES_WITHOUT_RUNS)]);

  expect([...known].toSorted()).toEqual(ROUTES.map(({ method, resource }) => `${method} ${resource}`).toSorted());
});

test("a run of any status is gone on every route at the same instant, and leaves nothing behind", async () => {
  const runs: SoughtRun[] = [];
  const recordedAt: number[] = [];
  for (const [index, status] of RUN_STATUSES.entries()) {
    await setSettings(`app-${status}`, { [status]: 2 * index + 1 });
    runs.push(await record(status, status, status === "succeeded"));
    recordedAt.push(clock.now());
  }
  expect(objectsOf(await time.left()).length).toBeGreaterThanOrEqual(2 * runs.length);

  for (const [index, run] of runs.entries()) {
    await expectToExpireAt(run, Number(recordedAt[index]) + (2 * index + 1) * DAY);
    for (const later of runs.slice(index + 1)) expect(await wrongProbes(probes, later, "there")).toEqual([]);
    // Of some runs what is left is collected before the others are over: it makes no difference.
    if (index % 2 === 0) await time.collect();
  }
  await expectCollected(...runs);
}, 120_000);

const objectsOf = ({ objects }: { objects: string[] }): string[] => objects.filter((key) => !key.includes(ANCHOR));

test("a run that no setting says anything of is gone after 30 days", async () => {
  const run = await record("usual", "failed");

  await expectToExpireAt(run, clock.now() + 30 * DAY);
  await expectCollected(run);
});

test.each([
  ["before any of it is collected", 0],
  ["after its header was collected", 3 * DAY],
])("what is left of a run that has expired can be deleted %s, which no answer tells", async (_when, later) => {
  const run = await record("deleted", "failed", true);
  const deletion = probes.filter(({ isRemoval }) => isRemoval);
  expect(deletion.map(({ route }) => route)).toEqual(["DELETE /v1/runs/{run_id}"]);
  time.pass(30 * DAY + later);
  if (later > 0) await time.collect();
  const hasHeader = (await time.left()).items.some((item) => item.includes(`#R#${run.runId}","sk":"RUN"`));
  expect(hasHeader).toBe(later === 0);
  expect(objectsOf(await time.left())).not.toEqual([]);

  for (const { isThere } of [...deletion, ...deletion]) expect(await isThere(run)).toBe(false);

  expect(await wrongProbes(probes, run, "gone")).toEqual([]);
  const { items, objects } = await time.left();
  const left = items.filter((item) => item.includes(run.runId) && !isOfAudit(item)).map((item) => JSON.parse(item));
  expect(left).toEqual([expect.objectContaining({ sk: "RUN", deleted: clock.now() })]);
  expect(objects.filter((key) => key.includes(run.runId))).toEqual([]);
  await expect(post(eventText("node.started", { run_id: run.runId }))).rejects.toThrow("RUN_EXPIRED");
  const audit = await service.get({ resource: "/v1/audit", query: { limit: "1" } });
  const { action, details } = audit.json.data[0];
  expect([action, details.run_id]).toEqual(["run.deleted", run.runId]);
});

test("a run whose retention was changed afterwards is gone by the new one, shorter or longer", async () => {
  const shorter = await record("shorter", "failed");
  const shorterAt = clock.now();
  const longer = await record("longer", "failed", true);
  const longerAt = clock.now();
  time.pass(DAY);
  await setSettings(shorter.appId, { failed: 10 });
  await setSettings(longer.appId, { failed: 100 });
  time.pass(SETTLED);
  expect(await reaper.tick()).toMatchObject({ moved: 2 });
  await feed.drained();

  await expectToExpireAt(shorter, shorterAt + 10 * DAY);
  for (let day = 11; day < 99; day += 8) {
    time.pass(8 * DAY);
    await time.collect();
    await reaper.tick();
    expect(await wrongProbes(probes, longer, "there")).toEqual([]);
  }
  await expectToExpireAt(longer, longerAt + 100 * DAY);
  await expectCollected(shorter, longer);
}, 120_000);

test("a run that is older than a retention that was set afterwards is gone with the next tick", async () => {
  const run = await record("older", "failed");
  time.pass(20 * DAY);
  await setSettings(run.appId, { failed: 10 });
  time.pass(SETTLED);
  expect(await wrongProbes(probes, run, "there")).toEqual([]);
  await reaper.tick();

  expect(await wrongProbes(probes, run, "gone")).toEqual([]);
  await expectCollected(run);
});

test("a run beyond an app's newest is gone with the next tick", async () => {
  const run = await record("beyond", "failed");
  time.pass(MINUTE);
  const at = new Date(clock.now() + 2000).toISOString();
  await setSettings(run.appId, {}, { keep_last: 1 });
  expect(await wrongProbes(probes, run, "there")).toEqual([]);
  await post(eventText("run.started", { run_id: "newer", app_id: run.appId, at }));
  await reaper.tick();

  const isOfApp = ({ what }: Probe): boolean =>
    ["its app's activity", "the count of its app", "a deletion that only counts"].includes(what);
  expect(
    await wrongProbes(
      probes.filter((probe) => !isOfApp(probe)),
      run,
      "gone",
    ),
  ).toEqual([]);
});

test("an open run that was closed as lost is gone by the retention of failed runs", async () => {
  const run = await record("lost", "running");
  await setSettings(run.appId, { running: 5, failed: 8 });
  time.pass(31 * MINUTE);
  const closedAt = clock.now();
  expect(await reaper.tick()).toMatchObject({ lost: 1 });
  await feed.drained();

  await expectToExpireAt({ ...run, status: "failed", hasFailures: true }, closedAt + 8 * DAY);
  await expectCollected(run);
});

test("a run on hold outlives all, and is gone when it is released", async () => {
  const run = await record("held", "failed", true);
  const hold = { resource: "/v1/runs/{run_id}/hold", path: { run_id: run.runId } };
  expect((await service.put({ ...hold, body: "{}" })).status).toBe(200);
  await feed.drained();
  for (let month = 0; month < 6; month++) {
    time.pass(30 * DAY);
    await time.collect();
    await reaper.tick();
  }
  expect(await wrongProbes(probes, run, "there")).toEqual([]);

  expect((await service.delete(hold)).status).toBe(200);
  expect(await wrongProbes(probes, run, "gone")).toEqual([]);
  await expectCollected(run);
}, 120_000);
