import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { eventText, json } from "../support/event-text.ts";
import { type Answer, ask, expectProblem, get, postEvents } from "./support/api.ts";
import { testNeeding } from "./support/needs.ts";
import { openRaw, rawTarget } from "./support/raw-connection.ts";
import { type Attack, endAttack, prepareAttack } from "./support/victim.ts";

const MEGABYTE = 1024 * 1024;
const JSON_TYPE = { "content-type": "application/json" };

let attack: Attack;
let victim: string;
let victimKey: string;
let key: string;
beforeAll(async () => {
  attack = await prepareAttack();
  ({ victim, victimKey, key } = attack);
});
afterAll(() => endAttack(attack));

describe("a body", () => {
  const post = (body: Buffer | string, headers: Record<string, string> = {}): Promise<Answer> =>
    ask("POST", "/v1/events", { key, headers: { ...JSON_TYPE, ...headers }, body });

  test("that chooses its tenant is refused, with every event that does", async () => {
    const started = eventText("run.started", { run_id: "mine", tenant_id: victim });

    const answer = await postEvents(key, [started, eventText("run.started", { run_id: "mine" })]);

    expect(answer.status).toBe(207);
    expect(answer.json.results).toMatchObject([
      { status: "rejected", code: "INVALID_EVENT", errors: [{ path: "tenant_id" }] },
      { status: "accepted" },
    ]);
    expectProblem(await get("/v1/runs/mine", { key: victimKey }), 404, "NOT_FOUND");
  });

  test("cannot speak as the service or a caller", async () => {
    const posted = await postEvents(key, [
      eventText("run.started", { run_id: "posed", actor: "service", source: "queue" }),
      eventText("run.claimed" as "run.started", { run_id: "posed" }),
    ]);
    const events = await get("/v1/runs/posed/events", { key });

    expect(posted.json.results[1]).toMatchObject({ status: "rejected" });
    expect(events.json.data).toMatchObject([{ actor: "engine", source: "http" }]);
  });

  test.each([
    ["4 MB and a byte", 4 * MEGABYTE + 1],
    ["5 MB", 5 * MEGABYTE],
    ["11 MB, more than API Gateway takes", 11 * MEGABYTE],
  ])("of %s is refused", async (_what, bytes) => {
    expectProblem(await post(Buffer.alloc(bytes, " ")), 413, "REQUEST_TOO_LARGE");
  });

  test.each<[string, () => Buffer]>([
    ["64 MB of blanks", () => gzipSync(Buffer.alloc(64 * MEGABYTE, " "))],
    ["a line of 40 MB", () => gzipSync(Buffer.alloc(40 * MEGABYTE, "x"))],
  ])("that unpacks to %s is refused, and others are served meanwhile", async (_what, bomb) => {
    const body = bomb();
    const startedAt = Date.now();

    const [refused, served] = await Promise.all([
      post(body, { "content-encoding": "gzip" }),
      get("/v1/runs/run-1", { key: victimKey }),
    ]);

    expectProblem(refused, 413, "REQUEST_TOO_LARGE");
    expect(served.status).toBe(200);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });

  test.each<[string, number, "BAD_ENCODING" | "UNSUPPORTED_ENCODING" | "NOT_JSON", Buffer, Record<string, string>]>([
    ["that is no gzip", 400, "BAD_ENCODING", Buffer.from("{}"), { "content-encoding": "gzip" }],
    ["that is gzip cut short", 400, "BAD_ENCODING", gzipSync("{}").subarray(0, 15), { "content-encoding": "gzip" }],
    ["in an encoding that is not taken", 415, "UNSUPPORTED_ENCODING", Buffer.from("{}"), { "content-encoding": "br" }],
    ["packed twice", 415, "UNSUPPORTED_ENCODING", gzipSync(gzipSync("{}")), { "content-encoding": "gzip, gzip" }],
    ["that is no UTF-8", 400, "BAD_ENCODING", Buffer.from([0x22, 0xff, 0xfe, 0x22]), {}],
    ["of a million brackets", 400, "NOT_JSON", Buffer.alloc(MEGABYTE, "["), {}],
  ])("%s is refused", async (_what, status, code, body, headers) => {
    expectProblem(await post(body, headers), status, code);
  });

  test("nested too deep is refused", async () => {
    const inputs = json(`${"[".repeat(5000)}${"]".repeat(5000)}`);

    const answer = await postEvents(key, [eventText("run.started", { run_id: "deep", inputs })]);

    expectProblem(answer, 400, "ALL_REJECTED");
    expect(answer.json.results).toMatchObject([{ code: "TOO_DEEP" }]);
  });

  test("of more than a thousand events is refused whole", async () => {
    const events = Array.from({ length: 1001 }, () => eventText("run.heartbeat", { run_id: "many" }));

    expectProblem(await postEvents(key, events), 400, "TOO_MANY_EVENTS");
    expectProblem(await get("/v1/runs/many", { key }), 404, "NOT_FOUND");
  });

  test("that names a prototype is data like any other", async () => {
    const members = [
      ["run_id", "proto"],
      ["__proto__", json('{"tenant_id":"x","status":"failed"}')],
      ["constructor", json('{"prototype":{"polluted":true}}')],
    ] as const;

    const posted = await postEvents(key, [eventText("run.started", members)]);
    const run = await get("/v1/runs/proto", { key });

    expect(posted.status).toBe(200);
    expect(run.text).toContain('"__proto__":{"tenant_id":"x","status":"failed"}');
    expect(run.text).toContain('"status":"running"');
  });
});

describe("a client that trickles its body", () => {
  const begin = async () => {
    const { path, host } = rawTarget("/v1/events");
    const connection = await openRaw();
    const lines = [`POST ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${key}`, "Content-Length: 1000"];
    connection.write([...lines, "Content-Type: application/json", "", "{"].join("\r\n"));
    return connection;
  };

  test("keeps nobody else waiting", async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, begin));
    try {
      for (let round = 0; round < 3; round++) {
        for (const connection of slow) connection.write(" ");
        const startedAt = Date.now();
        expect((await get("/v1/runs/run-1", { key: victimKey })).status).toBe(200);
        expect(Date.now() - startedAt).toBeLessThan(3000);
      }
    } finally {
      for (const connection of slow) connection.close();
    }
  });

  testNeeding(
    "cutBodies",
    "a client that trickles its body is cut off",
    async () => {
      const connection = await begin();
      const end = Date.now() + 120_000;
      try {
        while (!connection.isClosed && connection.received === "") {
          if (Date.now() > end) throw new Error("a client may trickle for two minutes");
          connection.write(" ");
          await pause(500);
        }
        expect(connection.received).not.toMatch(/^HTTP\/1\.[01] 2/);
      } finally {
        connection.close();
      }
    },
    150_000,
  );
});
