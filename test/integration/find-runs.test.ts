import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { AppId } from "../../shared/contract/identifiers.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import type { RunStore } from "../../shared/ports/run-store.ts";
import { eventText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { pagesOf } from "../support/pages.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type HttpCall, postEvents, type Reply, runKey, type Service, startService } from "../support/service.ts";

const RUNS = "/v1/apps/{app_id}/runs";
const ALL = "/v1/runs";
const COUNT = "/v1/apps/{app_id}/runs/count";
const DAY_MS = 86_400_000;
const LONG = "a text that no row of a list has room for, ";

let service: Service;
const clock = manualClock();
/** Lists as they are; tests make them lag. */
let list: RunStore["list"] | undefined;
beforeAll(async () => {
  service = await startService((dependencies) => {
    const { runs } = dependencies;
    return { ...dependencies, runs: { ...runs, list: (query) => (list ?? runs.list)(query) } };
  }, clock);
});
afterAll(() => service.stop());
afterEach(() => {
  list = undefined;
});

type Members = Readonly<Record<string, JsonOutput>>;
const at = (second: number): string => new Date(Date.parse("2026-11-22T10:00:00.000Z") + second * 1000).toISOString();

const record = async (tenant: string, ...events: readonly string[]): Promise<void> => {
  expect((await postEvents(service, events, tenant)).json).toMatchObject({ rejected: 0, unavailable: 0 });
};
const start = (run_id: string, second: number, more: Members = {}): string =>
  eventText("run.started", { run_id, at: at(second), ...more });
const finish = (run_id: string, second: number, more: Members = {}): string =>
  eventText("run.finished", { run_id, at: at(second), ...more });

const newTenant = (): string => `finder-${randomUUID()}`;
const idsIn = (...pages: readonly Reply[]): string[] =>
  pages.flatMap(({ json }) => json.data.map(({ run_id }: { run_id: string }) => run_id));

describe("runs are found", () => {
  const tenant = newTenant();
  beforeAll(() =>
    record(
      tenant,
      start("plain", 1, { app_id: "shop" }),
      finish("plain", 2, { app_id: "shop" }),
      start("failed", 2, {
        app_id: "shop",
        triggered_from: "webhook",
        workflow_id: "refund",
        workflow_version: `${LONG}1`,
        created_by: "Zoë & co",
        tags: ["prod", `${LONG}${LONG}tag`, "eu"],
      }),
      finish("failed", 4.5, { app_id: "shop", status: "failed", exceptions_count: 2, error: "boom" }),
      start("part", 3, {
        app_id: "shop",
        triggered_from: "schedule",
        workflow_id: "refund",
        workflow_version: `${LONG}2`,
        created_by: `${LONG}alice`,
        tags: ["prod"],
        parent_run_id: "failed",
      }),
      finish("part", 4, { app_id: "shop", status: "partial-succeeded", exceptions_count: 1, elapsed_time: 30 }),
      start("open", 4, { app_id: "shop", parent_run_id: "failed" }),
      start("other", 5, { app_id: "bank", tags: ["prod"], parent_run_id: "failed", triggered_from: "webhook" }),
      eventText("node.started", { run_id: "nobodys", node_execution_id: "n" }),
    ),
  );
  const find = async (query: HttpCall["query"], of: HttpCall = { resource: RUNS, path: { app_id: "shop" } }) =>
    idsIn(...(await pagesOf(service, { ...of, query: { limit: "1", ...query }, tenant })));

  test.each<[string, Record<string, string | readonly string[]>, string[]]>([
    ["nothing", {}, ["open", "part", "failed", "plain"]],
    ["status", { status: "failed" }, ["failed"]],
    ["several statuses", { status: ["failed", "running"] }, ["open", "failed"]],
    ["several statuses, a good end among them", { status: ["failed", "succeeded"] }, ["failed", "plain"]],
    ["trigger", { triggered_from: "webhook" }, ["failed"]],
    ["workflow", { workflow_id: "refund" }, ["part", "failed"]],
    ["version, though no row has room for it", { workflow_version: `${LONG}1` }, ["failed"]],
    ["a version that begins like it", { workflow_version: LONG }, []],
    ["creator", { created_by: "Zoë & co" }, ["failed"]],
    ["creator, though no row has room for it", { created_by: `${LONG}alice` }, ["part"]],
    ["tag", { tag: "prod" }, ["part", "failed"]],
    ["tag, though no row has room for it", { tag: `${LONG}${LONG}tag` }, ["failed"]],
    ["several tags, all of which must be there", { tag: ["prod", "eu"] }, ["failed"]],
    ["tags that no run has together", { tag: ["prod", "us"] }, []],
    ["exceptions", { has_exceptions: "true" }, ["part", "failed"]],
    ["their absence", { has_exceptions: "false" }, ["open", "plain"]],
    ["from when", { created_after: at(3) }, ["open", "part"]],
    ["until when", { created_before: at(3) }, ["failed", "plain"]],
    ["from and until when, half-open", { created_after: at(2), created_before: at(4) }, ["part", "failed"]],
    ["no time at all", { created_after: at(2), created_before: at(2) }, []],
    ["time of another zone", { created_after: "2026-11-22T11:00:03+01:00" }, ["open", "part"]],
    ["time whose plus sign was not encoded", { created_after: "2026-11-22T11:00:03.000 01:00" }, ["open", "part"]],
    ["time to the nanosecond", { created_before: "2026-11-22T10:00:03.000000001Z" }, ["part", "failed", "plain"]],
    ["elapsed time, said or measured", { min_elapsed: "2.5" }, ["part", "failed"]],
    ["elapsed time to the fraction", { min_elapsed: "2.501" }, ["part"]],
    ["parent", { parent_run_id: "failed" }, ["open", "part"]],
    ["parent and status", { parent_run_id: "failed", status: "running" }, ["open"]],
    ["parent and time", { parent_run_id: "failed", created_before: at(4) }, ["part"]],
    [
      "everything at once",
      {
        status: ["failed", "stopped"],
        triggered_from: "webhook",
        workflow_id: "refund",
        workflow_version: `${LONG}1`,
        created_by: "Zoë & co",
        tag: ["prod", "eu"],
        has_exceptions: "true",
        created_after: at(2),
        created_before: at(3),
        min_elapsed: "2",
      },
      ["failed"],
    ],
  ])("in an app by %s", async (_what, query, expected) => {
    expect(await find(query)).toEqual(expected);
  });

  test.each<[string, Record<string, string | readonly string[]>, string[]]>([
    ["nothing", {}, ["nobodys", "other", "open", "part", "failed", "plain"]],
    ["status", { status: "running" }, ["nobodys", "other", "open"]],
    ["several statuses", { status: ["failed", "partial-succeeded"] }, ["part", "failed"]],
    ["trigger and status", { triggered_from: "webhook", status: "running" }, ["other"]],
    ["tag", { tag: "prod" }, ["other", "part", "failed"]],
    ["time", { created_after: at(4), created_before: at(6) }, ["other", "open"]],
    ["parent", { parent_run_id: "failed" }, ["other", "open", "part"]],
  ])("over all apps by %s, one of no known app among them", async (_what, query, expected) => {
    expect(await find(query, { resource: ALL })).toEqual(expected);
  });

  test("in rows that show texts by their beginning, without what tells them apart", async () => {
    const { json } = await service.get({
      resource: RUNS,
      path: { app_id: "shop" },
      query: { status: "failed" },
      tenant,
    });

    expect(json.data).toMatchObject([{ workflow_version: LONG.slice(0, 31), tags: ["prod", "eu"] }]);
    expect(json.data[0].payload_hidden).toBeUndefined();
  });

  test("by nobody else", async () => {
    for (const call of [{ resource: ALL }, { resource: ALL, query: { parent_run_id: "failed" } }]) {
      expect((await service.get({ ...call, tenant: newTenant() })).json).toEqual({
        data: [],
        has_more: false,
        next_cursor: null,
      });
    }
  });
});

describe("a question that is not valid", () => {
  test.each<[string, Record<string, string | readonly string[]>]>([
    ["status", { status: "done" }],
    ["status", { status: ["failed", ""] }],
    ["triggered_from", { triggered_from: "" }],
    ["triggered_from", { triggered_from: ["a", "b"] }],
    ["workflow_id", { workflow_id: "no id" }],
    ["workflow_version", { workflow_version: "x".repeat(257) }],
    ["created_by", { created_by: "" }],
    ["tag", { tag: "" }],
    ["tag", { tag: "x".repeat(257) }],
    ["tag", { tag: Array.from({ length: 21 }, (_, index) => `t${index}`) }],
    ["has_exceptions", { has_exceptions: "yes" }],
    ["has_exceptions", { has_exceptions: "1" }],
    ["created_after", { created_after: "yesterday" }],
    ["created_after", { created_after: "2026-11-22" }],
    ["created_after", { created_after: "2026-02-30T10:00:00Z" }],
    ["created_before", { created_before: "2026-11-22T10:00:00" }],
    ["created_before", { created_after: at(2), created_before: at(1) }],
    ["min_elapsed", { min_elapsed: "-1" }],
    ["min_elapsed", { min_elapsed: "1e3" }],
    ["min_elapsed", { min_elapsed: "1," }],
    ["parent_run_id", { parent_run_id: "a#b" }],
    ["min_version", { min_version: "run-1" }],
    ["min_version", { min_version: "run-1:0" }],
    ["min_version", { min_version: "run-1:x" }],
    ["min_version", { min_version: "a b:1" }],
    ["min_version", { min_version: Array.from({ length: 21 }, (_, index) => `run-${index}:1`) }],
    ["limit", { limit: "101" }],
  ])("is refused, and its %s named: %j", async (path, query) => {
    for (const call of [{ resource: RUNS, path: { app_id: "shop" } }, { resource: ALL }]) {
      const reply = await service.get({ ...call, query });
      expectProblem(reply, 400, "INVALID_REQUEST");
      expect(reply.json.errors).toEqual([{ path, message: expect.stringMatching(/./) }]);
    }
  });

  test("names everything that is wrong", async () => {
    const query = { status: "done", tag: "", min_elapsed: "x", created_after: "x", color: "red" };
    const { json } = await service.get({ resource: ALL, query });

    expect(json.errors.map(({ path }: { path: string }) => path).sort()).toEqual(Object.keys(query).sort());
  });

  test("is one of counting by anything but time", async () => {
    const reply = await service.get({
      resource: COUNT,
      path: { app_id: "shop" },
      query: { status: "failed", limit: "1" },
    });

    expectProblem(reply, 400, "INVALID_REQUEST");
    expect(reply.json.errors.map(({ path }: { path: string }) => path)).toEqual(["status", "limit"]);
  });

  test("is one of an app that cannot be", async () => {
    for (const resource of [RUNS, COUNT]) {
      expectProblem(await service.get({ resource, path: { app_id: "a#b" } }), 404, "NOT_FOUND");
    }
  });
});

describe("a cursor", () => {
  const tenant = newTenant();
  beforeAll(() =>
    record(tenant, ...[1, 2, 3].map((second) => start(`run-${second}`, second, { app_id: "shop", tags: ["t"] }))),
  );
  const ask = (
    query: Record<string, string | readonly string[]>,
    call: HttpCall = { resource: RUNS, path: { app_id: "shop" } },
  ) => service.get({ ...call, query: { limit: "1", ...query }, tenant });

  test("goes on with its own question, whatever the limit and the versions asked for", async () => {
    const after: string = (await ask({ tag: "t" })).json.next_cursor;

    expect(idsIn(await ask({ tag: "t", cursor: after, limit: "9" }))).toEqual(["run-2", "run-1"]);
    expect(idsIn(await ask({ tag: "t", cursor: after, min_version: "run-1:1" }))).toEqual(["run-2"]);
  });

  test("belongs to no other question, app or route", async () => {
    const after: string = (await ask({ tag: "t" })).json.next_cursor;

    for (const query of [
      {},
      { tag: "u" },
      { tag: ["t", "t"] },
      { tag: "t", status: "running" },
      { tag: "t", created_after: at(0) },
    ]) {
      expectProblem(await ask({ ...query, after }), 400, "CURSOR_MISMATCH");
    }
    expectProblem(await ask({ tag: "t", after }, { resource: RUNS, path: { app_id: "bank" } }), 400, "CURSOR_MISMATCH");
    expectProblem(await ask({ tag: "t", after }, { resource: ALL }), 400, "CURSOR_MISMATCH");
    expectProblem(
      await service.get({ resource: COUNT, path: { app_id: "shop" }, query: { after }, tenant }),
      400,
      "CURSOR_MISMATCH",
    );
  });
});

describe("lists that are written in shards", () => {
  test("are read as one, also those written before there were as many", async () => {
    const tenant = newTenant();
    const events = (from: number) =>
      Array.from({ length: 15 }, (_, index) => start(`run-${from + index}`, (from + index) % 7, { app_id: "shop" }));
    await record(tenant, ...events(0));
    const app = { tenantId: runKey(tenant, "any").tenantId, appId: v.parse(AppId, "shop") };
    const settings = v.parse(AppSettingsBody, { write_shards: 4 });
    await service.dependencies.settings.put(app, settings, { version: 0, updatedAt: clock.now() });
    await record(tenant, ...events(15));
    await record(tenant, finish("run-20", 60, { app_id: "shop", status: "failed" }));

    const shards = await Promise.all(
      [0, 1, 2, 3].map((shard) =>
        service.dependencies.runs.list({ ...app, shard, status: undefined, after: undefined, limit: 100 }),
      ),
    );
    for (const { headers } of shards) expect(headers.length).toBeGreaterThan(0);
    const pages = await pagesOf(service, { resource: RUNS, path: { app_id: "shop" }, query: { limit: "4" }, tenant });
    const found = pages.flatMap(({ json }) => json.data.map((run: Members) => `${run["started_at"]} ${run["run_id"]}`));
    expect(found).toHaveLength(30);
    expect(found).toEqual([...new Set(found)].sort().reverse());
    expect(idsIn(await service.get({ resource: ALL, query: { status: "failed" }, tenant }))).toEqual(["run-20"]);
    const count = await service.get({ resource: COUNT, path: { app_id: "shop" }, tenant });
    expect(count.json).toMatchObject({ total: 30, by_status: { running: 29, failed: 1 } });
    const apps = await service.get({ resource: "/v1/apps", tenant });
    expect(apps.json.data).toMatchObject([{ first_activity_at: at(0), last_activity_at: at(6) }]);
  });
});

describe("a version that is asked for", () => {
  const tenant = newTenant();
  beforeAll(() => record(tenant, ...[1, 2, 3].map((second) => start(`a:${second}`, second, { app_id: "shop" }))));
  const ask = async (query: Record<string, string | readonly string[]>) =>
    (await service.get({ resource: RUNS, path: { app_id: "shop" }, query, tenant })).json.data as Members[];

  test("is shown though lists lag, of a run whose id holds a colon", async () => {
    const { runs } = service.dependencies;
    const query = {
      tenantId: runKey(tenant, "x").tenantId,
      appId: v.parse(AppId, "shop"),
      shard: 0,
      status: undefined,
    };
    const old = await runs.list({ ...query, after: undefined, limit: 100 });
    list = async () => old;
    await record(tenant, finish("a:2", 9, { app_id: "shop", status: "failed" }), start("new", 2.5, { app_id: "shop" }));

    expect(await ask({})).toMatchObject([{ run_id: "a:3" }, { status: "running", version: 1 }, { run_id: "a:1" }]);
    expect(await ask({ min_version: ["a:2:1", "a:2:2", "new:1", "a:1:7"] })).toMatchObject([
      { run_id: "a:3" },
      { run_id: "new" },
      { run_id: "a:2", status: "failed", version: 2 },
      { run_id: "a:1", version: 1, stale: true },
    ]);
    const rows = await ask({ min_version: "a:2:2" });
    for (const row of rows) expect(row).not.toHaveProperty("stale");
  });
});

describe("a count", () => {
  const count = (tenant: string, query: HttpCall["query"] = {}) =>
    service.get({ resource: COUNT, path: { app_id: "shop" }, query, tenant });
  const NONE = {
    scheduled: 0,
    running: 0,
    paused: 0,
    succeeded: 0,
    failed: 0,
    stopped: 0,
    "partial-succeeded": 0,
  };

  test("is of all statuses, of one app, by time", async () => {
    const tenant = newTenant();
    const ended = ["succeeded", "succeeded", "failed", "stopped", "partial-succeeded"].flatMap((status, index) => [
      start(`run-${index}`, index, { app_id: "shop" }),
      finish(`run-${index}`, 20, { app_id: "shop", status }),
    ]);
    await record(
      tenant,
      ...ended,
      start("open", 5, { app_id: "shop" }),
      start("waiting", 6, { app_id: "shop" }),
      eventText("run.paused", { run_id: "waiting", at: at(7) }),
      eventText("run.scheduled", { run_id: "soon", at: at(8), app_id: "shop" }),
      start("other", 1, { app_id: "bank" }),
    );

    expect((await count(tenant)).json).toEqual({
      total: 8,
      by_status: {
        scheduled: 1,
        running: 1,
        paused: 1,
        succeeded: 2,
        failed: 1,
        stopped: 1,
        "partial-succeeded": 1,
      },
      complete: true,
      next_cursor: null,
    });
    const part = await count(tenant, { created_after: at(1), created_before: at(3) });
    expect(part.json).toMatchObject({ total: 2, by_status: { ...NONE, succeeded: 1, failed: 1 } });
  });

  test("of an app without runs is of none", async () => {
    const { json } = await count(newTenant());

    expect(json).toEqual({ total: 0, by_status: NONE, complete: true, next_cursor: null });
  });

  test("leaves out what has expired, as lists do, though nothing was collected yet", async () => {
    const tenant = newTenant();
    const call = { resource: ALL, tenant };
    await record(tenant, start("old", 1, { app_id: "shop" }));
    clock.advance(DAY_MS);
    await record(tenant, start("young", 2, { app_id: "shop" }));
    clock.advance(29 * DAY_MS - 1);
    expect((await count(tenant)).json.total).toBe(2);
    expect(idsIn(await service.get(call))).toEqual(["young", "old"]);

    clock.advance(1);

    expect((await count(tenant)).json).toMatchObject({ total: 1, complete: true });
    expect(idsIn(await service.get(call))).toEqual(["young"]);
    expect(idsIn(await service.get({ ...call, query: { status: "running" } }))).toEqual(["young"]);
    expect(idsIn(await service.get({ ...call, query: { min_version: "old:1" } }))).toEqual(["young"]);
  });
});
