import { gzipSync } from "node:zlib";
import type { EventQueue } from "../../shared/ports/event-queue.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { quarantined } from "../support/quarantine.ts";
import { type HttpCall, type Reply, runKey, type Service, startService } from "../support/service.ts";
import { logText, storedBy } from "../support/stored.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(60_000);

const ASYNC = { prefer: "respond-async" };
const MEGABYTE = 1024 * 1024;
const MOST_BYTES = 900 * 1024;

let service: Service;
beforeAll(async () => {
  service = await startService(undefined, manualClock());
});
afterEach(() => service.takeQueued());
afterAll(() => service.stop());

let tenants = 0;
const newTenant = (): string => `tenant-${++tenants}`;

const post = (body: string | Buffer, call: Partial<HttpCall> = {}): Promise<Reply> =>
  service.post({ resource: "/v1/events", body, headers: ASYNC, ...call });
const listOf = (events: readonly string[]): string => `{"events":[${events.join(",")}]}`;
const runOf = (tenant: string, run_id = "run-1"): Promise<Reply> =>
  service.get({ resource: "/v1/runs/{run_id}", path: { run_id }, tenant });
/** Consumes what is on the queue; gives the bodies. */
const consumeQueued = async (): Promise<string[]> => {
  const bodies = await service.takeQueued();
  expect(await service.deliver(bodies)).toEqual({ batchItemFailures: [] });
  return bodies;
};

/** A service whose queue does as it is told. */
const startWith = (queue: EventQueue): Promise<Service> => startService(undefined, manualClock(), queue);

describe("events for later", () => {
  test("are queued with their tenant, answered with 202, and recorded off the queue", async () => {
    const tenant = newTenant();
    const started = eventText("run.started");
    const finished = eventText("run.finished", { id: "the-end" });

    const reply = await post(listOf([started, finished]), { tenant });
    const before = await runOf(tenant);
    const bodies = await consumeQueued();

    expect(reply.status).toBe(202);
    expect(reply.headers["preference-applied"]).toBe("respond-async");
    expect(reply.headers["content-type"]).toBe("application/json");
    expect(reply.json).toEqual({
      queued: 2,
      rejected: 0,
      unavailable: 0,
      results: [
        { index: 0, id: expect.stringMatching(/^[0-9a-f]{32}$/), run_id: "run-1", status: "queued" },
        { index: 1, id: "the-end", run_id: "run-1", status: "queued" },
      ],
    });
    expect(before.status).toBe(404);
    expect(bodies).toEqual([listOf([ofTenant(tenant, started), ofTenant(tenant, finished)])]);
    expect((await runOf(tenant)).json).toMatchObject({ status: "succeeded", conflicts: [] });
  });

  test("are the same events as those that are recorded at once", async () => {
    const tenant = newTenant();
    const event = eventText("run.started", { inputs: { a: 1 } });

    const later = await post(listOf([event]), { tenant });
    await consumeQueued();
    const version = (await runOf(tenant)).json.version;
    const now = await post(listOf([event]), { tenant, headers: {} });

    expect(now.status).toBe(200);
    expect(now.json.results[0].id).toBe(later.json.results[0].id);
    expect((await runOf(tenant)).json).toMatchObject({ version, conflicts: [] });
  });

  test("can be sent again and again", async () => {
    const tenant = newTenant();
    const body = listOf([eventText("run.started"), eventText("run.finished")]);

    const replies = [await post(body, { tenant }), await post(body, { tenant })];
    await consumeQueued();

    expect(replies[1]?.json).toEqual(replies[0]?.json);
    expect((await runOf(tenant)).json).toMatchObject({ status: "succeeded", version: 1, conflicts: [] });
  });

  test("can come as lines, and packed", async () => {
    const tenant = newTenant();
    const lines = `${eventText("run.started")}\r\n\n  ${eventText("run.finished")}  \n`;
    const headers = { ...ASYNC, "content-type": "application/x-ndjson", "content-encoding": "gzip" };

    const reply = await post(gzipSync(lines), { tenant, headers });
    await consumeQueued();

    expect(reply.json).toMatchObject({ queued: 2, rejected: 0 });
    expect((await runOf(tenant)).json.status).toBe("succeeded");
  });

  test.each(["wait=20, Respond-Async", 'foo="bar, baz"; x=1, respond-async'])("are asked for by %j", async (prefer) => {
    const reply = await post(listOf([eventText("run.started")]), { tenant: newTenant(), headers: { Prefer: prefer } });

    expect(reply.status).toBe(202);
  });

  test.each(["wait=20", 'foo="respond-async"', "respond-async=no", ""])(
    "are not asked for by %j: they are recorded at once",
    async (prefer) => {
      const tenant = newTenant();

      const reply = await post(listOf([eventText("run.started")]), { tenant, headers: { prefer } });

      expect([reply.status, reply.json.accepted]).toEqual([200, 1]);
      expect(reply.headers).not.toHaveProperty("preference-applied");
      expect(await service.takeQueued()).toEqual([]);
      expect((await runOf(tenant)).status).toBe(200);
    },
  );

  test("touch no store until they are recorded", async () => {
    const before = await storedBy(service);

    await post(listOf([eventText("run.started")]), { tenant: newTenant() });

    expect(await storedBy(service)).toEqual(before);
  });
});

describe("payload that goes over the queue", () => {
  const values = [
    "12345678901234567890123",
    "1.0",
    "1e400",
    "-0",
    '{"b" : 1,\t"a":[ 2 ]\r\n}',
    '"\\u0061\\/\\ud83d\\ude00\\ud800"',
    '"\u0000"'.replace("\u0000", "\\u0000"),
    '"é😀\u007f\u0085\u2028\ufdd0\ufffd\ufeff\u{1fffe}\u{10ffff}"',
    '{"__proto__":1,"":2}',
    '"{\\"tenant_id\\":\\"acme\\"}"',
  ];

  test.each(values)("comes back as the text that was sent: %j", async (text) => {
    const tenant = newTenant();

    expect((await post(listOf([eventText("run.started", { inputs: json(text) })]), { tenant })).status).toBe(202);
    await consumeQueued();

    expect((await runOf(tenant)).text).toContain(`"inputs":${text},`);
  });

  test("comes back as the same value where the queue cannot carry a character", async () => {
    const tenant = newTenant();
    const event = eventText("run.started", { inputs: json('{"\uffff":"\ufffe \\\\\uffff"}') });

    const later = await post(listOf([event]), { tenant });
    await consumeQueued();
    const run = await runOf(tenant);
    const now = await post(listOf([event]), { tenant, headers: {} });

    expect(run.json.inputs).toEqual({ "\uffff": "\ufffe \\\uffff" });
    expect(run.text).toContain('"inputs":{"\\uffff":"\\ufffe \\\\\\uffff"}');
    expect(now.json.results[0].id).toBe(later.json.results[0].id);
  });

  test("is in no log", async () => {
    await post(listOf([eventText("run.started", { inputs: "s3cret" })]), { tenant: newTenant() });
    await consumeQueued();

    expect(logText(service)).not.toContain("s3cret");
  });
});

describe("a request for later with bad events", () => {
  test("is answered with 202 and every reason where some are good", async () => {
    const tenant = newTenant();
    const events = [
      eventText("run.started"),
      eventText("node.started", { at: "never", index: -1 }),
      eventText("run.started", { tenant_id: "acme" }),
      eventText("run.started", { at: "2026-11-24T12:00:00Z" }),
    ];

    const reply = await post(listOf(events), { tenant });
    await consumeQueued();

    expect(reply.status).toBe(202);
    expect(reply.json).toMatchObject({ queued: 1, rejected: 3, unavailable: 0 });
    expect(reply.json.results).toMatchObject([
      { index: 0, status: "queued" },
      { index: 1, status: "rejected", code: "INVALID_EVENT", errors: [{ path: "at" }, { path: "index" }] },
      { index: 2, status: "rejected", code: "INVALID_EVENT", errors: [{ path: "tenant_id" }] },
      { index: 3, status: "rejected", code: "AT_IN_FUTURE" },
    ]);
    expect((await runOf(tenant)).json).toMatchObject({ status: "running", node_counts: { running: 0 } });
    expect((await runOf("acme")).status).toBe(404);
    expect(await quarantined(service.dependencies.quarantine, runKey(tenant, "run-1").tenantId)).toEqual([]);
  });

  test.each([
    ["ALL_REJECTED", listOf([eventText("run.started", { at: "never" }), "7"]), 2],
    ["ALL_REJECTED", listOf([eventText("run.started", { tenant_id: "demo" })]), 1],
    ["ALL_REJECTED", `{"events":[${eventText("run.started").replace("{", '{"tenant\\u005fid":"acme",')}]}`, 1],
    ["NO_EVENTS", listOf([]), 0],
  ] as const)("is refused as one that is recorded at once: %s %s", async (code, body, rejected) => {
    const later = await post(body);
    const now = await post(body, { headers: {} });

    expectProblem(later, 400, code);
    expect(later.headers).not.toHaveProperty("preference-applied");
    expect(later.json).toMatchObject({ queued: 0, rejected, unavailable: 0 });
    expect(later.json.results).toEqual(now.json.results);
    expect(await service.takeQueued()).toEqual([]);
  });

  test.each([
    ["NOT_JSON", 400, "{"],
    ["INVALID_REQUEST", 400, "[]"],
    ["TOO_MANY_EVENTS", 400, listOf(Array.from({ length: 1001 }, () => eventText("run.started")))],
  ] as const)("is refused as one that is recorded at once: %s", async (code, status, body) => {
    expectProblem(await post(body), status, code);
    expect(await service.takeQueued()).toEqual([]);
  });

  test("needs the scope ingest", async () => {
    expectProblem(await post("{}", { scopes: "read payload control admin" }), 403, "FORBIDDEN");
  });

  test("leaves what only the ledger knows to quarantine", async () => {
    const tenant = newTenant();

    const reply = await post(listOf([eventText("run.started", { epoch: 2 })]), { tenant });
    await consumeQueued();

    expect(reply.json).toMatchObject({ queued: 1 });
    const { tenantId } = runKey(tenant, "run-1");
    expect(await quarantined(service.dependencies.quarantine, tenantId)).toMatchObject([{ code: "UNKNOWN_EPOCH" }]);
  });
});

describe("the size of a request for later", () => {
  const sized = (bytes: number, run_id = "run-1"): string => {
    const empty = listOf([eventText("run.started", { run_id, inputs: "" })]);
    return listOf([eventText("run.started", { run_id, inputs: "x".repeat(bytes - empty.length) })]);
  };

  test("is up to 900 KiB", async () => {
    const tenant = newTenant();

    expect((await post(sized(MOST_BYTES), { tenant })).status).toBe(202);
    await consumeQueued();
    expect((await runOf(tenant)).status).toBe(200);
  });

  test.each([
    ["as it comes", (body: string) => [body, ASYNC] as const],
    ["unpacked", (body: string) => [gzipSync(body), { ...ASYNC, "content-encoding": "gzip" }] as const],
  ])("is refused over that, %s, with the limit", async (_what, packed) => {
    const [body, headers] = packed(sized(MOST_BYTES + 1));

    const reply = await post(body, { headers });

    expectProblem(reply, 413, "REQUEST_TOO_LARGE");
    expect(reply.json.detail).toContain("900 KiB");
    expect(await service.takeQueued()).toEqual([]);
    expect((await post(sized(MOST_BYTES + 1, "now"), { headers: {} })).status).toBe(200);
  });

  test("is counted in bytes, not characters", async () => {
    const event = eventText("run.started", { inputs: "é".repeat(MOST_BYTES / 2) });

    expectProblem(await post(listOf([event])), 413, "REQUEST_TOO_LARGE");
  });

  test("may take several messages, where a long name of a tenant is written into a thousand events", async () => {
    const tenant = "x".repeat(128);
    const eventsOf = (characters: number) =>
      Array.from({ length: 1000 }, (_, n) =>
        eventText("node.started", { node_execution_id: `node-${n}`, inputs: "y".repeat(characters) }),
      );
    const body = listOf(eventsOf(Math.floor((MOST_BYTES - listOf(eventsOf(0)).length) / 1000)));

    const reply = await post(body, { tenant });
    const bodies = await consumeQueued();

    expect(reply.json).toMatchObject({ queued: 1000, rejected: 0, unavailable: 0 });
    expect(bodies.length).toBeGreaterThan(1);
    for (const message of bodies) expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MEGABYTE);
    expect((await runOf(tenant)).json.node_counts.running).toBe(1000);
  });

  test("of one event can be too much for the queue alone: it says how to send it", async () => {
    const large = eventText("run.started", { run_id: "large", inputs: "\uffff".repeat(200_000) });

    const reply = await post(listOf([large, eventText("run.started")]), { tenant: newTenant() });

    expect(reply.status).toBe(202);
    expect(reply.json).toMatchObject({ queued: 1, rejected: 1 });
    expect(reply.json.results[0]).toMatchObject({
      run_id: "large",
      status: "rejected",
      code: "EVENT_TOO_LARGE",
      errors: [{ path: "", message: expect.stringContaining("without Prefer") }],
    });
  });
});

describe("trouble with the queue", () => {
  const fault = new StoreFault("throttled", { cause: new Error("a cause"), isRetryable: true });

  test("is 503 with a time to wait", async () => {
    const troubled = await startWith({
      send: async (_, events) => events.map(() => ({ status: "unavailable", fault })),
    });
    const body = listOf([eventText("run.started"), eventText("run.started", { at: "never" })]);

    const reply = await troubled.post({ resource: "/v1/events", headers: ASYNC, body });
    troubled.stop();

    expectProblem(reply, 503, "UNAVAILABLE");
    expect(Number(reply.headers["retry-after"])).toBeGreaterThan(0);
    expect(reply.headers).not.toHaveProperty("preference-applied");
    expect(reply.json).toMatchObject({ queued: 0, rejected: 1, unavailable: 1 });
    expect(reply.json.results).toMatchObject([
      { run_id: "run-1", status: "unavailable", code: "UNAVAILABLE" },
      { status: "rejected" },
    ]);
    expect(troubled.logs).toContainEqual(expect.objectContaining({ level: "error", events: 1, error: fault }));
  });

  test("that concerns some events is told event by event", async () => {
    const troubled = await startWith({
      send: async (_, events) =>
        events.map((_event, index) => (index === 1 ? { status: "unavailable", fault } : { status: "queued" })),
    });
    const body = listOf(["a", "b", "c"].map((run_id) => eventText("run.started", { run_id })));

    const reply = await troubled.post({ resource: "/v1/events", headers: ASYNC, body });
    troubled.stop();

    expect(reply.status).toBe(202);
    expect(reply.json).toMatchObject({ queued: 2, rejected: 0, unavailable: 1 });
    expect(reply.json.results).toMatchObject([{ status: "queued" }, { status: "unavailable" }, { status: "queued" }]);
  });
});

describe("a Dify stream", () => {
  test("is recorded at once, whatever the request prefers", async () => {
    const tenant = newTenant();
    const data = { id: "run-1", workflow_id: "w", inputs: {}, created_at: 1_795_341_600 };
    const frame = { event: "workflow_started", task_id: "t", workflow_run_id: "run-1", data };

    const reply = await service.post({
      resource: "/v1/dify/events",
      query: { app_id: "dify-app" },
      headers: { ...ASYNC, "content-type": "text/event-stream" },
      body: `data: ${JSON.stringify(frame)}\n\n`,
      tenant,
    });

    expect([reply.status, reply.json.accepted]).toEqual([200, 1]);
    expect(reply.headers).not.toHaveProperty("preference-applied");
    expect((await runOf(tenant)).json.status).toBe("running");
  });
});
