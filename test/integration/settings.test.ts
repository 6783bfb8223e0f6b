import { DeleteCommand, DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as v from "valibot";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { AppId, TenantId } from "../../shared/contract/identifiers.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoSettingsStore } from "../../shared/dynamodb/dynamo-settings-store.ts";
import { headerKey } from "../../shared/dynamodb/table.ts";
import { SETTINGS_LAG_MS } from "../../shared/ports/settings-store.ts";
import { eventText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { postEvents, type Reply, readRun, runKey, type Service, startService } from "../support/service.ts";
import { itemsOf } from "../support/stored.ts";

const SETTINGS = "/v1/apps/{app_id}/settings";
const DAY_MS = 86_400_000;

let service: Service;
let clock = manualClock();
beforeEach(async () => {
  clock = manualClock();
  service = await startService(undefined, clock);
});
afterEach(() => service.stop());

const put = (settings: unknown, call: { app?: string; headers?: Record<string, string>; tenant?: string } = {}) => {
  const { app = "app-1", ...rest } = call;
  return service.put({ resource: SETTINGS, path: { app_id: app }, body: JSON.stringify(settings), ...rest });
};
const get = (app = "app-1", tenant = "demo"): Promise<Reply> =>
  service.get({ resource: SETTINGS, path: { app_id: app }, tenant });
const record = (runId: string, status: string, app = "app-1") =>
  postEvents(service, [
    eventText("run.started", { run_id: runId, app_id: app }),
    eventText("run.finished", { run_id: runId, app_id: app, status }),
  ]);

test("of an app that nothing was set for are the defaults", async () => {
  expect(await get()).toMatchObject({
    status: 200,
    json: {
      app_id: "app-1",
      retention_days: {
        scheduled: 30,
        running: 30,
        paused: 30,
        succeeded: 30,
        failed: 30,
        stopped: 30,
        "partial-succeeded": 30,
      },
      keep_last: null,
      idle_timeout: 1800,
      redact: { paths: [], detectors: [] },
      payload_mode: "full",
      write_shards: 1,
      version: 0,
      updated_at: null,
      effective_at: null,
    },
  });
});

test("what is put is given back, replaces what was there, and has a version and a time", async () => {
  const settings = { retention_days: { failed: 90 }, keep_last: 500, idle_timeout: 600, payload_mode: "metadata_only" };

  expect(await put(settings)).toMatchObject({
    status: 200,
    json: { ...settings, retention_days: { failed: 90, succeeded: 30 }, version: 1 },
  });
  const { json } = await get();
  expect(json).toMatchObject({
    version: 1,
    updated_at: "2026-11-22T12:00:00.000Z",
    effective_at: "2026-11-22T12:00:05.000Z",
  });
  await put({ write_shards: 4 });
  expect((await get()).json).toMatchObject({ write_shards: 4, keep_last: null, payload_mode: "full", version: 2 });
});

test("they are of one app of one tenant", async () => {
  await put({ keep_last: 5 });

  expect((await get("app-2")).json.keep_last).toBeNull();
  expect((await get("app-1", "acme")).json.keep_last).toBeNull();
});

test("with If-Match they are put only over the version that it names", async () => {
  await put({ keep_last: 1 });

  expectProblem(await put({ keep_last: 2 }, { headers: { "if-match": '"0"' } }), 412, "PRECONDITION_FAILED");
  expect((await put({ keep_last: 3 }, { headers: { "if-match": '"1"' } })).json).toMatchObject({
    keep_last: 3,
    version: 2,
  });
});

test("wrong settings are refused with every reason, and nothing is changed", async () => {
  const reply = await put({
    retention_days: { failed: 0, lost: 3 },
    keep_last: 0,
    idle_timeout: "x",
    redact: { detectors: ["names"] },
    payload_mode: "none",
    write_shards: 65,
    colour: 1,
  });

  expectProblem(reply, 400, "INVALID_REQUEST");
  const paths = reply.json.errors.map(({ path }: { path: string }) => path).sort();
  expect(paths).toEqual([
    "colour",
    "idle_timeout",
    "keep_last",
    "payload_mode",
    "redact.detectors.0",
    "retention_days.failed",
    "retention_days.lost",
    "write_shards",
  ]);
  expect((await get()).json.version).toBe(0);
  expectProblem(await service.put({ resource: SETTINGS, path: { app_id: "app-1" }, body: "{" }), 400, "NOT_JSON");
  expectProblem(await put([]), 400, "INVALID_REQUEST");
});

test("runs expire by the retention of their app and status, from the receipt of what decides", async () => {
  await put({ retention_days: { failed: 7, succeeded: 90 } });
  clock.advance(6_000);
  await record("good", "succeeded");
  await record("bad", "failed");
  await record("other", "failed", "app-2");

  const expiries = await Promise.all(
    ["good", "bad", "other"].map(async (runId) => (await readRun(service, runId)).json.expires_at),
  );
  expect(expiries).toEqual(["2027-02-20T12:00:06.000Z", "2026-11-29T12:00:06.000Z", "2026-12-22T12:00:06.000Z"]);
  clock.advance(7 * DAY_MS - 1);
  expect((await readRun(service, "bad")).status).toBe(200);
  clock.advance(1);
  expectProblem(await readRun(service, "bad"), 404, "NOT_FOUND");
  expect((await readRun(service, "good")).status).toBe(200);
});

test("a run moves from one retention to the next with its status", async () => {
  await put({ retention_days: { running: 2, paused: 60, succeeded: 10 } });
  clock.advance(6_000);
  const expiry = async () => (await readRun(service, "run-1")).json.expires_at;

  await postEvents(service, [eventText("run.started")]);
  expect(await expiry()).toBe("2026-11-24T12:00:06.000Z");
  await postEvents(service, [eventText("run.paused", { at: "2026-11-22T10:00:01Z" })]);
  expect(await expiry()).toBe("2027-01-21T12:00:06.000Z");
  await postEvents(service, [eventText("run.finished", { at: "2026-11-22T10:00:02Z", app_id: "app-1" })]);
  expect(await expiry()).toBe("2026-12-02T12:00:06.000Z");
});

test("entries are kept by the longest retention of their app; of a run whose app is not known, by the tenant's", async () => {
  await put({ retention_days: { failed: 100 } });
  clock.advance(6_000);
  await record("known", "succeeded");
  await record("elsewhere", "succeeded", "app-2");
  await postEvents(service, [eventText("node.started", { run_id: "unknown" })]);

  const days = new Map(
    (await itemsOf(service))
      .filter(({ sk }) => String(sk).startsWith("L#"))
      .map(({ pk, expires_at }) => [
        String(pk).split("#").at(-1),
        Math.round(((expires_at as number) * 1000 - clock.now()) / DAY_MS),
      ]),
  );
  expect(Object.fromEntries(days)).toEqual({ known: 135, elsewhere: 65, unknown: 135 });
});

test("settings that another process has put hold five seconds later", async () => {
  await record("before", "failed");
  const other = dynamoSettingsStore(tableOf(service.dynamodb, service.tableName), clock);
  const app = { tenantId: v.parse(TenantId, "demo"), appId: v.parse(AppId, "app-1") };
  const settings = v.parse(AppSettingsBody, { retention_days: { failed: 3 } });
  await other.put(app, settings, { version: 0, updatedAt: clock.now() });

  clock.advance(SETTINGS_LAG_MS);
  await record("after", "failed");

  expect((await readRun(service, "before")).json.expires_at).toBe("2026-12-22T12:00:00.000Z");
  expect((await readRun(service, "after")).json.expires_at).toBe("2026-11-25T12:00:05.000Z");
});

test("changes are in the audit log", async () => {
  await put({ keep_last: 5 });

  expect((await service.get({ resource: "/v1/audit" })).json.data).toEqual([
    expect.objectContaining({
      action: "settings.changed",
      details: expect.objectContaining({ app_id: "app-1", keep_last: 5 }),
    }),
  ]);
});

describe("a run that has expired does not come back", () => {
  const lateFinish = () =>
    postEvents(service, [eventText("run.finished", { run_id: "old", status: "failed", at: "2026-11-22T10:00:09Z" })]);

  test("with what comes late for it, whatever its app keeps now", async () => {
    await put({ retention_days: { succeeded: 1 } });
    clock.advance(6_000);
    await record("old", "succeeded");
    clock.advance(2 * DAY_MS);
    await put({ retention_days: { succeeded: 90, failed: 90 } });
    clock.advance(6_000);

    const { status, json } = await lateFinish();
    expect([status, json.results[0].code]).toEqual([400, "RUN_EXPIRED"]);
    expectProblem(await readRun(service, "old"), 404, "NOT_FOUND");
  });

  test("with a plain finish after it has expired while it ran", async () => {
    await put({ retention_days: { running: 1 } });
    clock.advance(6_000);
    await postEvents(service, [eventText("run.started", { run_id: "old" })]);
    clock.advance(2 * DAY_MS);

    await postEvents(service, [eventText("run.finished", { run_id: "old", app_id: "app-1" })]);

    expectProblem(await readRun(service, "old"), 404, "NOT_FOUND");
  });

  const collectHeader = (): Promise<unknown> => {
    const command = new DeleteCommand({ TableName: service.tableName, Key: { ...headerKey(runKey("demo", "old")) } });
    return DynamoDBDocumentClient.from(service.dynamodb).send(command);
  };
  const expectRefused = async (event: string): Promise<void> => {
    const { status, json } = await postEvents(service, [event]);
    expect([status, json.results[0].code]).toEqual([400, "RUN_EXPIRED"]);
    expectProblem(await readRun(service, "old"), 404, "NOT_FOUND");
  };
  const start = eventText("run.started", { run_id: "old", inputs: { secret: "OLD" } });
  const finish = eventText("run.finished", { run_id: "old", app_id: "app-1", status: "failed" });

  test("after its header was collected, and nothing is left of it then", async () => {
    await put({ retention_days: { running: 1, failed: 60 } });
    clock.advance(6_000);
    await postEvents(service, [start]);
    clock.advance(4 * DAY_MS);
    await collectHeader();

    await expectRefused(finish);
    expect(JSON.stringify(await itemsOf(service))).not.toContain("L#");
    await expectRefused(start);
  });

  test("after its app kept runs for less, and keeps them for longer again", async () => {
    await postEvents(service, [start, finish]);
    clock.advance(10 * DAY_MS);
    await put({ retention_days: { failed: 5 } });
    clock.advance(2 * DAY_MS);
    await collectHeader();
    await put({ retention_days: { failed: 60 } });
    clock.advance(6_000);

    await expectRefused(eventText("node.started", { run_id: "old" }));
  });

  test("with its own start, sent again after its header was collected", async () => {
    await postEvents(service, [start]);
    await postEvents(service, [finish]);
    clock.advance(31 * DAY_MS);
    await collectHeader();

    await expectRefused(start);
  });
});
