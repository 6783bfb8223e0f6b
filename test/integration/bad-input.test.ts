import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { EVENT_FIELDS, EVENT_TYPES, PAYLOAD_FIELDS } from "../../shared/contract/event-fields.ts";
import { AT, eventText, json } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { pagesOf } from "../support/pages.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type HttpCall, postEvents, type Reply, readRun, type Service, startService } from "../support/service.ts";
import { logText, objectsOf, storedBy } from "../support/stored.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(60_000);

/** How many cases properties are tried with; undefined: as many as each says. */
const CASES =
  process.env["RUNSTONE_PROPERTY_CASES"] === undefined ? undefined : Number(process.env["RUNSTONE_PROPERTY_CASES"]);

/** Stands in every bad request; must stand in no line of the log. */
const SECRET = "s3cret-of-the-payload";
const MB = 1024 * 1024;

let service: Service;
const clock = manualClock();
beforeAll(async () => {
  service = await startService(undefined, clock);
});
afterAll(() => service.stop());
afterEach(() => {
  const logged = logText(service);
  expect(logged).not.toContain(SECRET);
});

type Code = Parameters<typeof expectProblem>[2];

const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Reply> =>
  service.post({ resource: "/v1/events", body, headers });
const asNdjson = { "content-type": "application/x-ndjson" };
const asGzip = { "content-encoding": "gzip" };

/** That a request is refused whole, by a problem document, and leaves nothing behind. */
const expectRefused = async (send: () => Promise<Reply>, status: number, code: Code): Promise<Reply> => {
  const before = await storedBy(service);
  const reply = await send();
  expectProblem(reply, status, code);
  expect(await storedBy(service)).toEqual(before);
  return reply;
};

/** That an event, sent alone, is rejected for what is wrong at these places, and leaves nothing behind. */
const expectRejected = async (event: string, code: string, paths: readonly string[]): Promise<void> => {
  const reply = await expectRefused(() => postEvents(service, [event]), 400, "ALL_REJECTED");
  expect(reply.json).toMatchObject({ accepted: 0, rejected: 1, unavailable: 0 });
  const [result] = reply.json.results;
  expect(result).toMatchObject({ index: 0, status: "rejected", code });
  expect(result.errors.map(({ path }: { path: string }) => path).sort()).toEqual([...paths].sort());
  for (const { message } of result.errors) expect(message).toMatch(/./);
};

let runs = 0;
const newRun = (): string => `run-${++runs}`;

/** That an event, sent alone, is accepted and its run can be read. */
const expectAccepted = async (event: string): Promise<Reply> => {
  const reply = await postEvents(service, [event]);
  expect(reply.json).toMatchObject({ accepted: 1, rejected: 0, unavailable: 0 });
  expect(reply.status).toBe(200);
  return readRun(service, JSON.parse(event).run_id);
};

const nested = (levels: number, open = "[", close = "]"): string => open.repeat(levels) + close.repeat(levels);

describe("a body that is no list of events", () => {
  test.each([
    ["nothing", ""],
    ["white space", " \n\t"],
    ["cut JSON", `{"events":[{"inputs":"${SECRET}"}`],
    ["text", `hello ${SECRET}`],
    ["two values", `{"events":[]} "${SECRET}"`],
    ["a trailing comma", `{"events":["${SECRET}",]}`],
    ["JavaScript", `{events:['${SECRET}']}`],
    ["NDJSON that is not said to be", `${eventText("run.started")}\n${eventText("run.finished")}`],
    ["20,000 lists that never end", "[".repeat(20_000)],
  ])("is refused as not JSON: %s", async (_what, body) => {
    const reply = await expectRefused(() => post(body), 400, "NOT_JSON");

    expect(reply.text).not.toContain(SECRET);
  });

  test.each([
    ["a list", "[]", ""],
    ["a list of events", `[${eventText("run.started")}]`, ""],
    ["null", "null", ""],
    ["a number", "42", ""],
    ["a string", `"${SECRET}"`, ""],
    ["20,000 lists", nested(20_000), ""],
    ["an object without events", `{"event":"${SECRET}"}`, "events"],
    ["events that are null", '{"events":null}', "events"],
    ["events that are an object", `{"events":{"0":"${SECRET}"}}`, "events"],
    ["events that are a string", `{"events":"${SECRET}"}`, "events"],
    ["events of a prototype", `{"__proto__":{"events":["${SECRET}"]}}`, "events"],
  ])("is refused with the place that is wrong: %s", async (_what, body, path) => {
    const reply = await expectRefused(() => post(body), 400, "INVALID_REQUEST");

    expect(reply.json.errors).toEqual([{ path, message: expect.stringMatching(/./) }]);
  });

  test.each([
    ["an empty list", '{"events":[]}', {}],
    ["NDJSON of nothing", "", asNdjson],
    ["NDJSON of empty lines", "\n\r\n \n", asNdjson],
  ])("is refused as holding no events: %s", async (_what, body, headers) => {
    await expectRefused(() => post(body, headers), 400, "NO_EVENTS");
  });
});

describe("a body that cannot be decoded", () => {
  const body = `{"events":[${eventText("run.started", { inputs: SECRET })}]}`;

  test.each([
    ["gzip that is plain text", body, "gzip"],
    ["gzip that is cut", gzipSync(body).subarray(0, -9), "gzip"],
    ["gzip of nothing", "", "gzip"],
    ["gzip with a turned bit", Buffer.from(gzipSync(body).map((byte, at) => (at === 20 ? byte ^ 64 : byte))), "gzip"],
  ])("is refused: %s", async (_what, bytes, encoding) => {
    await expectRefused(() => post(bytes, { "content-encoding": encoding }), 400, "BAD_ENCODING");
  });

  test.each(["br", "deflate", "zstd", "gzip, gzip", "x-unknown"])(
    "is refused where its encoding is not supported: %s",
    async (encoding) => {
      await expectRefused(() => post(body, { "Content-Encoding": encoding }), 415, "UNSUPPORTED_ENCODING");
    },
  );

  test.each([
    ["a lone byte", [0xff]],
    ["a cut character", [0xe2, 0x82]],
    ["an overlong character", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["beyond Unicode", [0xf5, 0x80, 0x80, 0x80]],
  ])("is refused where it is not UTF-8: %s", async (_what, bytes) => {
    const [head = "", tail = ""] = body.split(SECRET);
    const broken = Buffer.concat([Buffer.from(head + SECRET), Buffer.from(bytes), Buffer.from(tail)]);

    await expectRefused(() => post(broken), 400, "BAD_ENCODING");
    await expectRefused(() => post(gzipSync(broken), asGzip), 400, "BAD_ENCODING");
    await expectRefused(() => post(broken, asNdjson), 400, "BAD_ENCODING");
  });

  test.each(["gzip", "GZIP", " gzip "])("is accepted as gzip: %p", async (encoding) => {
    const runId = newRun();
    const packed = gzipSync(`{"events":[${eventText("run.started", { run_id: runId })}]}`);

    const reply = await post(packed, { "Content-Encoding": encoding });

    expect(reply.status).toBe(200);
    expect((await readRun(service, runId)).json.status).toBe("running");
  });
});

describe("a request that is too large", () => {
  const started = (count: number, runId = newRun()): string[] =>
    Array.from({ length: count }, (_, index) =>
      eventText("node.started", { run_id: runId, node_execution_id: `node-${index}`, index }),
    );

  test("is refused whole at 1,001 events", async () => {
    await expectRefused(() => postEvents(service, started(1001)), 400, "TOO_MANY_EVENTS");
    await expectRefused(() => post(started(1001).join("\n"), asNdjson), 400, "TOO_MANY_EVENTS");
  });

  test("is accepted at 1,000 events, each of which can be read", async () => {
    const runId = newRun();

    const reply = await postEvents(service, started(1000, runId));

    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ accepted: 1000, rejected: 0, unavailable: 0 });
    expect(reply.json.results.map(({ index }: { index: number }) => index)).toEqual(
      Array.from({ length: 1000 }).map((_, index) => index),
    );
    expect((await readRun(service, runId)).json.node_counts.running).toBe(1000);
  });

  test("is refused over 4 MB, and accepted at 4 MB", async () => {
    const event = eventText("run.started", { run_id: newRun() });
    const sized = (bytes: number) => `{"events":[${event}]}`.padEnd(bytes, " ");

    await expectRefused(() => post(sized(4 * MB + 1)), 413, "REQUEST_TOO_LARGE");
    const reply = await post(sized(4 * MB));

    expect(reply.status).toBe(200);
  });

  test("is refused where a small body unpacks to more than 32 MB", async () => {
    const bomb = gzipSync(Buffer.alloc(32 * MB + 1, " "));
    const largeBomb = gzipSync(gzipSync(Buffer.alloc(100 * MB)));

    expect(bomb.length).toBeLessThan(64 * 1024);
    await expectRefused(() => post(bomb, asGzip), 413, "REQUEST_TOO_LARGE");
    await expectRefused(() => post(largeBomb, asGzip), 400, "BAD_ENCODING");
  });

  test("is refused over 4 MB packed", async () => {
    await expectRefused(() => post(Buffer.alloc(4 * MB + 1), asGzip), 413, "REQUEST_TOO_LARGE");
  });

  test("loses only the event that is over 4 MB itself", async () => {
    const [good, bad] = [newRun(), newRun()];
    const large = eventText("run.started", { run_id: bad, inputs: "x".repeat(4 * MB) });
    const packed = gzipSync(`{"events":[${large},${eventText("run.started", { run_id: good })}]}`);

    const reply = await post(packed, asGzip);

    expect(reply.status).toBe(207);
    expect(reply.json.results).toMatchObject([
      { index: 0, status: "rejected", code: "EVENT_TOO_LARGE" },
      { index: 1, status: "accepted", run_id: good },
    ]);
    expect((await readRun(service, good)).status).toBe(200);
    expectProblem(await readRun(service, bad), 404, "NOT_FOUND");
  });
});

describe("an event that is none", () => {
  test.each([
    ["a list", nested(1)],
    ["a list of events", `[${eventText("run.started")}]`],
    ["null", "null"],
    ["a string", `"${SECRET}"`],
    ["a number", "1e400"],
    ["true", "true"],
  ])("is rejected: %s", async (_what, event) => {
    await expectRejected(event, "INVALID_EVENT", [""]);
  });

  test("is rejected where a line of NDJSON is not JSON, by the number of its event", async () => {
    const runId = newRun();
    const lines = [eventText("run.started", { run_id: runId }), "", `{"inputs": ${SECRET}`, " "].join("\r\n");

    const mixed = await post(lines, asNdjson);
    const bad = await expectRefused(() => post(`{\n${SECRET}\n`, asNdjson), 400, "ALL_REJECTED");

    expect(mixed.status).toBe(207);
    expect(mixed.json.results).toMatchObject([
      { index: 0, status: "accepted", run_id: runId },
      { index: 1, status: "rejected", code: "NOT_JSON", id: null, run_id: null, errors: [{ path: "" }] },
    ]);
    expect(bad.json.results).toMatchObject([{ code: "NOT_JSON" }, { code: "NOT_JSON" }]);
    expect((await readRun(service, runId)).status).toBe(200);
  });

  test.each(["application/x-ndjson", "application/ndjson; charset=utf-8", "application/jsonl", "Application/X-NDJSON"])(
    "is not seen in NDJSON that is called %s",
    async (name) => {
      const event = eventText("run.started", { run_id: newRun() });

      expect((await post(`${event}\n`, { "Content-Type": name })).status).toBe(200);
    },
  );
});

describe("a type that is none", () => {
  test.each([
    ["unknown", json('"run.exploded"')],
    ["the service's own", json('"run.claimed"')],
    ["in capitals", json('"RUN.STARTED"')],
    ["empty", json('""')],
    ["__proto__", json('"__proto__"')],
    ["constructor", json('"constructor"')],
    ["toString", json('"toString"')],
    ["null", json("null")],
    ["a number", json("7")],
    ["a list with a type", json('["run.started"]')],
    ["an object", json('{"type":"run.started"}')],
    ["missing", undefined],
  ])("is rejected: %s", async (_what, type) => {
    await expectRejected(eventText("run.started", { type, inputs: SECRET }), "INVALID_EVENT", ["type"]);
  });
});

describe("fields that are wrong", () => {
  test("are named all at once, each with its path", async () => {
    const event = eventText("node.finished", {
      run_id: undefined,
      at: "yesterday",
      id: "",
      app_id: "a/b",
      epoch: 0,
      tenant_id: "acme",
      node_execution_id: 7,
      node_id: "a b",
      node_type: 1,
      title: [],
      index: -1,
      predecessor_node_id: {},
      iteration_index: 1.5,
      loop_index: "1",
      parallel_id: "é",
      execution_metadata: [SECRET],
      created_by: "x".repeat(257),
      created_by_role: "root",
      status: "done",
      error: 500,
      elapsed_time: -0.5,
    });

    await expectRejected(event, "INVALID_EVENT", [
      ...["run_id", "at", "id", "app_id", "epoch", "tenant_id", "node_execution_id", "node_id", "node_type", "title"],
      ...["index", "predecessor_node_id", "iteration_index", "loop_index", "parallel_id", "execution_metadata"],
      ...["created_by", "created_by_role", "status", "error", "elapsed_time"],
    ]);
  });

  test("are named with those of the run's end", async () => {
    const event = eventText("run.finished", {
      status: undefined,
      error: true,
      elapsed_time: "1",
      total_tokens: 0.5,
      total_steps: json("9007199254740993"),
      exceptions_count: json("1e400"),
    });

    await expectRejected(event, "INVALID_EVENT", [
      ...["status", "error", "elapsed_time", "total_tokens", "total_steps", "exceptions_count"],
    ]);
  });

  test("are named with those of the run's start, down to the tag", async () => {
    const event = eventText("run.started", {
      app_id: undefined,
      tags: ["good", 7, "x".repeat(257)],
      idle_timeout: json("1e400"),
      parent_run_id: "#",
      workflow_id: "",
    });

    await expectRejected(event, "INVALID_EVENT", [
      ...["app_id", "tags.1", "tags.2", "idle_timeout", "parent_run_id", "workflow_id"],
    ]);
    await expectRejected(eventText("run.started", { tags: "one" }), "INVALID_EVENT", ["tags"]);
    await expectRejected(eventText("run.started", { tags: new Array(21).fill("tag") }), "INVALID_EVENT", ["tags"]);
  });

  test.each([
    ["run.started", ["app_id"]],
    ["run.finished", ["status"]],
    ["node.started", ["node_execution_id"]],
    ["node.checkpointed", ["node_execution_id"]],
    ["node.retried", ["node_execution_id", "retry_index"]],
    ["node.paused", ["node_execution_id"]],
    ["node.finished", ["node_execution_id", "status"]],
    ["agent.logged", ["node_execution_id", "log_id"]],
  ] as const)("are named where %s lacks what it must have", async (type, required) => {
    const nothing = Object.fromEntries(required.map((name) => [name, undefined]));
    const nulls = Object.fromEntries(required.map((name) => [name, null]));

    await expectRejected(eventText(type, nothing), "INVALID_EVENT", required);
    await expectRejected(eventText(type, nulls), "INVALID_EVENT", required);
    await expectRejected(eventText(type, { ...nothing, run_id: undefined, at: undefined }), "INVALID_EVENT", [
      ...required,
      "run_id",
      "at",
    ]);
  });

  test.each(["run_id", "id", "app_id", "node_execution_id", "node_id", "iteration_id", "parent_parallel_id"])(
    "are named where %s is no id",
    async (name) => {
      const bad = ["", "a/b", "a#b", "a b", "a\n", "ä", "\u0000", "x".repeat(129), "a?b", "%2e", "<a>", "{}"];

      const reply = await expectRefused(
        () =>
          postEvents(
            service,
            bad.map((value) => eventText("node.started", { [name]: value })),
          ),
        400,
        "ALL_REJECTED",
      );

      for (const { code, errors } of reply.json.results) {
        expect([code, errors]).toEqual(["INVALID_EVENT", [{ path: name, message: expect.stringMatching(/./) }]]);
      }
    },
  );

  test("are none where ids have 128 characters of those that are allowed", async () => {
    const id = "Az09._:-".repeat(16);

    const { status, json: run } = await expectAccepted(eventText("run.started", { run_id: id, id, app_id: id }));

    expect(status).toBe(200);
    expect(run).toMatchObject({ run_id: id, app_id: id });
  });

  test("name a tenant that stands in the body, whatever it is", async () => {
    for (const tenant of ["demo", "acme", "", null, 7]) {
      await expectRejected(eventText("run.started", { tenant_id: tenant }), "INVALID_EVENT", ["tenant_id"]);
    }
  });
});

describe("a date that is none", () => {
  test.each([
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-11-22",
    "2026-11-22T10:00:00",
    "2026-11-22 10:00:00Z",
    "2026-11-22T25:00:00Z",
    "2026-11-22T10:60:00Z",
    "2026-11-22T10:00:61Z",
    "2026-11-22T10:00:00+24:00",
    "2026-11-22T10:00:00+01:60",
    "2026-11-22T10:00:00+0100",
    "2026-11-22T10:00:00.Z",
    "2026-11-22T10:00:00.0123456789Z",
    "0000-01-01T00:00:00+01:00",
    "yesterday",
    "",
    1795341600000,
    null,
    {},
    ["2026-11-22T10:00:00Z"],
  ])("is rejected: %p", async (at) => {
    await expectRejected(eventText("run.started", { at }), "INVALID_EVENT", ["at"]);
  });

  test.each([
    ["2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000Z"],
    ["2026-11-22t11:30:00.5+01:30", "2026-11-22T10:00:00.500Z"],
    ["2026-11-22T10:00:00.123456789z", "2026-11-22T10:00:00.123Z"],
    ["2026-11-21T23:00:00-11:00", "2026-11-22T10:00:00.000Z"],
    ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
  ])("is not %s, shown as %s", async (at, shown) => {
    const { json: run } = await expectAccepted(eventText("run.started", { run_id: newRun(), at }));

    expect(run.started_at).toBe(shown);
  });

  test("is of the future from 24 hours on by the service's clock", async () => {
    const ahead = (milliseconds: number, run_id = newRun()) =>
      eventText("run.started", { run_id, at: new Date(clock.now() + milliseconds).toISOString() });
    const hour = 3_600_000;

    await expectRejected(ahead(25 * hour), "AT_IN_FUTURE", ["at"]);
    await expectRejected(ahead(24 * hour + 1), "AT_IN_FUTURE", ["at"]);
    await expectRejected(eventText("run.started", { at: "2026-11-23T11:59:59.000-00:01" }), "AT_IN_FUTURE", ["at"]);
    await expectRejected(eventText("run.started", { at: "9999-12-31T23:59:59.999999999Z" }), "AT_IN_FUTURE", ["at"]);
    await expectAccepted(ahead(24 * hour));
    await expectAccepted(ahead(23 * hour));
  });
});

describe("an epoch", () => {
  test.each([2, 3, Number.MAX_SAFE_INTEGER])("that nobody opened is rejected: %p", async (epoch) => {
    await expectRejected(eventText("run.started", { epoch }), "UNKNOWN_EPOCH", ["epoch"]);
  });

  test.each([0, -1, 1.5, "1", json("1e400"), json("18446744073709551616"), true, []])(
    "that is none is rejected: %p",
    async (epoch) => {
      await expectRejected(eventText("run.started", { epoch }), "INVALID_EVENT", ["epoch"]);
    },
  );

  test.each([json("1"), json("1.0"), json("null")])("that is the first needs no claim: %p", async (epoch) => {
    const { json: run } = await expectAccepted(eventText("run.started", { run_id: newRun(), epoch }));

    expect(run.epoch).toBe(1);
  });

  test("that nobody opened takes no event of the first one with it", async () => {
    const run_id = newRun();

    const reply = await postEvents(service, [
      eventText("run.started", { run_id }),
      eventText("run.finished", { run_id, epoch: 2 }),
    ]);

    expect(reply.status).toBe(207);
    expect(reply.json.results).toMatchObject([{ status: "accepted" }, { status: "rejected", code: "UNKNOWN_EPOCH" }]);
    expect((await readRun(service, run_id)).json).toMatchObject({ status: "running", epoch: 1 });
  });
});

describe("nesting", () => {
  const objects = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

  test.each([
    ["lists in a payload", "inputs", nested(20_000)],
    ["objects in a payload", "outputs", objects(20_000)],
    ["an unknown field", "custom", nested(20_000)],
    ["one level too many", "inputs", nested(200)],
    ["a field of the prototype", "__proto__", objects(20_000)],
  ])("deeper than 200 levels is rejected: %s", async (_what, name, text) => {
    await expectRejected(eventText("run.paused", [[name, json(text)]]), "TOO_DEEP", [""]);
  });

  test.each([
    ["an error", "error"],
    ["metadata of a node", "execution_metadata"],
  ])("deeper than 200 levels is rejected in %s", async (_what, name) => {
    await expectRejected(eventText("node.finished", { [name]: json(objects(20_000)) }), "TOO_DEEP", [""]);
  });

  test.each(["run_id", "at", "id", "app_id", "epoch", "node_execution_id", "title", "index"])(
    "deeper than 200 levels is rejected in the place of %s",
    async (name) => {
      const reply = await expectRefused(
        () => postEvents(service, [eventText("node.started", { [name]: json(nested(20_000)) })]),
        400,
        "ALL_REJECTED",
      );

      const [{ errors }] = reply.json.results;
      expect(errors).toContainEqual({ path: name, message: expect.stringMatching(/./) });
    },
  );

  test("of 200 levels is accepted and comes back", async () => {
    const text = nested(199);

    const { text: run } = await expectAccepted(eventText("run.started", { run_id: newRun(), inputs: json(text) }));

    expect(run).toContain(`"inputs":${text}`);
  });

  test("is not made by brackets in strings", async () => {
    const text = JSON.stringify(`${'{"'.repeat(300)}[[[\\"`.repeat(3));

    const { text: run } = await expectAccepted(eventText("run.started", { run_id: newRun(), inputs: json(text) }));

    expect(run).toContain(`"inputs":${text}`);
  });

  test("beside the events is nobody's business", async () => {
    const body = `{"other":${nested(20_000)},"events":[${eventText("run.started", { run_id: newRun() })}]}`;

    expect((await post(body)).status).toBe(200);
  });
});

describe("good and bad events together", () => {
  test("are told apart: the good ones can be read, the bad ones are nowhere", async () => {
    const [good, bad, both] = [newRun(), newRun(), newRun()];
    const events = [
      eventText("run.started", { run_id: good, inputs: 1 }),
      eventText("run.started", { run_id: bad, app_id: "app-of-the-bad", at: "never", id: "bad-1" }),
      eventText("node.started", { run_id: both, node_execution_id: "good-node" }),
      eventText("node.started", { run_id: both, node_execution_id: "bad-node", index: SECRET }),
      "[]",
      eventText("node.finished", { run_id: both, node_execution_id: "good-node", id: "finish-1" }),
    ];
    const expected = [
      { index: 0, status: "accepted", run_id: good, id: expect.stringMatching(/^[0-9a-f]{32}$/) },
      { index: 1, status: "rejected", run_id: bad, id: "bad-1", code: "INVALID_EVENT", errors: [{ path: "at" }] },
      { index: 2, status: "accepted", run_id: both },
      { index: 3, status: "rejected", run_id: both, id: null, code: "INVALID_EVENT", errors: [{ path: "index" }] },
      { index: 4, status: "rejected", run_id: null, id: null, code: "INVALID_EVENT", errors: [{ path: "" }] },
      { index: 5, status: "accepted", run_id: both, id: "finish-1" },
    ];

    const first = await postEvents(service, events);
    const second = await postEvents(service, events);

    expect(first.status).toBe(207);
    expect(first.json).toMatchObject({ accepted: 3, rejected: 3, unavailable: 0, results: expected });
    expect([second.status, second.json]).toEqual([207, first.json]);
    expect((await readRun(service, good)).json).toMatchObject({ status: "running", inputs: 1 });
    expectProblem(await readRun(service, bad), 404, "NOT_FOUND");
    const nodes = await service.get({ resource: "/v1/runs/{run_id}/nodes", path: { run_id: both } });
    expect(nodes.json.data).toMatchObject([{ node_execution_id: "good-node", status: "succeeded" }]);
    const apps = await service.get({ resource: "/v1/apps", query: { limit: "100" } });
    expect(apps.text).not.toContain("app-of-the-bad");
  });

  test("that are all bad make a problem document with the members of the answer", async () => {
    const events = [eventText("run.started", { at: "never", id: "one" }), eventText("run.started", { epoch: 7 }), "{}"];

    const reply = await expectRefused(() => postEvents(service, events), 400, "ALL_REJECTED");

    expect(reply.json).toMatchObject({ accepted: 0, rejected: 3, unavailable: 0 });
    expect(reply.json.results).toMatchObject([
      { index: 0, id: "one", run_id: "run-1", status: "rejected", code: "INVALID_EVENT", errors: [{ path: "at" }] },
      { index: 1, run_id: "run-1", status: "rejected", code: "UNKNOWN_EPOCH", errors: [{ path: "epoch" }] },
      { index: 2, id: null, run_id: null, status: "rejected", code: "INVALID_EVENT" },
    ]);
  });
});

describe("member names", () => {
  test.each([
    ["the type", "type", '"type"', '"run.started"'],
    ["a payload", "inputs", '"inputs"', "1"],
    ["an unknown field", "custom", '"custom"', "1"],
    ["a name written another way", "inputs", '"\\u0069nputs"', "1"],
    ["the name of prototypes", "__proto__", '"__proto__"', "1"],
    ["no name at all", "", '""', "1"],
  ])("that come twice are rejected: %s", async (_what, name, spelling, value) => {
    const event = eventText("run.started", [
      ["inputs", SECRET],
      ["custom", 0],
      ["__proto__", 0],
      ["", 0],
    ]);

    await expectRejected(`${event.slice(0, -1)},${spelling}:${value}}`, "INVALID_EVENT", [name]);
  });

  test("of objects in JavaScript are fields as any other", async () => {
    const run_id = newRun();
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "toJSON"];
    const odd = names.map((name, index) => [name, json(`{"${name}":${index}.0}`)] as const);

    const run = await expectAccepted(eventText("run.started", [["run_id", run_id], ...odd]));
    const events = await service.get({ resource: "/v1/runs/{run_id}/events", path: { run_id } });

    for (const [name, { text }] of odd) {
      expect(run.text).toContain(`"${name}":${text}`);
      expect(events.text).toContain(`"${name}":${text}`);
    }
  });

  test("of objects in JavaScript are keys of payload and metadata as any other", async () => {
    const run_id = newRun();
    const text = '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}},"toString":null}';
    const members = { run_id, inputs: json(text), execution_metadata: json(text) };

    await expectAccepted(eventText("node.finished", members));
    const node = await service.get({
      resource: "/v1/runs/{run_id}/nodes/{node_execution_id}",
      path: { run_id, node_execution_id: "node-1" },
    });

    expect(node.text).toContain(`"inputs":${text}`);
    expect(node.text).toContain('"__proto__":{"admin":true}');
    expect(Object.hasOwn(Object.prototype, "admin")).toBe(false);
  });

  test("of a prototype do not stand in for what is missing", async () => {
    const inherited = json('{"status":"succeeded","node_execution_id":"n","tenant_id":"acme"}');
    const event = eventText("node.finished", [
      ["status", undefined],
      ["node_execution_id", undefined],
      ["__proto__", inherited],
    ]);

    await expectRejected(event, "INVALID_EVENT", ["status", "node_execution_id"]);
  });
});

describe("a query", () => {
  const ROUTES: readonly (readonly [string, HttpCall])[] = [
    ["a run", { resource: "/v1/runs/{run_id}", path: { run_id: "known" } }],
    ["its nodes", { resource: "/v1/runs/{run_id}/nodes", path: { run_id: "known" } }],
    [
      "a node",
      { resource: "/v1/runs/{run_id}/nodes/{node_execution_id}", path: { run_id: "known", node_execution_id: "n-1" } },
    ],
    ["its trace", { resource: "/v1/runs/{run_id}/trace", path: { run_id: "known" } }],
    ["its events", { resource: "/v1/runs/{run_id}/events", path: { run_id: "known" } }],
    ["apps", { resource: "/v1/apps" }],
    ["runs of an app", { resource: "/v1/apps/{app_id}/runs", path: { app_id: "app-1" } }],
    ["runs of all apps", { resource: "/v1/runs" }],
    ["a count", { resource: "/v1/apps/{app_id}/runs/count", path: { app_id: "app-1" } }],
  ];
  const LISTS = ROUTES.filter(([, { resource }]) => /nodes$|events$|apps$|runs$/.test(resource));
  const listed = new Map(LISTS);

  /** Two of everything that has a list, at least. */
  const recordKnown = async (tenantId: string): Promise<void> => {
    const ids = ["n-1", "n-2", "n-3"];
    const nodes = ids.map((id) => eventText("node.started", { run_id: "known", node_execution_id: id }));
    await postEvents(service, [eventText("run.started", { run_id: "known" }), ...nodes], tenantId);
    await postEvents(service, [eventText("run.started", { run_id: "known-too", app_id: "app-2" })], tenantId);
    await postEvents(service, [eventText("run.started", { run_id: "known-three" })], tenantId);
  };
  beforeAll(() => recordKnown("demo"));

  const ask = (call: HttpCall, query: HttpCall["query"] = {}): Promise<Reply> =>
    service.get({ ...call, query: { ...call.query, ...query } });

  test.each(ROUTES)("with parameters that %s does not have is refused, each of them named", async (_what, call) => {
    const query = Object.fromEntries([
      ["color", SECRET],
      ["__proto__", "1"],
      ["constructor", ["1", "2"]],
      ["tenant_id", "acme"],
    ]);

    const reply = await expectRefused(() => ask(call, query), 400, "INVALID_REQUEST");

    expect(reply.json.errors.map(({ path }: { path: string }) => path).sort()).toEqual(Object.keys(query).sort());
  });

  test.each(LISTS)("with a limit that is none is refused by the list of %s", async (_what, call) => {
    const most = /apps$|runs$/.test(call.resource) ? 100 : 1000;
    for (const limit of [
      "0",
      "-1",
      "1.5",
      "abc",
      "",
      " 1",
      "1e2",
      "0x10",
      String(most + 1),
      "99999999999",
      ["1", "2"],
    ]) {
      const reply = await expectRefused(() => ask(call, { limit }), 400, "INVALID_REQUEST");
      expect(reply.json.errors).toEqual([{ path: "limit", message: expect.stringMatching(/./) }]);
    }
    for (const limit of ["1", String(most)]) expect((await ask(call, { limit })).status).toBe(200);
  });

  test("names every wrong value at once", async () => {
    const query = { status: ["succeeded", "done"], include: "all", limit: "x", node_id: ["a", "b"] };

    const reply = await expectRefused(() => ask(listed.get("its nodes") as HttpCall, query), 400, "INVALID_REQUEST");

    const paths = reply.json.errors.map(({ path }: { path: string }) => path).sort();
    expect(paths).toEqual(["include", "limit", "node_id", "status"]);
  });

  test("is refused where it waits longer than 20 seconds", async () => {
    const events = listed.get("its events") as HttpCall;

    for (const wait of ["21", "-1", "soon"]) {
      await expectRefused(() => ask(events, { wait }), 400, "INVALID_REQUEST");
    }
  });

  test("is refused for a run's status that is a node's", async () => {
    const runs = listed.get("runs of an app") as HttpCall;

    await expectRefused(() => ask(runs, { status: "retry" }), 400, "INVALID_REQUEST");
  });

  test.each(LISTS)("with a cursor that is damaged is refused by the list of %s", async (_what, call) => {
    const cursor: string = (await ask(call, { limit: "1" })).json.next_cursor;
    const last = cursor.at(-1) === "A" ? "B" : "A";
    const damaged = [
      "",
      "x",
      "%",
      "null",
      cursor.slice(0, -1) + last,
      cursor.slice(0, -4),
      `${cursor}AAAA`,
      `${cursor}=`,
    ];

    expect(cursor).toMatch(/^[\w-]+$/);
    for (const after of damaged) await expectRefused(() => ask(call, { after }), 400, "CURSOR_INVALID");
  });

  test.each(LISTS)("with another query's cursor is refused by the list of %s", async (what, call) => {
    const others = LISTS.filter(([other]) => other !== what).map(([, other]) => other);
    const cursors = await Promise.all(others.map(async (other) => (await ask(other, { limit: "1" })).json.next_cursor));

    for (const after of cursors) await expectRefused(() => ask(call, { after }), 400, "CURSOR_MISMATCH");
  });

  test.each(LISTS)("with another tenant's cursor is refused by the list of %s", async (_what, call) => {
    await recordKnown("acme");

    const theirs: string = (await service.get({ ...call, tenant: "acme", query: { limit: "1" } })).json.next_cursor;

    expect(theirs).toMatch(/./);
    await expectRefused(() => ask(call, { after: theirs }), 400, "CURSOR_MISMATCH");
  });

  test("with the cursor of other filters, or of another run, is refused", async () => {
    const nodes = listed.get("its nodes") as HttpCall;
    const after: string = (await ask(nodes, { limit: "1", status: "running" })).json.next_cursor;

    await expectRefused(() => ask(nodes, { after }), 400, "CURSOR_MISMATCH");
    await expectRefused(() => ask(nodes, { after, status: "failed" }), 400, "CURSOR_MISMATCH");
    await expectRefused(() => ask(nodes, { after, status: "running", include: "payload" }), 400, "CURSOR_MISMATCH");
    await expectRefused(
      () => ask({ ...nodes, path: { run_id: "known-too" } }, { after, status: "running" }),
      400,
      "CURSOR_MISMATCH",
    );
    expect((await ask(nodes, { after, status: "running", limit: "7" })).status).toBe(200);
  });

  test("carries positions in its cursor, and no key", async () => {
    for (const [, call] of LISTS) {
      for (const page of await pagesOf(service, { ...call, query: { limit: "1" } })) {
        const text = Buffer.from(page.json.next_cursor ?? "", "base64url").toString("latin1");
        expect(text).not.toMatch(/demo|T#|REG/);
      }
    }
  });
});

describe("a request of no route", () => {
  test("is refused", async () => {
    await expectRefused(() => service.get({ resource: "/v1/nothing" }), 404, "NOT_FOUND");
    await expectRefused(() => service.post({ resource: "/v1/nothing" }), 404, "NOT_FOUND");
  });
});

test("objects of refused events are nowhere", () => {
  expect(objectsOf(service).filter((path) => path.includes("bad"))).toEqual([]);
});

test("every moment is answered in UTC with milliseconds", async () => {
  const { json: run } = await expectAccepted(eventText("run.started", { run_id: newRun(), at: AT }));

  expect(run.started_at).toBe(AT);
});

describe("input that is bad in a way of its own", () => {
  test.each([
    ["an object that is no text", '{"toString":1}'],
    ["an object in a list", '[{"toString":null}]'],
    ["20,000 lists", nested(20_000)],
  ])("is rejected where the type is %s", async (_what, type) => {
    const reply = await expectRefused(
      () => postEvents(service, [eventText("run.started", { type: json(type) })]),
      400,
      "ALL_REJECTED",
    );

    expect(reply.json.results[0].errors).toContainEqual({ path: "type", message: expect.stringMatching(/./) });
  });

  test.each([
    ["an empty list", '{"events":[]}', {}],
    ["NDJSON of nothing", "", asNdjson],
  ])("is answered with the members of the answer where it is %s", async (_what, body, headers) => {
    const reply = await expectRefused(() => post(body, headers), 400, "NO_EVENTS");

    expect(reply.json).toMatchObject({ accepted: 0, rejected: 0, unavailable: 0, results: [] });
  });

  test("is answered in less than the 6 MB that Lambda can answer, however much is wrong", async () => {
    const tags = new Array(200_000).fill(1);

    const reply = await postEvents(service, [eventText("run.started", { tags })]);

    expectProblem(reply, 400, "ALL_REJECTED");
    expect(Buffer.byteLength(reply.text)).toBeLessThan(6 * MB);
  });

  test("is answered in less than the 6 MB that Lambda can answer, however long the names are that came twice", async () => {
    const name = "n".repeat(1_900_000);
    const events = Array.from({ length: 7 }, () => `{"${name}":1,"${name}":2}`);

    const reply = await post(gzipSync(`{"events":[${events.join(",")}]}`), asGzip);

    expectProblem(reply, 400, "ALL_REJECTED");
    expect(Buffer.byteLength(reply.text)).toBeLessThan(6 * MB);
  });

  test("is refused as damaged wherever a cursor was changed", async () => {
    await postEvents(service, [
      eventText("run.started", { run_id: "one" }),
      eventText("run.started", { run_id: "two" }),
    ]);
    const runs = { resource: "/v1/apps/{app_id}/runs", path: { app_id: "app-1" } };
    const cursor: string = (await service.get({ ...runs, query: { limit: "1" } })).json.next_cursor;

    const codes = await Promise.all(
      [...cursor].map(async (character, at) => {
        const after = `${cursor.slice(0, at)}${character === "A" ? "B" : "A"}${cursor.slice(at + 1)}`;
        return (await service.get({ ...runs, query: { after } })).json.code;
      }),
    );

    expect(codes).toEqual([...cursor].map(() => "CURSOR_INVALID"));
  });

  test.each([
    "x",
    "null",
    '{"settled":1e300,"delivered":[],"partial":{}}',
    '{"settled":-7,"delivered":[],"partial":{}}',
    '{"settled":0.5,"delivered":[],"partial":{}}',
  ])("is refused where a cursor holds what no answer wrote: %s", async (position) => {
    await postEvents(service, [eventText("run.started", { run_id: "forged" })]);
    const events = { resource: "/v1/runs/{run_id}/events", path: { run_id: "forged" } };
    const cursor: string = (await service.get(events)).json.next_cursor;
    // A binding, a checksum that anyone can compute, and the position.
    const binding = Buffer.from(cursor, "base64url").subarray(0, 6);
    const checksum = createHash("sha256").update(position).digest().subarray(0, 6);
    const after = Buffer.concat([binding, checksum, Buffer.from(position)]).toString("base64url");

    await expectRefused(() => service.get({ ...events, query: { after } }), 400, "CURSOR_INVALID");
  });

  test("is rejected where an hour is 24, which RFC 3339 does not know", async () => {
    await expectRejected(eventText("run.started", { at: "2026-11-21T24:00:00Z" }), "INVALID_EVENT", ["at"]);
  });
});

describe("anything at all", () => {
  const odd = fc.constantFrom(
    ...["null", "true", "-0", "1e400", "1.5", '""', '"x"', '"__proto__"', "[]", "{}", '{"toString":1}', "[[[[]]]]"],
    ...[
      '"\\ud800"',
      '"2026-11-22T10:00:00Z"',
      '{"length":-1}',
      '{"then":{}}',
      '[{"valueOf":null}]',
      '"\\u0000"',
      "9e15",
    ],
    ...['"run.started"', '"succeeded"', '{"a":1,"a":2}', `"${"y".repeat(1500)}"`, `[${"0,".repeat(700)}0]`],
  );
  const value = fc.oneof({ weight: 3, arbitrary: odd }, { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) });
  const type = fc.constantFrom(...EVENT_TYPES);

  test("is answered with what is wrong with it, or recorded and read back on every route", async () => {
    const field = fc.constantFrom(
      ...new Set([
        "run_id",
        "id",
        "app_id",
        "epoch",
        "type",
        "other",
        ...EVENT_TYPES.flatMap((name) => Object.keys(EVENT_FIELDS[name])),
      ]),
      ...PAYLOAD_FIELDS,
    );
    const anyEvent = fc.tuple(
      type,
      fc.uniqueArray(fc.tuple(field, value), { maxLength: 6, selector: ([name]) => name }),
    );

    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { minLength: 1, maxLength: 8 }), fc.boolean(), async (given, isNdjson) => {
        const run_id = newRun();
        const events = given.map(([name, members]) =>
          eventText(name, [["run_id", run_id], ...members.map(([member, text]) => [member, json(text)] as const)]),
        );

        const reply = isNdjson ? await post(events.join("\n"), asNdjson) : await postEvents(service, events);

        expect([200, 207, 400]).toContain(reply.status);
        expect(reply.json.results).toHaveLength(events.length);
        expect(reply.json.unavailable).toBe(0);
        const recorded = new Set<string>();
        for (const { status, run_id: id, code, errors } of reply.json.results) {
          if (status === "accepted") recorded.add(id);
          else expect([code, errors.length > 0]).toEqual([expect.stringMatching(/^[A-Z_]+$/), true]);
        }
        for (const id of recorded) {
          const call = { path: { run_id: id }, query: { include: "payload" } };
          const replies = [
            await readRun(service, id),
            await service.get({ resource: "/v1/runs/{run_id}/nodes", ...call }),
            await service.get({ resource: "/v1/runs/{run_id}/trace", path: call.path }),
            await service.get({ resource: "/v1/runs/{run_id}/events", path: call.path }),
          ];
          expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
        }
      }),
      { numRuns: CASES ?? 120 },
    );
  }, 600_000);

  test("that a Dify stream holds is answered, too", async () => {
    const kind = fc.constantFrom(
      ...["workflow_started", "workflow_finished", "node_started", "node_finished", "node_retry", "iteration_started"],
      ...[
        "iteration_next",
        "iteration_completed",
        "loop_started",
        "loop_next",
        "loop_completed",
        "agent_log",
        "ping",
        "x",
      ],
      ...["workflow_paused", "message", "error", "__proto__", "constructor"],
    );
    const names = [
      "id",
      "node_id",
      "node_type",
      "index",
      "inputs",
      "outputs",
      "status",
      "error",
      "elapsed_time",
      "created_at",
    ];
    const more = [
      "finished_at",
      "execution_metadata",
      "workflow_id",
      "created_by",
      "steps",
      "node_execution_id",
      "retry_index",
    ];
    const members = fc.uniqueArray(fc.tuple(fc.constantFrom(...names, ...more), value), {
      maxLength: 8,
      selector: ([name]) => name,
    });
    const written = (entries: readonly (readonly [string, string])[]): string =>
      `{${entries.map(([name, text]) => `"${name}":${text}`).join(",")}}`;
    const frame = fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .tuple(kind, members)
          .map(([event, data]) => `{"event":"${event}","workflow_run_id":"RUN","data":${written(data)}}`),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(kind, value)
          .map(([event, data]) => `{"event":"${event}","workflow_run_id":"RUN","data":${data}}`),
      },
      { weight: 1, arbitrary: value.map((event) => `{"event":${event},"data":{}}`) },
      { weight: 1, arbitrary: value },
      { weight: 1, arbitrary: fc.constant("{") },
    );

    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), async (frames) => {
        const run_id = newRun();
        const body = frames.map((data) => `data: ${data.replace("RUN", run_id)}\n\n`).join("");

        const reply = await service.post({
          resource: "/v1/dify/events",
          query: { app_id: "dify", run_id },
          body,
          headers: { "content-type": "text/event-stream" },
        });

        expect([200, 207, 400]).toContain(reply.status);
        if (reply.json.accepted > 0) expect([200, 404]).toContain((await readRun(service, run_id)).status);
      }),
      { numRuns: CASES ?? 120 },
    );
  }, 600_000);
});
