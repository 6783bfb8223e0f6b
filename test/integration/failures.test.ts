import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { recordClaim } from "../../shared/app/record/record-arrival.ts";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { AppId, TenantId } from "../../shared/contract/identifiers.ts";
import { arrivalOf, at, claimed } from "../support/builders.ts";
import { eventText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { noteFailuresOf } from "../support/noted-failures.ts";
import { pagesOf } from "../support/pages.ts";
import { expectProblem } from "../support/problem-document.ts";
import { newReaper } from "../support/reaper.ts";
import {
  type HttpCall,
  postEvents,
  type Reply,
  readRun,
  runKey,
  type Service,
  startService,
} from "../support/service.ts";

const FAILURES = "/v1/apps/{app_id}/failures";

let service: Service;
let clock: ReturnType<typeof manualClock>;
beforeEach(async () => {
  clock = manualClock();
  service = await startService(undefined, clock);
});
afterEach(() => service.stop());

interface Failing {
  readonly node?: string;
  readonly at?: number | string;
  readonly error?: string;
  readonly [member: string]: unknown;
}

let executions = 0;
const failed = (runId: string, { node = "llm", at: moment = 5, ...more }: Failing): string =>
  eventText("node.finished", {
    run_id: runId,
    node_execution_id: `execution-${++executions}`,
    node_id: node,
    node_type: "llm",
    status: "failed",
    error: "boom",
    at: typeof moment === "number" ? at(moment) : moment,
    ...more,
  } as Parameters<typeof eventText>[1]);

/** Records a run that ended with these failures, and what follows when it has ended. */
const run = async (runId: string, failures: readonly Failing[], of: { app?: string; tenant?: string } = {}) => {
  const { app = "shop", tenant = "demo" } = of;
  const events = [
    eventText("run.started", { run_id: runId, app_id: app, workflow_version: "7" }),
    ...failures.map((failing) => failed(runId, failing)),
    eventText("run.finished", { run_id: runId, status: "failed", at: at(600) }),
  ];
  expect((await postEvents(service, events, tenant)).status).toBe(200);
  await noteFailuresOf(service, runId, tenant);
};

const list = (query: HttpCall["query"] = {}, more: Partial<HttpCall> = {}): Promise<Reply> =>
  service.get({ resource: FAILURES, path: { app_id: "shop" }, query, ...more });
const errorsOf = ({ json }: Reply): string[] => json.data.map(({ error }: { error: string }) => error);
const allErrors = async (query: HttpCall["query"] = {}): Promise<string[]> =>
  (await pagesOf(service, { resource: FAILURES, path: { app_id: "shop" }, query })).flatMap(errorsOf);

const others: Service[] = [];
afterEach(() => {
  for (const other of others.splice(0)) other.stop();
});

/** A service whose list of failures goes on and on, more than could be made here, and how many rows it has read. */
const withoutEnd = async () => {
  await run("run-1", [{ error: "boom" }]);
  const { failures, settings } = service.dependencies;
  const rows = { read: 0 };
  const list: typeof failures.list = async (query) => {
    const page = await failures.list({ ...query, limit: 1, after: undefined });
    const many = page.rows.flatMap((row) =>
      Array.from({ length: query.limit }, () => ({ ...row, nodeExecutionId: `n-${1_000_000 - ++rows.read}` })),
    );
    return { rows: many, hasMore: true };
  };
  const endless = await startService((known) => ({ ...known, settings, failures: { ...failures, list } }), clock);
  others.push(endless);
  return { endless, rows };
};

describe("the failures of an app", () => {
  it("tell what failed, where, when and in which run", async () => {
    await run("run-1", [
      { node: "parse", title: "Parse", node_type: "code", error: "row 7 is bad", elapsed_time: 1.5 },
    ]);

    const { status, json } = await list();

    expect(status).toBe(200);
    expect(json).toEqual({
      data: [
        {
          node_execution_id: `execution-${executions}`,
          node_id: "parse",
          node_type: "code",
          title: "Parse",
          run_id: "run-1",
          run_status: "failed",
          workflow_version: "7",
          epoch: 1,
          finished_at: "2026-11-22T10:00:05.000Z",
          elapsed_time: 1.5,
          attempts_count: 1,
          error: "row 7 is bad",
          fingerprint: expect.stringMatching(/^[\w-]{12}$/),
        },
      ],
      has_more: false,
      next_cursor: null,
    });
  });

  it("are newest first over all runs", async () => {
    await run("run-1", [
      { at: 1, error: "a" },
      { at: 4, error: "d" },
    ]);
    await run("run-2", [
      { at: 3, error: "c" },
      { at: 2, error: "b" },
    ]);

    expect(errorsOf(await list())).toEqual(["d", "c", "b", "a"]);
  });

  it.each(["1", "2", "3", "7", "100"])(
    "are the same in pages of %s, though many happened at one moment",
    async (limit) => {
      const moments = [5, 5, 5, 5, 6, 6, 4];
      await run(
        "run-1",
        moments.map((moment, index) => ({ at: moment, error: `a${index}` })),
      );
      await run(
        "run-2",
        moments.map((moment, index) => ({ at: moment, error: `b${index}` })),
      );
      const whole = errorsOf(await list({ limit: "100" }));

      const found = await allErrors({ limit });

      expect(found).toEqual(whole);
      expect(new Set(found).size).toBe(14);
    },
  );

  it("hold the first hundred of a run that has more", async () => {
    await run(
      "run-1",
      Array.from({ length: 120 }, (_, index) => ({ at: 1 + index, error: `e${index}` })),
    );

    const pages = await pagesOf(service, { resource: FAILURES, path: { app_id: "shop" }, query: { limit: "30" } });

    expect(pages.map(({ json }) => json.data.length)).toEqual([30, 30, 30, 10]);
    expect(pages.flatMap(errorsOf)).toEqual(Array.from({ length: 100 }, (_, index) => `e${99 - index}`));
  });

  it("keep their pages while failures come, go and change", async () => {
    await run(
      "run-1",
      [1, 2, 3, 4].map((moment) => ({ at: moment, error: `e${moment}` })),
    );
    const first = await list({ limit: "2" });
    await run("run-2", [{ at: 9, error: "new" }]);
    await postEvents(service, [
      eventText("node.finished", { run_id: "run-1", node_execution_id: `execution-${executions - 2}`, at: at(0) }),
    ]);
    await noteFailuresOf(service, "run-1");

    expect(errorsOf(first)).toEqual(["e4", "e3"]);
    expect(await allErrors({ limit: "2", after: first.json.next_cursor })).not.toContain("new");
    expect(await allErrors({ limit: "2" })).toEqual(["new", "e4", "e2", "e1"]);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ["a time from which on", { created_after: at(3) }, ["e4", "e3"]],
    ["a time before which", { created_before: at(3) }, ["e2", "e1"]],
    ["a span, its beginning included and its end not", { created_after: at(2), created_before: at(4) }, ["e3", "e2"]],
    ["an offset from UTC", { created_after: "2026-11-22T11:00:04+01:00" }, ["e4"]],
    ["a node", { node_id: "b" }, ["e4", "e2"]],
    ["a type of node", { node_type: "code" }, ["e3"]],
    ["several of them", { node_id: "a", created_before: at(3) }, ["e1"]],
    ["what there is not", { node_id: "c" }, []],
  ])("are found by %s", async (_what, query, errors) => {
    await run("run-1", [
      { at: 1, node: "a", error: "e1" },
      { at: 2, node: "b", error: "e2" },
      { at: 3, node: "a", error: "e3", node_type: "code" },
      { at: 4, node: "b", error: "e4" },
    ]);

    expect(await allErrors({ ...query, limit: "1" })).toEqual(errors);
    expect(errorsOf(await list(query))).toEqual(errors);
  });

  it("are found by a type of node that is too long for a row", async () => {
    const long = "x".repeat(200);
    await run("run-1", [
      { node_type: `${long}1`, error: "one" },
      { node_type: `${long}2`, error: "two" },
    ]);

    const { json } = await list({ node_type: `${long}1` });

    expect(json.data).toMatchObject([{ error: "one", node_type: expect.stringMatching(/^x{30,48}$/) }]);
  });

  it("are found by the fingerprint that they tell", async () => {
    await run("run-1", [
      { at: 1, error: "row 1 is bad" },
      { at: 2, error: "timed out" },
      { at: 3, error: "row 22 is bad" },
    ]);
    const [newest] = (await list()).json.data;

    expect(errorsOf(await list({ fingerprint: newest.fingerprint }))).toEqual(["row 22 is bad", "row 1 is bad"]);
  });

  it("are read from every part that the app's lists are written to", async () => {
    const [tenantId, appId] = [v.parse(TenantId, "demo"), v.parse(AppId, "shop")];
    await run("before", [{ at: 1, error: "before" }]);
    const body = v.parse(AppSettingsBody, { write_shards: 4 });
    await service.dependencies.settings.put({ tenantId, appId }, body, { version: 0, updatedAt: clock.now() });
    clock.advance(10_000);
    for (let index = 0; index < 12; index++) await run(`run-${index}`, [{ at: 2 + index, error: `e${index}` }]);

    const expected = [...Array.from({ length: 12 }, (_, index) => `e${11 - index}`), "before"];
    expect(errorsOf(await list({ limit: "100" }))).toEqual(expected);
    expect(await allErrors({ limit: "3" })).toEqual(expected);
  });

  it("are searched as far as one request goes, with a cursor to go on", async () => {
    const { endless, rows } = await withoutEnd();
    const get = async (query: Record<string, string>) =>
      (await endless.get({ resource: FAILURES, path: { app_id: "shop" }, query: { node_id: "none", ...query } })).json;
    const page = await get({});

    expect(rows.read).toBeLessThanOrEqual(2000);
    expect(page).toEqual({
      data: [],
      has_more: false,
      next_cursor: expect.any(String),
      searched_until: "2026-11-22T10:00:05.000Z",
    });
    expect(await get({ after: page.next_cursor })).toMatchObject({ data: [], next_cursor: expect.any(String) });
    expect(rows.read).toBeLessThanOrEqual(4000);
  });

  it("go with their runs, at the same instant", async () => {
    await run("run-1", [{}]);
    const expiresAt = Date.parse((await readRun(service, "run-1")).json.expires_at);
    clock.advance(expiresAt - clock.now() - 1);
    expect((await list()).json.data).toHaveLength(1);
    expect((await list({ group_by: "fingerprint", created_after: at(0) })).json.data).toHaveLength(1);
    expect((await readRun(service, "run-1")).status).toBe(200);

    clock.advance(1);

    expect((await readRun(service, "run-1")).status).toBe(404);
    expect((await list()).json).toEqual({ data: [], has_more: false, next_cursor: null });
    expect((await list({ group_by: "fingerprint", created_after: at(0) })).json.data).toEqual([]);
  });

  it("are no other tenant's, and no other app's", async () => {
    await run("run-1", [{ error: "ours" }]);
    await run("run-1", [{ error: "theirs" }], { tenant: "acme" });
    await run("run-2", [{ error: "other" }], { app: "shop-2" });

    expect(errorsOf(await list())).toEqual(["ours"]);
    expect(errorsOf(await list({}, { tenant: "acme" }))).toEqual(["theirs"]);
    expect((await list({}, { tenant: "nobody" })).json).toEqual({ data: [], has_more: false, next_cursor: null });
    expect((await list({ group_by: "fingerprint" }, { tenant: "nobody" })).json.data).toEqual([]);
    const page = await list({ limit: "1" });
    await run("run-3", [{ at: 1 }]);
    const { next_cursor } = (await list({ limit: "1" })).json;
    expect(page.json.next_cursor).toBeNull();
    expectProblem(await list({ limit: "1", after: next_cursor }, { tenant: "acme" }), 400, "CURSOR_MISMATCH");
  });

  it("hold no payload", async () => {
    const secret = "s3cret";
    await run("run-1", [{ outputs: { secret }, inputs: secret, process_data: { secret }, custom: secret }]);

    for (const query of [{}, { group_by: "fingerprint" }]) {
      expect((await list(query, { scopes: "read" })).text).not.toContain(secret);
    }
  });

  it.each<[string, Record<string, string | string[]>, string]>([
    ["a limit of none", { limit: "0" }, "limit"],
    ["a limit beyond the most", { limit: "101" }, "limit"],
    ["a time that is none", { created_after: "yesterday" }, "created_after"],
    ["a span that ends before it begins", { created_after: at(2), created_before: at(1) }, "created_before"],
    ["a node that is no id", { node_id: "a#b" }, "node_id"],
    ["a type of no text", { node_type: "" }, "node_type"],
    ["a type that nothing can have", { node_type: "x".repeat(257) }, "node_type"],
    ["a fingerprint that is none", { fingerprint: "boom" }, "fingerprint"],
    ["another grouping", { group_by: "node" }, "group_by"],
    ["a limit of groups", { group_by: "fingerprint", limit: "5" }, "limit"],
    ["a parameter twice", { node_id: ["a", "b"] }, "node_id"],
    ["what there is not", { status: "failed" }, "status"],
  ])("are refused to a query with %s", async (_what, query, path) => {
    const reply = await list(query);

    expectProblem(reply, 400, "INVALID_REQUEST");
    expect(reply.json.errors).toEqual([{ path, message: expect.any(String) }]);
  });

  it.each(["a#b", "a/b", "%"])("are not there for an app that cannot be: %s", async (app_id) => {
    expectProblem(await list({}, { path: { app_id } }), 404, "NOT_FOUND");
  });

  it("need a cursor of their own query, unchanged", async () => {
    await run("run-1", [{}, {}]);
    const { next_cursor } = (await list({ limit: "1" })).json;

    expectProblem(await list({ after: next_cursor, node_id: "llm" }), 400, "CURSOR_MISMATCH");
    expectProblem(await list({ after: next_cursor, group_by: "fingerprint" }), 400, "CURSOR_MISMATCH");
    expectProblem(await list({ after: `${next_cursor.slice(0, -2)}AA` }), 400, "CURSOR_INVALID");
  });
});

describe("the failures of a run that was lost", () => {
  const IDLE_MS = 1_800_000;
  const now = () => new Date(clock.now()).toISOString();
  const record = async (...events: readonly string[]): Promise<void> => {
    expect((await postEvents(service, events)).status).toBe(200);
  };
  const begin = (runId: string, node: string, members: Record<string, string | number> = {}): string =>
    eventText("node.started", {
      run_id: runId,
      node_execution_id: `${runId}-${node}`,
      node_id: node,
      node_type: node,
      at: now(),
      ...members,
    });
  const start = (runId: string, members: Record<string, string | number> = {}): string =>
    eventText("run.started", { run_id: runId, app_id: "shop", at: now(), ...members });
  /** Its worker dies: nothing is heard of it, until the service gives it up. */
  const lose = async (...runIds: readonly string[]): Promise<void> => {
    clock.advance(IDLE_MS);
    expect(await newReaper(service.dependencies).tick()).toMatchObject({ lost: runIds.length });
    for (const runId of runIds) await noteFailuresOf(service, runId);
  };

  it("are the nodes that it was lost at, without what stood around them", async () => {
    const inside = { loop_id: "loop", loop_index: 3 };
    const done = { run_id: "run-1", node_execution_id: "run-1-done", node_id: "done", at: now() };
    await record(start("run-1"), begin("run-1", "loop"), begin("run-1", "llm", inside));
    await record(eventText("node.finished", done));
    await lose("run-1");

    const { json } = await list();

    expect(json.data).toMatchObject([
      {
        node_execution_id: "run-1-llm",
        node_id: "llm",
        run_id: "run-1",
        run_status: "failed",
        finished_at: now(),
        elapsed_time: null,
        attempts_count: 1,
        error: "RUN_LOST: no sign of life for 1800 seconds",
      },
    ]);
    expect((await list({ node_id: "loop" })).json.data).toEqual([]);
  });

  it("are of one kind for each node, however long their runs may be silent", async () => {
    await record(start("run-1"), begin("run-1", "llm"));
    await record(start("run-2", { idle_timeout: 90 }), begin("run-2", "llm"));
    await record(start("run-3"), begin("run-3", "http"));
    await lose("run-1", "run-2", "run-3");

    const { data } = (await list({ group_by: "fingerprint" })).json;

    expect(data).toMatchObject([
      { node_id: "llm", count: 2, runs: 2, fingerprint_text: expect.stringMatching(/^RUN_LOST: no sign of life/) },
      { node_id: "http", count: 1 },
    ]);
    expect(data[0].fingerprint).toBe(data[1].fingerprint);
  });

  it("go when its engine comes back, and when somebody claims it", async () => {
    for (const runId of ["run-1", "run-2"]) await record(start(runId), begin(runId, "llm"));
    await lose("run-1", "run-2");
    expect((await list()).json.data).toHaveLength(2);
    clock.advance(1000);
    await record(eventText("run.finished", { run_id: "run-1", at: now() }));
    const { event } = claimed(2, (clock.now() - Date.parse(at(0))) / 1000);
    const ulid = service.dependencies.newUlid(clock.now());
    const arrival = { ...arrivalOf([event], { actor: "caller" }), ulid, receivedAt: clock.now() };
    expect(await recordClaim(service.dependencies, runKey("demo", "run-2"), { arrival, epoch: 2 })).toBe("recorded");
    for (const runId of ["run-1", "run-2"]) await noteFailuresOf(service, runId);

    expect((await list()).json.data).toEqual([]);
    await lose("run-2");
    expect((await list()).json.data).toEqual([]);
  });

  it("become what its engine says of its end, when that comes late", async () => {
    await record(start("run-1"), begin("run-1", "llm"));
    await lose("run-1");
    const said = { status: "failed", error: `out of memory ${"x".repeat(3000)}`, at: "2026-11-22T12:10:00Z" };
    await record(eventText("run.finished", { run_id: "run-1", ...said }));
    await noteFailuresOf(service, "run-1");

    expect((await list()).json.data).toMatchObject([
      { node_id: "llm", error: expect.stringMatching(/^out of memory x+$/), finished_at: "2026-11-22T12:10:00.000Z" },
    ]);
    const llm = { run_id: "run-1", node_execution_id: "run-1-llm", node_id: "llm", at: "2026-11-22T12:09:00Z" };
    await record(eventText("node.finished", { ...llm, status: "failed", error: "its own" }));
    await noteFailuresOf(service, "run-1");
    expect((await list()).json.data).toMatchObject([{ error: "its own", finished_at: "2026-11-22T12:09:00.000Z" }]);
  });

  it("are none where no node was at work: the list of failed runs shows it", async () => {
    await record(start("run-1"));
    await lose("run-1");

    expect((await list()).json.data).toEqual([]);
    const runs = await service.get({
      resource: "/v1/apps/{app_id}/runs",
      path: { app_id: "shop" },
      query: { status: "failed" },
    });
    expect(runs.json.data).toMatchObject([{ run_id: "run-1", error: expect.stringContaining("RUN_LOST") }]);
  });

  it("are told by the whole of a long error that ended it", async () => {
    const traceback = (frames: number) =>
      `Traceback (most recent call last):\n${'  File "/app/deep.py", line 3, in f\n    f()\n'.repeat(frames)}MemoryError: no room`;
    for (const [runId, frames] of [
      ["run-1", 60],
      ["run-2", 90],
    ] as const) {
      const end = { run_id: runId, status: "failed", error: traceback(frames), at: now() };
      await record(start(runId), begin(runId, "a"), begin(runId, "b"), eventText("run.finished", end));
      await noteFailuresOf(service, runId);
    }

    const { data } = (await list()).json;

    expect(data.map(({ error }: { error: string }) => error)).toEqual(Array(4).fill("MemoryError: no room"));
    expect(new Set(data.map(({ fingerprint }: { fingerprint: string }) => fingerprint)).size).toBe(1);
  });
});

describe("the kinds of failures of an app", () => {
  const kinds = async (query: Record<string, string> = {}) => (await list({ group_by: "fingerprint", ...query })).json;

  it("are groups of one node and one error, most frequent first", async () => {
    await run("run-1", [
      { at: 1, error: "row 7 is bad" },
      { at: 2, error: "row 8 is bad" },
      { at: 3, node: "http", error: "row 9 is bad" },
      { at: 4, error: "timed out" },
    ]);
    await run("run-2", [
      { at: 5, error: "row 10 is bad", title: "Read" },
      { at: 6, node: "http", error: "row 1 is bad" },
    ]);

    const { data, ...rest } = await kinds();

    expect(rest).toEqual({ has_more: false, next_cursor: null, since: "2026-11-15T12:00:00.000Z", complete: true });
    expect(data[0]).toEqual({
      fingerprint: expect.stringMatching(/^[\w-]{12}$/),
      fingerprint_text: "row <n> is bad",
      node_id: "llm",
      node_type: "llm",
      title: "Read",
      error: "row 10 is bad",
      count: 3,
      runs: 2,
      first_at: "2026-11-22T10:00:01.000Z",
      last_at: "2026-11-22T10:00:05.000Z",
      last_run_id: "run-2",
      last_node_execution_id: expect.stringMatching(/^execution-/),
    });
    expect(
      data.map((group: Record<string, unknown>) => [group["node_id"], group["fingerprint_text"], group["count"]]),
    ).toEqual([
      ["llm", "row <n> is bad", 3],
      ["http", "row <n> is bad", 2],
      ["llm", "timed out", 1],
    ]);
    expect(data[0].fingerprint).toBe(data[1].fingerprint);
  });

  it("are those of the last seven days where nothing else is asked for", async () => {
    await run("old", [{ at: "2026-11-15T11:59:59Z", error: "old" }]);
    await run("new", [{ at: "2026-11-15T12:00:00Z", error: "new" }]);

    const texts = async (query: Record<string, string>) =>
      (await kinds(query)).data.map((group: { fingerprint_text: string }) => group.fingerprint_text);
    expect(await texts({})).toEqual(["new"]);
    expect(await texts({ created_after: "2026-11-01T00:00:00Z" })).toEqual(["new", "old"]);
    expect(await texts({ created_before: "2026-11-15T12:00:00Z" })).toEqual(["old"]);
  });

  it("are found by node and type as the failures are", async () => {
    await run("run-1", [{ error: "a" }, { node: "http", error: "b" }, { node_type: "code", error: "c" }]);

    expect((await kinds({ node_id: "http" })).data).toMatchObject([{ fingerprint_text: "b" }]);
    expect((await kinds({ node_type: "code" })).data).toMatchObject([{ fingerprint_text: "c" }]);
  });

  it("say that they are not complete where there are too many failures to look at", async () => {
    const { endless, rows } = await withoutEnd();

    const query = { group_by: "fingerprint" };
    const { json } = await endless.get({ resource: FAILURES, path: { app_id: "shop" }, query });

    expect(rows.read).toBeLessThanOrEqual(2000);
    expect(json).toMatchObject({
      data: [{ count: 2000, runs: 1 }],
      complete: false,
      searched_until: "2026-11-22T10:00:05.000Z",
      has_more: false,
    });
  });
});

describe("the sample runs", () => {
  it("show the one node that failed, and what it says", async () => {
    const events = readFileSync(join(__dirname, "../../events/runs/failure.ndjson"), "utf8").trim().split("\n");
    expect((await postEvents(service, events)).status).toBe(200);
    await noteFailuresOf(service, "sample-failure");

    const { json } = await list({}, { path: { app_id: "rate-import" } });

    expect(json.data).toMatchObject([
      {
        node_execution_id: "rate-4",
        node_id: "parse",
        workflow_version: "3",
        error: "decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]",
      },
    ]);
  });
});
