import { gzipSync } from "node:zlib";
import { eventText, json } from "../support/event-text.ts";
import { type Answer, ask, expectProblem, get, postEvents } from "./support/api.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

let key: string;
beforeAll(async () => {
  key = await newKey(newTenant("http"));
});
afterAll(revokeKeys);

let runs = 0;
const newRun = (): string => `run-${++runs}`;

/** That an answer holds a member with exactly this JSON text. */
const expectMember = (answer: Answer, name: string, text: string): void => {
  expect(answer.status).toBe(200);
  expect(answer.text).toContain(`${JSON.stringify(name)}:${text}`);
};

describe("a body", () => {
  test.each([
    ["gzip of JSON", "application/json", (events: string[]) => gzipSync(`{"events":[${events.join(",")}]}`), "gzip"],
    ["gzip of NDJSON", "application/x-ndjson", (events: string[]) => gzipSync(events.join("\n")), "gzip"],
    ["NDJSON", "application/x-ndjson", (events: string[]) => Buffer.from(events.join("\n")), "identity"],
    [
      "an unusual content type",
      "application/octet-stream",
      (events: string[]) => Buffer.from(`{"events":[${events.join(",")}]}`),
      "identity",
    ],
  ])("of %s reaches the ledger byte for byte", async (_what, type, bodyOf, encoding) => {
    const run_id = newRun();
    const inputs = JSON.stringify("größer 名 😀 \u2028 \u0000 ".repeat(500));
    const events = [eventText("run.started", { run_id, inputs: json(inputs) }), eventText("run.finished", { run_id })];

    const headers = { "content-type": type, "content-encoding": encoding };
    const posted = await ask("POST", "/v1/events", { key, headers, body: bodyOf(events) });
    const run = await get(`/v1/runs/${run_id}`, { key });

    expect(posted.json).toMatchObject({ accepted: 2, rejected: 0 });
    expectMember(run, "inputs", inputs);
  });

  test("comes back with every digit, escape and blank of its payload", async () => {
    const run_id = newRun();
    const texts = {
      inputs: '{ "big":123456789012345678901234567890, "one":1.0, "exp":1E+2,"zero":-0, "b":1,"a":2 }',
      outputs: '["\\u00e9\\/\\ud83d\\ude00", "\\u0000" ,\t1.10 ]',
      custom: '{"__proto__":{"x":1.0},"":[ ]}',
    };
    const members = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, json(text)]));

    const posted = await postEvents(key, [
      eventText("run.started", { run_id, ...members }),
      eventText("node.finished", { run_id, ...members }),
      eventText("run.finished", { run_id, outputs: json(texts.outputs) }),
    ]);
    const answers = await Promise.all([
      get(`/v1/runs/${run_id}`, { key }),
      get(`/v1/runs/${run_id}/nodes?include=payload`, { key }),
      get(`/v1/runs/${run_id}/nodes/node-1`, { key }),
      get(`/v1/runs/${run_id}/events`, { key }),
    ]);

    expect(posted.status).toBe(200);
    for (const answer of answers) {
      for (const [name, text] of Object.entries(texts)) expectMember(answer, name, text);
    }
  });

  test("with a payload too large for the table comes back whole, from the object it was kept in", async () => {
    const run_id = newRun();
    const inputs = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => Math.sin(n)));

    const posted = await postEvents(key, [eventText("run.started", { run_id, inputs: json(inputs) })]);
    const run = await get(`/v1/runs/${run_id}`, { key });

    expect(posted.status).toBe(200);
    expectMember(run, "inputs", inputs);
  });
});

describe("an answer", () => {
  test("has an ETag, and is 304 without a body to who has it already", async () => {
    const run_id = newRun();
    await postEvents(key, [eventText("run.started", { run_id })]);
    const first = await get(`/v1/runs/${run_id}`, { key });

    const same = await get(`/v1/runs/${run_id}`, { key, headers: { "if-none-match": first.headers.etag ?? "" } });
    await postEvents(key, [eventText("run.finished", { run_id })]);
    const changed = await get(`/v1/runs/${run_id}`, { key, headers: { "if-none-match": first.headers.etag ?? "" } });

    expect(first.headers.etag).toMatch(/^"\d+-1"$/);
    expect([same.status, same.text, same.headers.etag]).toEqual([304, "", first.headers.etag]);
    expect([changed.status, changed.json.status]).toEqual([200, "succeeded"]);
  });

  test("is 412 to who asks for another version", async () => {
    const run_id = newRun();
    await postEvents(key, [eventText("run.started", { run_id })]);

    const answer = await get(`/v1/runs/${run_id}`, { key, headers: { "if-match": '"99-1"' } });

    expectProblem(answer, 412, "PRECONDITION_FAILED");
  });

  test("is 207 where some events were taken and some refused, with every reason", async () => {
    const run_id = newRun();
    const bad = eventText("node.finished", { run_id, status: "wonderful" });

    const answer = await postEvents(key, [eventText("run.started", { run_id }), bad]);
    const run = await get(`/v1/runs/${run_id}`, { key });

    expect(answer.status).toBe(207);
    expect(answer.json).toMatchObject({
      accepted: 1,
      rejected: 1,
      results: [
        { index: 0, status: "accepted" },
        { index: 1, status: "rejected", code: "INVALID_EVENT", errors: [{ path: "status" }] },
      ],
    });
    expect(run.json).toMatchObject({ status: "running", node_counts: { succeeded: 0 } });
  });

  test.each([
    ["no events", '{"events":[]}', "NO_EVENTS"],
    ["no good event", '{"events":[{"type":"run.started"}]}', "ALL_REJECTED"],
    ["no JSON", "{", "NOT_JSON"],
    ["no list", '{"events":1}', "INVALID_REQUEST"],
  ] as const)("is a problem document for a body of %s", async (_what, body, code) => {
    const answer = await ask("POST", "/v1/events", { key, headers: { "content-type": "application/json" }, body });

    expectProblem(answer, 400, code);
  });

  test("says that the service is well, to anybody", async () => {
    const answer = await get("/v1/health");

    expect([answer.status, answer.json]).toEqual([200, { status: "ok" }]);
  });
});

test("who follows a run's events is told of a new one at once", async () => {
  const run_id = newRun();
  await postEvents(key, [eventText("run.started", { run_id })]);
  const first = await get(`/v1/runs/${run_id}/events`, { key });
  const cursor = first.json.next_cursor ?? "";
  const startedAt = Date.now();

  const waiting = get(`/v1/runs/${run_id}/events?wait=20${cursor === "" ? "" : `&after=${cursor}`}`, { key });
  await postEvents(key, [eventText("run.finished", { run_id })]);
  const { status, json: news } = await waiting;

  expect([status, news.data.at(-1)]).toEqual([200, expect.objectContaining({ type: "run.finished" })]);
  expect(Date.now() - startedAt).toBeLessThan(10_000);
});

describe("the gateway", () => {
  test.each([
    ["GET", "/v1/nothing"],
    ["POST", "/v1/runs"],
    ["GET", "/v1/runs/r/more"],
    ["GET", "/v2/health"],
    ["GET", "/"],
    ["PUT", "/v1/events"],
    ["PATCH", "/v1/runs/r"],
    ["DELETE", "/v1/health"],
    ["POST", "/v1/apps"],
  ])("answers that there is nothing at %s %s", async (method, path) => {
    expectProblem(await ask(method, path, { key }), 404, "NOT_FOUND");
    expectProblem(await ask(method, path), 404, "NOT_FOUND");
  });

  test("refuses who has no credential with a problem document that says how to come again", async () => {
    const answer = await get("/v1/runs/r");

    expectProblem(answer, 401, "UNAUTHORIZED");
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
  });
});
