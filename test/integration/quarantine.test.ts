import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { buryRun } from "../../shared/app/deletion/delete-run.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { deliverBatch } from "../support/queue-batch.ts";
import { type HttpCall, postEvents, type Reply, runKey, type Service, startService } from "../support/service.ts";
import { logText, objectsOf } from "../support/stored.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(60_000);

const LIST = "/v1/quarantine";
const REDRIVE = "/v1/quarantine/{id}/redrive";
const REDRIVE_ALL = "/v1/quarantine/redrive";
const DAY_MS = 86_400_000;
const NOON = Date.parse("2026-11-22T12:00:00.000Z");
const SENT_AT = NOON - 60_000;
/** Too far ahead until a day has passed. */
const LATER = "2026-11-23T18:00:00Z";

interface Place {
  readonly service: Service;
  readonly clock: ManualClock;
}

const opened: Service[] = [];
const open = async (change?: (dependencies: Dependencies, clock: ManualClock) => Dependencies): Promise<Place> => {
  const clock = manualClock();
  const service = await startService(change && ((dependencies) => change(dependencies, clock)), clock);
  opened.push(service);
  return { service, clock };
};

let place: Place;
beforeEach(async () => {
  place = await open();
});
afterEach(() => {
  for (const service of opened.splice(0)) service.stop();
});

let messages = 0;
/** Sends events of a tenant as one message each, so many seconds after {@link SENT_AT}. Gives the messages' ids. */
const send = async (events: readonly string[], of: { tenant?: string; seconds?: number; at?: Place } = {}) => {
  const { tenant = "demo", seconds = 0, at = place } = of;
  const sent = events.map((event) => ({
    id: `00000000-0000-4000-8000-${String(++messages).padStart(12, "0")}`,
    body: ofTenant(tenant, event),
    sentAt: SENT_AT + seconds * 1000,
  }));
  expect(await deliverBatch(at.service.dependencies, sent)).toEqual([]);
  return sent;
};

const list = (call: Partial<HttpCall> = {}, at = place): Promise<Reply> => at.service.get({ resource: LIST, ...call });
const redrive = (id: string, call: Partial<HttpCall> = {}, at = place): Promise<Reply> =>
  at.service.post({ resource: REDRIVE, path: { id }, ...call });
const redriveAll = (call: Partial<HttpCall> = {}, at = place): Promise<Reply> =>
  at.service.post({ resource: REDRIVE_ALL, ...call });
const runOf = (run_id: string, tenant = "demo", at = place): Promise<Reply> =>
  at.service.get({ resource: "/v1/runs/{run_id}", path: { run_id }, tenant });
const eventsOf = async (run_id: string, at = place) =>
  (await at.service.get({ resource: "/v1/runs/{run_id}/events", path: { run_id } })).json.data;

const rows = async (call: Partial<HttpCall> = {}, at = place) => {
  const reply = await list({ query: { limit: "100" }, ...call }, at);
  expect(reply.status).toBe(200);
  return reply.json.data;
};
const onlyId = async (tenant = "demo", at = place): Promise<string> => {
  const [row, ...others] = await rows({ tenant }, at);
  expect(others).toEqual([]);
  return row.id;
};
const pages = async (query: Readonly<Record<string, string>>, between: () => Promise<unknown> = async () => {}) => {
  const found: Reply[] = [];
  let after: Record<string, string> = {};
  for (let hasMore = true; hasMore; ) {
    const page = await list({ query: { ...query, ...after } });
    expect(page.status).toBe(200);
    found.push(page);
    hasMore = page.json.has_more;
    after = { cursor: page.json.next_cursor };
    await between();
  }
  return found;
};

const started = (run_id: string, members: Parameters<typeof eventText>[1] = {}): string =>
  eventText("run.started", { run_id, ...members });
/** Refused now, and good from tomorrow on. */
const early = (run_id: string): string => started(run_id, { at: LATER });
const bad = (run_id: string): string => eventText("run.finished", { run_id, status: "done" });

const trouble = (): StoreFault => new StoreFault("throttled", { cause: undefined, isRetryable: true });

describe("the quarantine", () => {
  test("shows what was refused, why, and the event as it was sent", async () => {
    const inputs = '{"n" : 12345678901234567890, "x":1.0, "s":"\\u00e9\\ud800 😀"}';
    const [sent] = await send([started("run-1", { at: "never", inputs: json(inputs) })]);

    const reply = await list();

    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ has_more: false, next_cursor: null });
    expect(reply.json.data).toEqual([
      {
        id: expect.stringMatching(/^[A-Za-z0-9_-]{1,128}$/),
        message_id: sent?.id,
        index: 0,
        sent_at: "2026-11-22T11:59:00.000Z",
        code: "INVALID_EVENT",
        errors: [{ path: "at", message: expect.stringMatching(/date and time/) }],
        run_id: "run-1",
        expires_at: "2026-12-06T11:59:00.000Z",
        event: expect.objectContaining({ tenant_id: "demo", run_id: "run-1" }),
      },
    ]);
    expect(reply.text).toContain(`"event":${sent?.body}`);
  });

  test("shows no run where the event names none that can be read", async () => {
    await send([eventText("run.started", { run_id: 7 })]);
    await send([eventText("run.started", { run_id: "a#b" })], { seconds: -1 });

    expect((await rows()).map((row: { run_id: unknown }) => row.run_id)).toEqual([null, "a#b"]);
  });

  test("hides the event from a credential without payload's scope", async () => {
    await send([started("run-1", { at: "never", inputs: "s3cret" })]);

    const reply = await list({ scopes: "admin read" });

    expect(reply.text).not.toContain("s3cret");
    expect(reply.json.data).toMatchObject([{ run_id: "run-1", code: "INVALID_EVENT", payload_hidden: true }]);
    expect(reply.json.data[0]).not.toHaveProperty("event");
    expect((await list()).json.data[0]).not.toHaveProperty("payload_hidden");
    expect(logText(place.service)).not.toContain("s3cret");
  });

  test("is newest first, in pages of any size, each event once", async () => {
    for (const second of [3, 0, 2, 0]) await send([bad("run-1"), bad("run-2")], { seconds: second });
    const all = await rows();
    const times = all.map((row: { sent_at: string }) => row.sent_at);

    expect(times).toEqual([...times].sort().reverse());
    for (const limit of [1, 2, 3, 7, 8, 9]) {
      const found = await pages({ limit: String(limit) });
      expect(found.flatMap((page) => page.json.data)).toEqual(all);
      expect(found).toHaveLength(Math.ceil(all.length / limit));
    }
  });

  test("goes on where it stood, whatever is refused or redriven in between", async () => {
    for (const second of [1, 2, 3, 4, 5]) await send([early(`run-${second}`)], { seconds: second });
    const before = await rows();
    let seconds = 10;
    place.clock.advance(DAY_MS);

    const found = await pages({ limit: "2" }, async () => {
      await send([bad("newer")], { seconds: seconds++ });
      await redrive(before[1].id);
    });

    const ids = found.flatMap((page) => page.json.data.map(({ id }: { id: string }) => id));
    expect(ids).toEqual(before.map(({ id }: { id: string }) => id));
  });

  test("is paged at 4 MB where it shows events, and not where it does not", async () => {
    const inputs = randomBytes(525_000).toString("base64");
    for (const seconds of [1, 2, 3, 4, 5, 6, 7]) await send([started("large", { at: "never", inputs })], { seconds });

    const found = await pages({ limit: "100" });
    const light = await list({ scopes: "admin", query: { limit: "100" } });

    expect(found.map((page) => page.json.data.length)).toEqual([5, 2]);
    for (const page of found) {
      expect(Buffer.byteLength(page.text)).toBeLessThan(4.1 * 1024 * 1024);
      for (const row of page.json.data) expect(row.event.inputs === inputs).toBe(true);
    }
    expect(light.json.data).toHaveLength(7);
  });

  test("forgets an event fourteen days after it was sent, at the second", async () => {
    await send([early("run-1")]);
    await send([early("run-2")], { seconds: 1 });
    const [, older] = await rows();

    place.clock.advance(14 * DAY_MS - 60_000 - 1);
    expect(await rows()).toHaveLength(2);
    place.clock.advance(1);
    expect(await rows()).toMatchObject([{ run_id: "run-2" }]);
    expectProblem(await redrive(older.id), 404, "NOT_FOUND");
    expect((await redriveAll()).json).toMatchObject({ redriven: 1, still_refused: 0, has_more: false });
    expect((await runOf("run-1")).status).toBe(404);
  });

  test("goes on after a position that has expired since", async () => {
    for (const seconds of [1, 2, 3]) await send([bad("run-1")], { seconds });
    const first = await list({ query: { limit: "2" } });
    place.clock.advance(14 * DAY_MS);

    const second = await list({ query: { limit: "2", cursor: first.json.next_cursor } });

    expect([second.status, second.json]).toEqual([200, { data: [], has_more: false, next_cursor: null }]);
  });

  test.each([
    ["limit", "0"],
    ["limit", "101"],
    ["tenant", "acme"],
    ["id", "x"],
  ])("refuses the parameter %s=%s", async (name, value) => {
    expectProblem(await list({ query: { [name]: value } }), 400, "INVALID_REQUEST");
  });

  test("refuses cursors that are damaged, or of another query", async () => {
    for (const seconds of [1, 2, 3]) await send([bad("run-1")], { seconds });
    const { next_cursor: cursor } = (await list({ query: { limit: "1" } })).json;

    expectProblem(await list({ query: { cursor: `${cursor}x` } }), 400, "CURSOR_INVALID");
    expectProblem(await list({ query: { cursor }, tenant: "acme" }), 400, "CURSOR_MISMATCH");
    expectProblem(await redriveAll({ query: { cursor } }), 400, "CURSOR_MISMATCH");
  });
});

describe("the quarantine of another tenant", () => {
  test("is not seen, and nothing of it can be redriven", async () => {
    await send([early("run-1")], { tenant: "acme" });
    await send([early("run-2")], { tenant: "acme-2" });
    const id = await onlyId("acme");
    place.clock.advance(DAY_MS);

    expect(await rows()).toEqual([]);
    expectProblem(await redrive(id), 404, "NOT_FOUND");
    expectProblem(await redrive(id, { tenant: "acme-2" }), 404, "NOT_FOUND");
    expect((await redriveAll()).json).toMatchObject({ redriven: 0, still_refused: 0, unavailable: 0 });

    expect(await onlyId("acme")).toBe(id);
    for (const tenant of ["demo", "acme", "acme-2"]) expect((await runOf("run-1", tenant)).status).toBe(404);
    expect((await redrive(id, { tenant: "acme" })).json).toMatchObject({ redriven: 1 });
    expect((await runOf("run-1", "acme")).status).toBe(200);
    expect((await runOf("run-1")).status).toBe(404);
  });

  test("is not reached by what is only the operator's to see", async () => {
    await deliverBatch(place.service.dependencies, [{ id: "m", body: "not JSON", sentAt: SENT_AT }]);

    for (const tenant of ["demo", "OPERATOR", "operator"]) expect(await rows({ tenant })).toEqual([]);
  });

  test.each<[string, (scopes: string) => Promise<Reply>]>([
    ["list", (scopes) => list({ scopes })],
    ["redrive one", (scopes) => redrive("x", { scopes })],
    ["redrive all", (scopes) => redriveAll({ scopes })],
  ])("needs the scope admin, as one's own does: %s", async (_what, ask) => {
    for (const scopes of ["", "ingest read payload control", "Admin"]) {
      expectProblem(await ask(scopes), 403, "FORBIDDEN");
    }
  });
});

describe("redriving one event", () => {
  test("records it as if it came off the queue now, and takes it out of quarantine", async () => {
    const inputs = '{"n" : 12345678901234567890, "x":1.0}';
    await send([started("run-1", { at: LATER, inputs: json(inputs) }), bad("run-2")]);
    const [{ id }] = (await rows()).filter((row: { run_id: string }) => row.run_id === "run-1");
    place.clock.advance(DAY_MS);

    const reply = await redrive(id);

    expect([reply.status, reply.json]).toEqual([
      200,
      { redriven: 1, still_refused: 0, unavailable: 0, results: [{ id, run_id: "run-1", status: "redriven" }] },
    ]);
    const run = await runOf("run-1");
    expect(run.json).toMatchObject({ status: "running", version: 1 });
    expect(run.text).toContain(`"inputs":${inputs}`);
    expect(await eventsOf("run-1")).toMatchObject([
      { source: "queue", actor: "engine", received_at: "2026-11-23T12:00:00.000Z" },
    ]);
    expect(await rows()).toMatchObject([{ run_id: "run-2" }]);
    expectProblem(await redrive(id), 404, "NOT_FOUND");
  });

  test("takes an object along where the event was kept as one", async () => {
    const inputs = randomBytes(720_000).toString("base64");
    await send([started("large", { at: LATER, inputs })]);
    expect(objectsOf(place.service).filter((path) => path.includes("quarantine"))).toHaveLength(1);
    place.clock.advance(DAY_MS);

    const reply = await redrive(await onlyId());

    expect(reply.json).toMatchObject({ redriven: 1 });
    expect((await runOf("large")).json.inputs === inputs).toBe(true);
    expect(objectsOf(place.service).filter((path) => path.includes("quarantine"))).toEqual([]);
  });

  test("keeps it with the new reasons where it is refused again", async () => {
    const [sent] = await send([started("run-1", { at: LATER, epoch: 2 })]);
    const id = await onlyId();
    expect(await rows()).toMatchObject([{ code: "AT_IN_FUTURE", errors: [{ path: "at" }] }]);
    place.clock.advance(DAY_MS);

    const reply = await redrive(id);

    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({
      redriven: 0,
      still_refused: 1,
      unavailable: 0,
      results: [
        {
          id,
          run_id: "run-1",
          status: "still_refused",
          code: "UNKNOWN_EPOCH",
          errors: [{ path: "epoch", message: expect.stringMatching(/claim/) }],
        },
      ],
    });
    expect(await rows()).toMatchObject([
      { id, code: "UNKNOWN_EPOCH", errors: [{ path: "epoch" }], expires_at: "2026-12-06T11:59:00.000Z" },
    ]);
    expect((await list()).text).toContain(`"event":${sent?.body}`);
    expect((await runOf("run-1")).status).toBe(404);
  });

  test.each([
    ["deleted", "RUN_DELETED", 0],
    ["deleted when it had expired", "RUN_EXPIRED", 2 * DAY_MS],
  ])("removes it for good where its run was %s, whatever else is wrong with it", async (_what, code, afterMs) => {
    const { dependencies } = place.service;
    expect((await postEvents(place.service, [started("gone", { at: "2026-11-22T12:00:00Z" })])).status).toBe(200);
    place.clock.advance(29 * DAY_MS);
    // As where the run was buried, and its quarantine was looked through a moment too early.
    const sentAt = place.clock.now();
    await deliverBatch(dependencies, [{ id: "m", body: ofTenant("demo", bad("gone")), sentAt }]);
    await deliverBatch(dependencies, [{ id: "n", body: ofTenant("demo", bad("here")), sentAt }]);
    place.clock.advance(afterMs);
    await buryRun(dependencies, runKey("demo", "gone"));
    const [{ id }] = (await rows()).filter((row: { run_id: string }) => row.run_id === "gone");

    const reply = await redrive(id);

    expect(reply.json).toMatchObject({ still_refused: 1, results: [{ id, run_id: "gone", code }] });
    expectProblem(await redrive(id), 404, "NOT_FOUND");
    expect(await rows()).toMatchObject([{ run_id: "here", code: "INVALID_EVENT" }]);
  });

  test("leaves it where the store does not tell whether its run was deleted", async () => {
    let isDown = false;
    const at = await open(({ runs, ...dependencies }) => ({
      ...dependencies,
      runs: {
        ...runs,
        find: async (run) => {
          if (isDown) throw trouble();
          return runs.find(run);
        },
      },
    }));
    await send([bad("run-1")], { at });
    const id = await onlyId("demo", at);
    isDown = true;

    expectProblem(await redrive(id, {}, at), 503, "UNAVAILABLE");
    expect(await onlyId("demo", at)).toBe(id);
  });

  test("is refused for an id that is none, unknown, or nobody's", async () => {
    await send([early("run-1")]);
    const id = await onlyId();
    const unknown = Buffer.from(`${SENT_AT}#1#m`).toString("base64url");

    for (const other of ["x", "", "run-1", `${id}x`, id.slice(1), unknown, `${id}%00`, "%", "x".repeat(5000)]) {
      expectProblem(await redrive(other), 404, "NOT_FOUND");
    }
    expect(await onlyId()).toBe(id);
  });

  test.each([
    ["none", undefined],
    ["an empty object", " {} "],
  ])("takes a body that is %s", async (_what, body) => {
    await send([bad("run-1")]);

    const reply = await redrive(await onlyId(), body === undefined ? {} : { body });

    expect(reply.json).toMatchObject({ still_refused: 1 });
  });

  test.each([
    ["NOT_JSON", "{"],
    ["INVALID_REQUEST", "[]"],
    ["INVALID_REQUEST", "null"],
    ["INVALID_REQUEST", '{"dry_run":true}'],
  ] as const)("refuses any other body: %s %s", async (code, body) => {
    await send([early("run-1")]);
    const id = await onlyId();
    place.clock.advance(DAY_MS);

    expectProblem(await redrive(id, { body }), 400, code);
    expectProblem(await redriveAll({ body }), 400, code);
    expect(await onlyId()).toBe(id);
  });

  test("refuses parameters", async () => {
    expectProblem(await redrive("x", { query: { dry_run: "1" } }), 400, "INVALID_REQUEST");
    expectProblem(await redriveAll({ query: { limit: "1" } }), 400, "INVALID_REQUEST");
  });

  test("is 503 where the store does not take it, and succeeds later", async () => {
    let isDown = true;
    const at = await open((dependencies) => ({
      ...dependencies,
      ledger: {
        ...dependencies.ledger,
        append: async (run, entry) => {
          if (isDown) throw trouble();
          await dependencies.ledger.append(run, entry);
        },
      },
    }));
    await send([early("run-1")], { at });
    const id = await onlyId("demo", at);
    at.clock.advance(DAY_MS);

    const first = await redrive(id, {}, at);
    isDown = false;
    const second = await redrive(id, {}, at);

    expectProblem(first, 503, "UNAVAILABLE");
    expect(Number(first.headers["retry-after"])).toBeGreaterThan(0);
    expect(first.json).toMatchObject({
      redriven: 0,
      still_refused: 0,
      unavailable: 1,
      results: [{ id, run_id: "run-1", status: "unavailable", code: "UNAVAILABLE" }],
    });
    expect(at.service.logs).toContainEqual(
      expect.objectContaining({ level: "error", request_id: first.json.request_id }),
    );
    expect(second.json).toMatchObject({ redriven: 1 });
    expect(await rows({}, at)).toEqual([]);
  });

  test("only records the same event again where it ended between recording and removal", async () => {
    let isDown = true;
    const at = await open((dependencies) => ({
      ...dependencies,
      quarantine: {
        ...dependencies.quarantine,
        remove: async (tenantId, position) => {
          if (isDown) throw trouble();
          return dependencies.quarantine.remove(tenantId, position);
        },
      },
    }));
    await send([early("run-1")], { at });
    const id = await onlyId("demo", at);
    at.clock.advance(DAY_MS);

    const first = await redrive(id, {}, at);
    const between = await runOf("run-1", "demo", at);
    isDown = false;
    const second = await redrive(id, {}, at);

    expectProblem(first, 503, "UNAVAILABLE");
    expect(first.json).toMatchObject({ redriven: 0, unavailable: 1, results: [{ id, status: "unavailable" }] });
    expect(between.json.status).toBe("running");
    expect(second.json).toMatchObject({ redriven: 1, unavailable: 0 });
    expect(await rows({}, at)).toEqual([]);
    expect((await runOf("run-1", "demo", at)).json).toMatchObject({ version: between.json.version, conflicts: [] });
    const events = await eventsOf("run-1", at);
    expect(new Set(events.map((event: { digest: string }) => event.digest)).size).toBe(1);
  });

  test("is 404 where somebody else removed the event while it was read", async () => {
    await send([started("large", { at: LATER, inputs: randomBytes(720_000).toString("base64") })]);
    const id = await onlyId();
    const { quarantine } = place.service.dependencies;
    const tenantId = v.parse(TenantId, "demo");
    place.clock.advance(DAY_MS);
    const gone = {
      ...quarantine,
      find: async (...[of, position]: Parameters<typeof quarantine.find>) => {
        const found = await quarantine.find(of, position);
        await quarantine.remove(tenantId, position);
        return found;
      },
    };
    const at = await open((dependencies) => ({ ...dependencies, quarantine: gone }));

    expectProblem(await redrive(id, {}, at), 404, "NOT_FOUND");
  });
});

describe("redriving all", () => {
  const counts = ({ json: reply }: Reply) => [reply.redriven, reply.still_refused, reply.unavailable, reply.has_more];

  test("records what is good now, keeps the rest with its reasons, and ends", async () => {
    await send([early("run-1"), bad("run-2"), started("run-3", { at: LATER, epoch: 7 })]);
    await send([early("run-4")], { seconds: -5 });
    place.clock.advance(DAY_MS);

    const reply = await redriveAll({ body: "{}" });

    expect([reply.status, reply.json]).toEqual([
      200,
      { redriven: 2, still_refused: 2, unavailable: 0, has_more: false, next_cursor: null },
    ]);
    for (const run of ["run-1", "run-4"]) expect((await runOf(run)).status).toBe(200);
    const left = (await rows()).map((row: { run_id: string; code: string }) => [row.run_id, row.code]);
    expect(left.sort()).toEqual([
      ["run-2", "INVALID_EVENT"],
      ["run-3", "UNKNOWN_EPOCH"],
    ]);
    expect(counts(await redriveAll())).toEqual([0, 2, 0, false]);
  });

  test("has nothing to do where nothing is in quarantine", async () => {
    expect(counts(await redriveAll())).toEqual([0, 0, 0, false]);
  });

  test("makes one ledger entry of the events of one run", async () => {
    const nodes = ["a", "b", "c"].map((node_execution_id) =>
      eventText("node.started", { run_id: "run-1", node_execution_id, at: LATER }),
    );
    await send([early("run-1"), ...nodes]);
    place.clock.advance(DAY_MS);

    expect(counts(await redriveAll())).toEqual([4, 0, 0, false]);
    expect((await runOf("run-1")).json).toMatchObject({ version: 1, node_counts: { running: 3 } });
  });

  test("does so many in one call, oldest first, passes over what stays refused, and comes to an end", async () => {
    const events = Array.from({ length: 1030 }, (_, n) => (n % 10 === 0 ? bad(`run-${n}`) : early(`run-${n}`)));
    for (const [n, event] of events.entries()) {
      await place.service.dependencies.quarantine.put({
        tenantId: v.parse(TenantId, "demo"),
        messageId: `m${n}`,
        index: 0,
        sentAt: SENT_AT + n * 10,
        runId: undefined,
        code: "AT_IN_FUTURE",
        errors: [],
        body: ofTenant("demo", event),
      });
    }
    place.clock.advance(DAY_MS);

    const first = await redriveAll();
    expect(counts(first)).toEqual([450, 50, 0, true]);
    expect([(await runOf("run-499")).status, (await runOf("run-501")).status]).toEqual([200, 404]);

    const second = await redriveAll({ query: { cursor: first.json.next_cursor } });
    expect(counts(second)).toEqual([450, 50, 0, true]);
    const third = await redriveAll({ query: { cursor: second.json.next_cursor } });
    expect(counts(third)).toEqual([27, 3, 0, false]);
    expect(third.json.next_cursor).toBeNull();
    expect((await pages({ limit: "100" })).flatMap((page) => page.json.data)).toHaveLength(103);
  });

  test("says that there is no more where all of it just fits one call", async () => {
    const { quarantine } = place.service.dependencies;
    for (let index = 0; index < 500; index++) {
      await quarantine.put({
        tenantId: v.parse(TenantId, "demo"),
        messageId: "m",
        index,
        sentAt: SENT_AT,
        runId: undefined,
        code: "INVALID_EVENT",
        errors: [],
        body: ofTenant("demo", bad("run-1")),
      });
    }

    expect(counts(await redriveAll())).toEqual([0, 500, 0, false]);
  });

  test("stops when its time is up, and the next call goes on", async () => {
    const at = await open((dependencies, clock) => ({
      ...dependencies,
      ledger: {
        ...dependencies.ledger,
        append: async (run, entry) => {
          await dependencies.ledger.append(run, entry);
          clock.advance(200);
        },
      },
    }));
    const events = Array.from({ length: 250 }, (_, n) => early(`run-${n}`));
    for (let n = 0; n < events.length; n += 10) await send(events.slice(n, n + 10), { at, seconds: n / 10 });
    at.clock.advance(DAY_MS);

    const first = await redriveAll({}, at);
    const second = await redriveAll({ query: { cursor: first.json.next_cursor } }, at);
    const third = await redriveAll({ query: { cursor: second.json.next_cursor } }, at);

    expect([first, second, third].map(counts)).toEqual([
      [100, 0, 0, true],
      [100, 0, 0, true],
      [50, 0, 0, false],
    ]);
    expect(await rows({}, at)).toEqual([]);
  });

  test("counts what the store did not take, and leaves it for another time", async () => {
    let isDown = true;
    const at = await open((dependencies) => ({
      ...dependencies,
      ledger: {
        ...dependencies.ledger,
        append: async (run, entry) => {
          if (isDown && run.runId === "lost") throw trouble();
          await dependencies.ledger.append(run, entry);
        },
      },
    }));
    await send([early("good"), early("lost"), bad("bad")], { at });
    at.clock.advance(DAY_MS);

    const first = await redriveAll({}, at);
    isDown = false;
    const second = await redriveAll({}, at);

    expect(first.status).toBe(200);
    expect([counts(first), counts(second)]).toEqual([
      [1, 1, 1, false],
      [1, 1, 0, false],
    ]);
    expect((await runOf("lost", "demo", at)).status).toBe(200);
    expect(at.service.logs).toContainEqual(
      expect.objectContaining({ level: "error", message: "events not redriven", events: 1 }),
    );
  });

  test("is 503 where the store takes nothing, and stops before what it did not take", async () => {
    let isDown = false;
    const at = await open((dependencies) => ({
      ...dependencies,
      ledger: {
        ...dependencies.ledger,
        append: async (run, entry) => {
          if (run.runId === "run-50") isDown = true;
          if (isDown) throw trouble();
          await dependencies.ledger.append(run, entry);
        },
      },
    }));
    const events = Array.from({ length: 120 }, (_, n) => early(`run-${n}`));
    for (let n = 0; n < events.length; n += 10) await send(events.slice(n, n + 10), { at, seconds: n / 10 });
    at.clock.advance(DAY_MS);

    const first = await redriveAll({}, at);
    const cursor = first.json.next_cursor;
    const second = await redriveAll({ query: { cursor } }, at);

    expect(counts(first)).toEqual([50, 0, 50, true]);
    expectProblem(second, 503, "UNAVAILABLE");
    expect(Number(second.headers["retry-after"])).toBeGreaterThan(0);
    expect(second.json).toMatchObject({ redriven: 0, still_refused: 0, unavailable: 50 });
    expect(second.json).not.toHaveProperty("next_cursor");
  });

  test("is of one tenant", async () => {
    await send([early("run-1")]);
    await send([early("run-1")], { tenant: "acme" });
    place.clock.advance(DAY_MS);

    expect(counts(await redriveAll())).toEqual([1, 0, 0, false]);
    expect(await rows()).toEqual([]);
    expect(await rows({ tenant: "acme" })).toHaveLength(1);
    expect((await runOf("run-1", "acme")).status).toBe(404);
  });
});
