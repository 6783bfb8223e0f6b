import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { EventType } from "../../shared/contract/event-fields.ts";
import { eventText, json } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { pagesOf } from "../support/pages.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type HttpCall, postEvents, type Reply, readRun, type Service, startService } from "../support/service.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(60_000);

/** How many cases properties are tried with; undefined: as many as each says. */
const CASES =
  process.env["RUNSTONE_PROPERTY_CASES"] === undefined ? undefined : Number(process.env["RUNSTONE_PROPERTY_CASES"]);

const MB = 1024 * 1024;
const RUN = "/v1/runs/{run_id}";
const NODES = "/v1/runs/{run_id}/nodes";
const TRACE = "/v1/runs/{run_id}/trace";
const RUNS = "/v1/apps/{app_id}/runs";

let service: Service;
const clock = manualClock();
beforeAll(async () => {
  service = await startService(undefined, clock);
});
afterAll(() => service.stop());

let names = 0;
const newName = (): string => `name-${++names}`;

const record = async (...events: readonly string[]): Promise<void> => {
  const { json: answer } = await postEvents(service, events);
  expect(answer.accepted).toBe(events.length);
};

/** A moment so many seconds after ten o'clock. */
const at = (seconds: number): string => new Date(Date.parse("2026-11-22T10:00:00.000Z") + seconds * 1000).toISOString();

/** A member of every item of all pages. */
const column = (pages: readonly Reply[], name: string): unknown[] =>
  pages.flatMap((page) => page.json.data.map((item: Record<string, unknown>) => item[name]));

/** That every page but the last tells of the next, and the last of none. */
const expectCursors = (pages: readonly Reply[]): void => {
  for (const [index, page] of pages.entries()) {
    const isLast = index === pages.length - 1;
    expect(page.json.has_more).toBe(!isLast);
    expect(page.json.next_cursor).toEqual(isLast ? null : expect.stringMatching(/^[\w-]+$/));
  }
};

describe("a run's ETag", () => {
  const ask = (run_id: string, tag: string, name = "If-None-Match"): Promise<Reply> =>
    service.get({ resource: RUN, path: { run_id }, headers: { [name]: tag } });

  test("is its version and the number of its distinct events", async () => {
    const run_id = newName();
    await record(eventText("run.started", { run_id }), eventText("node.started", { run_id }));

    const { headers, json: run } = await readRun(service, run_id);

    expect(headers["etag"]).toBe(`"${run.version}-2"`);
  });

  test("is answered by 304 and nothing where the caller has it", async () => {
    const run_id = newName();
    await record(eventText("run.started", { run_id }));
    const etag = String((await readRun(service, run_id)).headers["etag"]);

    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, `${etag},"x"`, "*"]) {
      const reply = await ask(run_id, tag);
      expect([reply.status, reply.text]).toEqual([304, ""]);
      expect(reply.headers).toMatchObject({ etag, "x-request-id": expect.stringMatching(/./) });
    }
    expect((await ask(run_id, etag, "if-none-match")).status).toBe(304);
    for (const tag of ['"x"', etag.slice(1, -1), etag.replace('"1', '"11'), ""]) {
      expect((await ask(run_id, tag)).status).toBe(200);
    }
  });

  test("changes with every new event, and with no repeated one", async () => {
    const run_id = newName();
    const events = [
      eventText("run.started", { run_id }),
      eventText("node.started", { run_id }),
      eventText("run.heartbeat", { run_id }),
      eventText("agent.logged", { run_id }),
      eventText("edge.taken", { run_id }),
      eventText("run.finished", { run_id, at: at(1) }),
    ];
    const tags = new Set<string>();

    for (const [index, event] of events.entries()) {
      await record(event);
      tags.add(String((await readRun(service, run_id)).headers["etag"]));
      await record(...events.slice(0, index + 1));
    }

    expect(tags.size).toBe(events.length);
    expect((await ask(run_id, [...tags].at(-1) as string)).status).toBe(304);
    for (const stale of [...tags].slice(0, -1)) expect((await ask(run_id, stale)).status).toBe(200);
  });

  test("helps no one who may not read the run", async () => {
    const run_id = newName();
    await record(eventText("run.started", { run_id }));

    const headers = { "If-None-Match": "*" };

    expectProblem(await service.get({ resource: RUN, path: { run_id }, headers, tenant: "acme" }), 404, "NOT_FOUND");
    expectProblem(await service.get({ resource: RUN, path: { run_id }, headers, scopes: "ingest" }), 403, "FORBIDDEN");
  });
});

describe("a run's version", () => {
  const versionOf = async (run_id: string): Promise<number> => (await readRun(service, run_id)).json.version;

  test.each<[string, readonly (readonly [EventType, number])[]]>([
    [
      "in order",
      [
        ["run.scheduled", 0],
        ["run.started", 1],
        ["run.paused", 2],
        ["run.resumed", 3],
        ["run.finished", 4],
      ],
    ],
    [
      "backwards",
      [
        ["run.finished", 4],
        ["run.resumed", 3],
        ["run.paused", 2],
        ["run.started", 1],
        ["run.scheduled", 0],
      ],
    ],
    [
      "with the start last",
      [
        ["run.finished", 4],
        ["run.started", 0],
      ],
    ],
    [
      "with two finishes",
      [
        ["run.started", 0],
        ["run.finished", 4],
        ["run.finished", 2],
      ],
    ],
  ])("rises with each event of the run, and never on repetition: %s", async (_how, steps) => {
    const run_id = newName();
    const events = steps.map(([type, second]) => eventText(type, { run_id, at: at(second), app_id: "versions" }));
    let last = 0;

    for (const [index, event] of events.entries()) {
      await record(event);
      const version = await versionOf(run_id);
      expect(version).toBeGreaterThan(last);
      last = version;
      for (const repeated of events.slice(0, index + 1)) await record(repeated);
      await record(...events.slice(0, index + 1), ...events.slice(0, index + 1));
      expect(await versionOf(run_id)).toBe(last);
    }
    const { json: list } = await service.get({ resource: RUNS, path: { app_id: "versions" } });
    expect(list.data.find((row: { run_id: string }) => row.run_id === run_id).version).toBe(last);
  });

  test("stays with events of nodes, edges and logs, and with signs of life", async () => {
    const run_id = newName();
    await record(eventText("run.started", { run_id }));
    const types: EventType[] = ["run.heartbeat", "node.started", "node.checkpointed", "node.retried", "node.paused"];

    for (const type of [...types, "node.finished", "agent.logged", "edge.taken", "edge.skipped"] as const) {
      await record(eventText(type, { run_id }));
      expect(await versionOf(run_id)).toBe(1);
    }
  });

  test("rises where a run that was known by its nodes gets its start", async () => {
    const run_id = newName();

    await record(eventText("node.started", { run_id }));
    const incomplete = (await readRun(service, run_id)).json;
    await record(eventText("run.started", { run_id }));
    const complete = (await readRun(service, run_id)).json;

    expect(incomplete).toMatchObject({ status: "running", incomplete: true, version: 1, started_at: null });
    expect(complete).toMatchObject({ status: "running", incomplete: false, version: 2, started_at: at(0) });
  });

  test("rises by one where the run's events come together", async () => {
    const run_id = newName();

    await record(eventText("run.started", { run_id }), eventText("run.finished", { run_id, at: at(3) }));

    expect(await versionOf(run_id)).toBe(1);
    expect((await readRun(service, run_id)).json).toMatchObject({ status: "succeeded", elapsed_time: 3 });
  });
});

describe("the list of nodes", () => {
  const run_id = "listed";
  const path = { run_id };
  /** Nodes in the order they are to be listed. */
  const nodes = [
    { node_execution_id: "z", index: 0, at: at(9), node_type: "start", node_id: "start" },
    { node_execution_id: "y", index: 1, at: at(8), node_type: "llm", node_id: "think" },
    { node_execution_id: "c", index: 2, at: at(1), node_type: "iteration", node_id: "round" },
    { node_execution_id: "b", index: 2, at: at(2), node_type: "llm", node_id: "think", iteration_id: "round" },
    { node_execution_id: "B", index: 2, at: at(3), node_type: "code", node_id: "do", loop_id: "round" },
    { node_execution_id: "a", index: 2, at: at(3), node_type: "code", node_id: "do", iteration_id: "round" },
    { node_execution_id: "x.1", index: 10, at: at(0), node_type: "code", node_id: "do", loop_id: "turn" },
    { node_execution_id: "x.10", index: 10, at: at(0), node_type: "code", node_id: "do", loop_id: "turn" },
    { node_execution_id: "x.2", index: 10, at: at(0), node_type: "code", node_id: "do", loop_id: "turn" },
    { node_execution_id: "A", index: 100, at: at(0), node_type: "end", node_id: "end" },
  ];
  const ids = nodes.map((node) => node.node_execution_id);
  const failed = ["b", "x.10"];
  const retried = ["y"];
  const finished = ["z", "c", "a"];
  const list = async (query: HttpCall["query"] = {}): Promise<unknown[]> =>
    column(await pagesOf(service, { resource: NODES, path, query }), "node_execution_id");

  beforeAll(async () => {
    const started = nodes.map((node) => eventText("node.started", { run_id, ...node }));
    const ended = [...failed, ...finished].map((id) =>
      eventText("node.finished", {
        run_id,
        node_execution_id: id,
        at: at(20),
        status: failed.includes(id) ? "failed" : "succeeded",
      }),
    );
    const retries = retried.map((id) => eventText("node.retried", { run_id, node_execution_id: id, at: at(20) }));
    await record(eventText("run.started", { run_id }), ...ended, ...[...started].reverse(), ...retries);
  });

  test("is in order of index, then start, then id", async () => {
    expect(await list()).toEqual(ids);
    expect(await list({ include: "payload" })).toEqual(ids);
  });

  test.each<[HttpCall["query"], readonly string[]]>([
    [{ status: "failed" }, failed],
    [{ status: ["failed", "retry"] }, ["y", ...failed]],
    [{ status: ["failed", "failed"] }, failed],
    [{ status: "succeeded" }, finished],
    [{ status: "exception" }, []],
    [{ node_type: "llm" }, ["y", "b"]],
    [{ node_type: "none" }, []],
    [{ node_id: "do" }, ["B", "a", "x.1", "x.10", "x.2"]],
    [{ container_id: "round" }, ["b", "B", "a"]],
    [{ container_id: "turn" }, ["x.1", "x.10", "x.2"]],
    [{ container_id: "round", node_type: "code" }, ["B", "a"]],
    [{ container_id: "round", node_type: "code", status: ["succeeded", "failed"] }, ["a"]],
    [{ node_id: "do", status: "running" }, ["B", "x.1", "x.2"]],
  ])("keeps what its filters want, in the same order: %j", async (query, wanted) => {
    expect(await list(query)).toEqual(wanted);
    for (const limit of ["1", "2"]) expect(await list({ ...query, limit })).toEqual(wanted);
    expect(await list({ ...query, limit: "2", include: "payload" })).toEqual(wanted);
  });

  test.each([1, 2, 3, 7, 9, 10, 11])("is covered exactly once by pages of %i", async (limit) => {
    const pages = await pagesOf(service, { resource: NODES, path, query: { limit: String(limit) } });

    expect(column(pages, "node_execution_id")).toEqual(ids);
    expect(pages).toHaveLength(Math.ceil(nodes.length / limit));
    for (const page of pages.slice(0, -1)) expect(page.json.data).toHaveLength(limit);
    expectCursors(pages);
  });

  test("goes on where it stood, whatever comes in between", async () => {
    const run = newName();
    const node = (id: string, index: number) =>
      eventText("node.started", { run_id: run, node_execution_id: id, index });
    await record(node("b", 2), node("d", 4), node("f", 6));

    const first = await service.get({ resource: NODES, path: { run_id: run }, query: { limit: "2" } });
    await record(node("a", 1), node("c", 3), node("e", 5), node("g", 7));
    const next = await service.get({
      resource: NODES,
      path: { run_id: run },
      query: { limit: "10", after: first.json.next_cursor },
    });

    expect(column([first], "node_execution_id")).toEqual(["b", "d"]);
    expect(column([next], "node_execution_id")).toEqual(["e", "f", "g"]);
  });

  test("is paged at 4 MB where it shows payload", async () => {
    const run = newName();
    const sizes = [1, 1, 1, 1.5, 2.5, 3.9, 0.1, 0.1, 1];
    for (const [index, size] of sizes.entries()) {
      const outputs = json(`"${"x".repeat(size * 1_000_000)}"`);
      await record(eventText("node.finished", { run_id: run, node_execution_id: `n-${index}`, index, outputs }));
    }

    const pages = await pagesOf(service, {
      resource: NODES,
      path: { run_id: run },
      query: { include: "payload", limit: "1000" },
    });

    expect(column(pages, "node_execution_id")).toEqual(sizes.map((_, index) => `n-${index}`));
    for (const page of pages) expect(Buffer.byteLength(page.text)).toBeLessThan(4 * MB + 1024);
    expect(pages.length).toBeLessThanOrEqual(6);
    expect((await list({ limit: "1000" })).length).toBe(nodes.length);
  });

  test("is paged at 4 MB where it does not show payload", async () => {
    const run = newName();
    const execution_metadata = Object.fromEntries(
      ["a", "b", "c", "d", "e", "f", "g", "h"].map((k) => [k, "x".repeat(1000)]),
    );
    const events = Array.from({ length: 800 }, (_, index) =>
      eventText("node.started", { run_id: run, node_execution_id: `n-${index}`, index, execution_metadata }),
    );
    await record(...events.slice(0, 400));
    await record(...events.slice(400));

    const pages = await pagesOf(service, { resource: NODES, path: { run_id: run }, query: { limit: "1000" } });

    expect(column(pages, "node_execution_id")).toEqual(events.map((_, index) => `n-${index}`));
    expect(pages).toHaveLength(2);
    for (const page of pages) expect(Buffer.byteLength(page.text)).toBeLessThan(4 * MB + 1024);
    expectCursors(pages);
  });
});

describe("the list of an app's runs", () => {
  const STATUSES = ["running", "paused", "scheduled", "succeeded", "failed", "stopped", "partial-succeeded"] as const;
  type Status = (typeof STATUSES)[number];

  const eventsOf = (run: { run_id: string; app_id: string; second: number; status: Status }): string[] => {
    const { run_id, app_id, second, status } = run;
    const started = eventText("run.started", { run_id, app_id, at: at(second) });
    if (status === "running") return [started];
    if (status === "paused") return [started, eventText("run.paused", { run_id, app_id, at: at(second + 1) })];
    if (status === "scheduled") return [eventText("run.scheduled", { run_id, app_id, at: at(second) })];
    return [started, eventText("run.finished", { run_id, app_id, at: at(second + 1), status })];
  };
  const listOf = async (app_id: string, query: HttpCall["query"] = {}): Promise<unknown[]> =>
    column(await pagesOf(service, { resource: RUNS, path: { app_id }, query }), "run_id");

  test("is newest first by start, whenever the runs were received", async () => {
    const app_id = newName();
    for (const second of [5, 1, 9, 3, 7]) {
      await record(eventText("run.started", { run_id: `${app_id}-${second}`, app_id, at: at(second) }));
    }

    expect(await listOf(app_id)).toEqual([9, 7, 5, 3, 1].map((second) => `${app_id}-${second}`));
    expect(await listOf(newName())).toEqual([]);
  });

  test("tells runs apart that began within a millisecond", async () => {
    const app_id = newName();
    const nanos = ["000000001", "000000000", "000999999", "0000005"];
    for (const digits of nanos) {
      await record(
        eventText("run.started", { run_id: `${app_id}-${digits}`, app_id, at: `2026-11-22T10:00:00.${digits}Z` }),
      );
    }

    expect(await listOf(app_id, { limit: "1" })).toEqual(
      ["000999999", "0000005", "000000001", "000000000"].map((digits) => `${app_id}-${digits}`),
    );
  });

  test("has a total order where runs began at once, and pages of any size cover it exactly once", async () => {
    const app_id = newName();
    const ids = ["a", "b", "A", "a.b", "a:b", "a-b", "ab", "0", "_", "z"].map((suffix) => `${app_id}${suffix}`);
    await record(...ids.map((run_id) => eventText("run.started", { run_id, app_id })));
    const all = await listOf(app_id);

    expect([...all].sort()).toEqual([...ids].sort());
    for (const limit of ["1", "3", "9", "10"]) expect(await listOf(app_id, { limit })).toEqual(all);
    for (const limit of ["1", "3"]) expect(await listOf(app_id, { limit, status: "running" })).toEqual(all);
    for (const limit of ["1", "3"]) expect(await listOf(app_id, { limit, status: ["running", "failed"] })).toEqual(all);
  });

  test("shows 20 where no limit is given, and light rows", async () => {
    const app_id = newName();
    const runs = Array.from({ length: 21 }, (_, second) => ({ run_id: `${app_id}-${second}`, app_id, second }));
    await record(
      ...runs.map((run) =>
        eventText("run.started", {
          run_id: run.run_id,
          app_id,
          at: at(run.second),
          inputs: "secret",
          custom: "secret",
        }),
      ),
    );

    const { json: answer, text } = await service.get({ resource: RUNS, path: { app_id } });

    expect(answer.data).toHaveLength(20);
    expect(answer.has_more).toBe(true);
    expect(text).not.toMatch(/secret|inputs|custom/);
    expect(answer.data[0]).toMatchObject({
      run_id: `${app_id}-20`,
      app_id,
      status: "running",
      version: 1,
      started_at: at(20),
    });
  });

  test("is of one app, and holds runs whose start is missing", async () => {
    const [one, two] = [newName(), newName()];
    await record(eventText("node.started", { run_id: `${one}-lost`, app_id: one }));
    await record(eventText("run.started", { run_id: `${two}-run`, app_id: two }));

    const { json: answer } = await service.get({ resource: RUNS, path: { app_id: one } });

    expect(answer.data).toMatchObject([
      { run_id: `${one}-lost`, status: "running", incomplete: true, started_at: null },
    ]);
    expect(await listOf(two)).toEqual([`${two}-run`]);
  });

  test("follows a run from status to status", async () => {
    const app_id = newName();
    const run_id = `${app_id}-run`;
    const seen: string[][] = [];

    for (const [second, type] of (
      ["run.scheduled", "run.started", "run.paused", "run.resumed", "run.finished"] as const
    ).entries()) {
      await record(eventText(type, { run_id, app_id, at: at(second) }));
      const found: string[] = [];
      for (const status of STATUSES) if ((await listOf(app_id, { status })).length > 0) found.push(status);
      seen.push(found);
    }

    expect(seen).toEqual([["scheduled"], ["running"], ["paused"], ["running"], ["succeeded"]]);
    expect(await listOf(app_id)).toEqual([run_id]);
  });

  test("skips and repeats nothing where runs come and change between pages", async () => {
    const app_id = newName();
    const run = (second: number) => ({
      run_id: `${app_id}-${second}`,
      app_id,
      second: second * 2,
      status: "running" as const,
    });
    await record(...[1, 2, 3, 4, 5, 6].flatMap((second) => eventsOf(run(second))));

    const first = await service.get({ resource: RUNS, path: { app_id }, query: { limit: "3" } });
    await record(...eventsOf(run(7)), ...eventsOf(run(2.5)), ...eventsOf({ ...run(2), status: "failed" }));
    await record(...eventsOf({ ...run(5), status: "succeeded" }));
    const rest = await pagesOf(service, {
      resource: RUNS,
      path: { app_id },
      query: { limit: "2", after: first.json.next_cursor },
    }).catch(() => []);
    const next = await service.get({
      resource: RUNS,
      path: { app_id },
      query: { limit: "9", after: first.json.next_cursor },
    });

    expect(rest.length).toBeGreaterThan(0);
    expect(column([first], "run_id")).toEqual([6, 5, 4].map((second) => `${app_id}-${second}`));
    expect(column([next], "run_id")).toEqual([3, 2.5, 2, 1].map((second) => `${app_id}-${second}`));
  });

  test("holds exactly the runs of the wanted statuses, newest first, in pages of any size", async () => {
    const status = fc.constantFrom(...STATUSES);
    const runs = fc.array(fc.record({ second: fc.integer({ min: 0, max: 4 }), status }), {
      minLength: 1,
      maxLength: 14,
    });
    const wanted = fc.uniqueArray(status, { maxLength: 4 });

    await fc.assert(
      fc.asyncProperty(runs, wanted, fc.integer({ min: 1, max: 5 }), async (given, statuses, limit) => {
        const app_id = newName();
        const all = given.map((run, index) => ({ ...run, app_id, run_id: `${app_id}-${index}` }));
        await record(...all.flatMap(eventsOf));

        const pages = await pagesOf(service, {
          resource: RUNS,
          path: { app_id },
          query: { limit: String(limit), ...(statuses.length === 0 ? {} : { status: statuses }) },
        });

        const found = column(pages, "run_id") as string[];
        const expected = all.filter((run) => statuses.length === 0 || statuses.includes(run.status));
        expect([...found].sort()).toEqual(expected.map(({ run_id }) => run_id).sort());
        // A run that has not started stands where its first event was received.
        const starts = (column(pages, "started_at") as (string | null)[]).filter((start) => start !== null);
        expect(starts).toEqual([...starts].sort().reverse());
        for (const page of pages) expect(page.json.data.length).toBeLessThanOrEqual(limit);
      }),
      { numRuns: CASES ?? 40 },
    );
  }, 600_000);
});

describe("the list of apps", () => {
  const tenant = "app-lister";
  const apps = (query: HttpCall["query"] = {}) => pagesOf(service, { resource: "/v1/apps", query, tenant });

  test("has every app once, with its activity, in pages of any size", async () => {
    const ids = ["b", "a", "C", "a-1", "a.1", "a:1", "10", "9", "_"];
    for (const app_id of ids) {
      await postEvents(service, [eventText("run.started", { run_id: `run-of-${app_id}`, app_id })], tenant);
      await postEvents(
        service,
        [eventText("run.started", { run_id: `second-of-${app_id}`, app_id, at: at(60) })],
        tenant,
      );
    }
    await postEvents(service, [eventText("node.started", { run_id: "nobody's".replace("'", "-") })], tenant);

    for (const limit of ["1", "2", "8", "9", "100"]) {
      const pages = await apps({ limit });
      expect(column(pages, "app_id")).toEqual([...ids].sort());
      expectCursors(pages);
    }
    const [page] = await apps({ limit: "100" });
    for (const app of page?.json.data ?? []) {
      expect(app).toMatchObject({ first_activity_at: expect.any(String), last_activity_at: expect.any(String) });
    }
  });

  test("has apps that only nodes have named, and those of the queue", async () => {
    await postEvents(service, [eventText("node.started", { run_id: "by-node", app_id: "of-node" })], "app-namer");
    await service.deliver([`{"tenant_id":"app-namer",${eventText("run.started", { app_id: "of-queue" }).slice(1)}`]);

    const [page] = await pagesOf(service, { resource: "/v1/apps", tenant: "app-namer" });

    expect(column(page === undefined ? [] : [page], "app_id")).toEqual(["of-node", "of-queue"]);
  });

  test("moves an app's last activity with its newest run", async () => {
    const lastOf = async (): Promise<string> => (await apps({ limit: "100" }))[0]?.json.data.at(-1).last_activity_at;
    const started = (run_id: string, second: number) =>
      postEvents(service, [eventText("run.started", { run_id, app_id: "zz", at: at(second) })], tenant);

    await started("zz-1", 3600);
    const first = await lastOf();
    await started("zz-2", 7200);
    const second = await lastOf();

    expect([first, second]).toEqual([at(3600), at(7200)]);
  });
});

interface Told {
  readonly node_execution_id: string;
  readonly status: string;
  readonly error: unknown;
  readonly unplaced?: boolean;
  readonly retries: readonly { readonly number: number; readonly error: unknown }[];
  readonly iterations?: readonly Group[];
  readonly loops?: readonly Group[];
  readonly branches?: readonly {
    readonly start_node_id: string;
    readonly title: string;
    readonly nodes: readonly Told[];
  }[];
}
interface Group {
  readonly index: number;
  readonly status: string;
  readonly error: unknown;
  readonly nodes: readonly Told[];
}

/** The tree in short: a node is its id, a container a list of its id and its rounds, a round its index and its nodes. */
type Outline = string | readonly (string | number | Outline)[];
const outlineOf = (node: Told): Outline => {
  const groups = [...(node.iterations ?? []), ...(node.loops ?? [])].map(
    (group) => [group.index, ...group.nodes.map(outlineOf)] as const,
  );
  const branches = (node.branches ?? []).map(
    (branch) => [branch.start_node_id, ...branch.nodes.map(outlineOf)] as const,
  );
  const name = node.unplaced === true ? `${node.node_execution_id}?` : node.node_execution_id;
  return groups.length + branches.length === 0 ? name : [name, ...groups, ...branches];
};

function* everyNode(nodes: readonly Told[]): Generator<Told> {
  for (const node of nodes) {
    yield node;
    for (const group of [...(node.iterations ?? []), ...(node.loops ?? []), ...(node.branches ?? [])]) {
      yield* everyNode(group.nodes);
    }
  }
}

const traceOf = async (run_id: string, query: HttpCall["query"] = {}): Promise<Told[]> => {
  const { status, json: answer } = await service.get({ resource: TRACE, path: { run_id }, query });
  expect(status).toBe(200);
  return answer.nodes;
};

const sample = (name: string): string[] =>
  readFileSync(join(__dirname, `../../events/runs/${name}.ndjson`), "utf8")
    .trim()
    .split("\n");

describe("a trace", () => {
  const node = (run_id: string, id: string, members: Record<string, unknown> = {}): string =>
    eventText("node.finished", { run_id, node_execution_id: id, node_id: id, ...(members as Record<string, string>) });

  test("nests the loops of an iteration: the sample nested-loop", async () => {
    await record(...sample("nested-loop"));

    expect((await traceOf("sample-nested-loop")).map(outlineOf)).toEqual([
      "sync-1",
      [
        "sync-2",
        [0, ["sync-3.0", [0, "sync-fetch_page.0.0", "sync-store.0.0"], [1, "sync-fetch_page.0.1", "sync-store.0.1"]]],
        [
          1,
          [
            "sync-3.1",
            [0, "sync-fetch_page.1.0", "sync-store.1.0"],
            [1, "sync-fetch_page.1.1", "sync-store.1.1"],
            [2, "sync-fetch_page.1.2", "sync-store.1.2"],
          ],
        ],
      ],
      "sync-4",
    ]);
  });

  test("nests the rounds of an agent's iteration with their failed attempts: the sample agent", async () => {
    await record(...sample("agent"));
    const [first] = sample("agent");
    const { run_id } = JSON.parse(first as string);

    const trace = await traceOf(run_id);

    const rounds = Array.from({ length: 10 }, (_, index) => [index, `trip-3.${index}`]);
    expect(trace.map(outlineOf)).toEqual(["trip-1", "trip-2", ["trip-3", ...rounds], "trip-4", "trip-5"]);
    const retried = [...everyNode(trace)].filter(({ retries }) => retries.length > 0);
    expect(
      retried.map(({ node_execution_id, retries }) => [node_execution_id, retries.map((retry) => retry.number)]),
    ).toEqual([
      ["trip-3.2", [1]],
      ["trip-3.5", [1, 2]],
    ]);
    expect(retried[0]?.retries[0]?.error).toBe("HTTP 429: slow down");
  });

  test("is a run's alone, and starts with the run", async () => {
    const run_id = newName();
    await record(eventText("run.started", { run_id, inputs: "x".repeat(100) }), node(run_id, "a"));

    const { json: answer } = await service.get({ resource: TRACE, path: { run_id } });

    expect(answer).toMatchObject({
      run: { run_id, status: "running", version: 1 },
      has_more: false,
      next_cursor: null,
    });
    expect(answer.nodes).toHaveLength(1);
    expect(answer.nodes[0]).not.toHaveProperty("inputs");
    expectProblem(await service.get({ resource: TRACE, path: { run_id: newName() } }), 404, "NOT_FOUND");
  });

  test("shows a container failed with the first error among its children, to any depth", async () => {
    const run_id = newName();
    const inside = (iteration_index: number) => ({ iteration_id: "outer", iteration_index });
    await record(
      node(run_id, "outer", { node_type: "iteration", index: 1 }),
      node(run_id, "fine", { ...inside(0), index: 2 }),
      node(run_id, "inner", { node_type: "loop", ...inside(1), index: 3 }),
      node(run_id, "late", { loop_id: "inner", loop_index: 1, index: 5, status: "failed", error: "second" }),
      node(run_id, "early", { loop_id: "inner", loop_index: 0, index: 4, status: "failed", error: "first" }),
    );

    const [outer] = await traceOf(run_id);

    expect(outer).toMatchObject({ status: "failed", error: "first" });
    expect(outer?.iterations).toMatchObject([
      { index: 0, status: "succeeded", error: null },
      { index: 1, status: "failed", error: "first", nodes: [{ node_execution_id: "inner", status: "failed" }] },
    ]);
    expect(outer?.iterations?.[1]?.nodes[0]?.loops).toMatchObject([{ error: "first" }, { error: "second" }]);
  });

  test("does not show a container failed for a child's exception", async () => {
    const run_id = newName();
    await record(
      node(run_id, "loop", { node_type: "loop" }),
      node(run_id, "child", { loop_id: "loop", loop_index: 0, status: "exception", error: "caught" }),
    );

    const [loop] = await traceOf(run_id);

    expect(loop).toMatchObject({ status: "succeeded", error: null, loops: [{ index: 0, status: "succeeded" }] });
  });

  test("puts a child without an index with the last round, or in a new one where that holds the same node", async () => {
    const run_id = newName();
    const started = (id: string, node_id: string, members: Record<string, number | string> = {}) =>
      eventText("node.started", { run_id, node_execution_id: id, node_id, loop_id: "loop", ...members });
    await record(
      eventText("node.started", { run_id, node_execution_id: "loop", node_id: "loop", node_type: "loop", index: 1 }),
      started("a-0", "a", { loop_index: 0, index: 2 }),
      started("b-0", "b", { loop_index: 0, index: 3 }),
      started("a-1", "a", { loop_index: 1, index: 4 }),
      started("b-1", "b", { index: 5 }),
      started("a-2", "a", { index: 6 }),
    );

    expect((await traceOf(run_id)).map(outlineOf)).toEqual([
      ["loop", [0, "a-0", "b-0"], [1, "a-1", "b-1"], [2, "a-2"]],
    ]);
  });

  test("puts what it cannot place at top level and says so", async () => {
    const run_id = newName();
    await record(
      node(run_id, "lost", { iteration_id: "never-seen", iteration_index: 0, index: 1 }),
      node(run_id, "self", { loop_id: "self", index: 2 }),
      node(run_id, "one", { loop_id: "two", index: 3 }),
      node(run_id, "two", { loop_id: "one", index: 4 }),
      node(run_id, "free", { index: 5 }),
    );

    const trace = await traceOf(run_id);

    expect([...everyNode(trace)].map((told) => told.node_execution_id).sort()).toEqual([
      "free",
      "lost",
      "one",
      "self",
      "two",
    ]);
    expect(trace.map(outlineOf)).toEqual(expect.arrayContaining(["lost?", "self?", "free"]));
    const cycle = trace.filter((told) => ["one", "two"].includes(told.node_execution_id));
    expect(cycle.length).toBeGreaterThan(0);
    expect(cycle.some((told) => told.unplaced === true)).toBe(true);
  });

  test("places a child that came before its container, once that comes", async () => {
    const run_id = newName();
    await record(node(run_id, "child", { iteration_id: "round", iteration_index: 3 }));
    const before = (await traceOf(run_id)).map(outlineOf);

    await record(node(run_id, "round", { node_type: "iteration" }));

    expect(before).toEqual(["child?"]);
    expect((await traceOf(run_id)).map(outlineOf)).toEqual([["round", [3, "child"]]]);
  });

  test("shows an iteration without rounds as one", async () => {
    const run_id = newName();
    await record(node(run_id, "round", { node_type: "iteration" }), node(run_id, "turn", { node_type: "loop" }));

    const [round, turn] = await traceOf(run_id);

    expect([round?.iterations, turn?.loops]).toEqual([[], []]);
  });

  test("gives one subtree by its root, the same as in the whole", async () => {
    await record(...sample("nested-loop"));
    const run_id = "sample-nested-loop";

    for (const told of everyNode(await traceOf(run_id))) {
      expect(await traceOf(run_id, { root: told.node_execution_id })).toEqual([told]);
    }
    for (const root of ["none", "", "a#b", "__proto__"]) {
      expectProblem(await service.get({ resource: TRACE, path: { run_id }, query: { root } }), 404, "NOT_FOUND");
    }
  });

  test("of a wide run is paged by bytes", async () => {
    const run_id = newName();
    const execution_metadata = Object.fromEntries(
      ["a", "b", "c", "d", "e", "f", "g", "h"].map((k) => [k, "x".repeat(1000)]),
    );
    const events = Array.from({ length: 800 }, (_, index) =>
      eventText("node.started", { run_id, node_execution_id: `n-${index}`, index, execution_metadata }),
    );
    await record(...events.slice(0, 400));
    await record(...events.slice(400));

    const pages = await pagesOf(service, { resource: TRACE, path: { run_id } });

    const ids = pages.flatMap((page) => page.json.nodes.map((told: Told) => told.node_execution_id));
    expect(ids).toEqual(events.map((_, index) => `n-${index}`));
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) expect(Buffer.byteLength(page.text)).toBeLessThan(5 * MB);
    expectCursors(pages);
  });

  test("misses no node execution, whatever contains it and whatever is missing", async () => {
    const name = fc.constantFrom("a", "b", "c", "d", "gone");
    const index = fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined });
    const member = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const anyNode = fc.record({
      node_id: member(name),
      node_type: fc.constantFrom("iteration", "loop", "code", undefined),
      iteration_id: member(name),
      loop_id: member(name),
      iteration_index: index,
      loop_index: index,
      parallel_id: member(fc.constantFrom("p", "q")),
      parallel_start_node_id: member(name),
      parent_parallel_id: member(fc.constantFrom("p", "q")),
      index,
    });
    const life = fc.constantFrom<EventType[]>(
      ["node.started"],
      ["node.finished"],
      ["node.started", "node.finished"],
      ["node.retried"],
      ["node.checkpointed"],
      ["node.started", "node.retried", "node.finished"],
    );
    const lives = fc.array(
      fc.record({
        of: anyNode,
        life,
        second: fc.integer({ min: 0, max: 3 }),
        status: fc.constantFrom("succeeded", "failed", "exception"),
      }),
      { minLength: 1, maxLength: 12 },
    );

    await fc.assert(
      fc.asyncProperty(lives, fc.infiniteStream(fc.nat()), async (given, order) => {
        const run_id = newName();
        const events = given.flatMap(({ of, life: types, second, status }, number) =>
          types.map((type, phase) => {
            const known = { run_id, node_execution_id: `n${number}`, at: at(second + phase) };
            if (type === "node.checkpointed") return eventText(type, known);
            if (type === "node.retried") return eventText(type, { ...known, node_id: of.node_id });
            return eventText(type, { ...known, ...of, ...(type === "node.finished" ? { status } : {}) });
          }),
        );
        const shuffled = events
          .map((event) => ({ event, place: order.next().value ?? 0 }))
          .sort((a, b) => a.place - b.place)
          .map(({ event }) => event);

        await record(...shuffled);
        const trace = await traceOf(run_id);
        const { json: list } = await service.get({ resource: NODES, path: { run_id }, query: { limit: "1000" } });

        const traced = [...everyNode(trace)].map((told) => told.node_execution_id);
        expect(traced.sort()).toEqual(given.map((_, number) => `n${number}`).sort());
        expect(traced).toEqual(column([{ json: list } as Reply], "node_execution_id").sort());
        for (const told of everyNode(trace)) if (told.unplaced === true) expect(trace).toContain(told);
      }),
      { numRuns: CASES ?? 120 },
    );
  }, 600_000);
});

describe("health", () => {
  test("is asked for without a credential", async () => {
    const reply = await service.get({ resource: "/v1/health", tenant: "", scopes: "" });

    expect([reply.status, reply.json]).toEqual([200, { status: "ok" }]);
    expect(reply.headers["content-type"]).toBe("application/json");
    expect(reply.headers["x-request-id"]).toMatch(/./);
  });
});

describe("answers at their edges", () => {
  test("an app's last activity is no earlier than its first", async () => {
    const tenant = newName();
    await postEvents(service, [eventText("run.started", { at: "2026-01-01T00:00:00Z" })], tenant);

    const { json: answer } = await service.get({ resource: "/v1/apps", tenant });

    const [app] = answer.data;
    expect(app.last_activity_at >= app.first_activity_at).toBe(true);
  });

  test("a container shows the error of its failed child, however long that is", async () => {
    const run_id = newName();
    const error = "boom ".repeat(400);
    await record(
      eventText("node.finished", { run_id, node_execution_id: "loop", node_id: "loop", node_type: "loop" }),
      eventText("node.finished", {
        run_id,
        node_execution_id: "child",
        loop_id: "loop",
        loop_index: 0,
        status: "failed",
        error,
      }),
    );

    const [loop] = (await service.get({ resource: TRACE, path: { run_id } })).json.nodes;

    expect(loop.status).toBe("failed");
    expect(loop.error ?? loop.error_preview).toEqual(expect.stringContaining("boom"));
  });

  test("a trace is paged by bytes inside a container as well", async () => {
    const run_id = newName();
    const execution_metadata = Object.fromEntries(
      ["a", "b", "c", "d", "e", "f", "g", "h"].map((k) => [k, "x".repeat(1000)]),
    );
    const events = Array.from({ length: 800 }, (_, index) =>
      eventText("node.started", {
        run_id,
        node_execution_id: `n-${index}`,
        iteration_id: "round",
        iteration_index: index,
        execution_metadata,
      }),
    );
    await record(
      eventText("node.started", { run_id, node_execution_id: "round", node_id: "round", node_type: "iteration" }),
    );
    await record(...events.slice(0, 400));
    await record(...events.slice(400));

    const pages = await pagesOf(service, { resource: TRACE, path: { run_id } });

    for (const page of pages) expect(Buffer.byteLength(page.text)).toBeLessThan(5 * MB);
    const ids = pages.flatMap((page) => [...everyNode(page.json.nodes)].map((told) => told.node_execution_id));
    expect(ids.filter((id) => id !== "round").sort()).toEqual(events.map((_, index) => `n-${index}`).sort());
    expectCursors(pages);
  });
});

describe("an answer that is nearly as large as they come", () => {
  test.each([
    ["quotes", `["${'","'.repeat(162_500)}"]`],
    ["backslashes", `"${"\\\\".repeat(243_750)}"`],
    ["characters of three bytes", `"${"\u20ac".repeat(325_000)}"`],
  ])("is carried by Lambda where it is all %s", async (_what, quarter) => {
    const run_id = newName();
    // A larger value would be a link.
    const names = ["inputs", "outputs", "process_data", "custom"];
    const payload = Object.fromEntries(names.map((name) => [name, json(quarter)]));
    const node = eventText("node.finished", { run_id, node_execution_id: "n", ...payload });
    await record(node);

    for (const call of [{ resource: NODES, query: { include: "payload" } }, { resource: `${RUN}/events` }]) {
      const { status, text } = await service.get({ ...call, path: { run_id } });
      expect(status).toBe(200);
      expect(text.split(quarter)).toHaveLength(5);
    }
  });
});
