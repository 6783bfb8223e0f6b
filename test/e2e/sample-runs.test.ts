import { eventText } from "../support/event-text.ts";
import { type Answer, ask, get, postEvents } from "./support/api.ts";
import { sample, sampleEvents } from "./support/samples.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

const NDJSON = { "content-type": "application/x-ndjson" };

let key: string;
beforeAll(async () => {
  key = await newKey(newTenant("samples"));
});
afterAll(revokeKeys);

const postSample = (name: string): Promise<Answer> =>
  ask("POST", "/v1/events", { key, headers: NDJSON, body: sampleEvents(name).join("\n") });

describe("a sample run", () => {
  beforeAll(async () => {
    const answer = await postSample("agent");
    expect([answer.status, answer.json.accepted]).toEqual([200, sampleEvents("agent").length]);
  });

  test("is read back as it ended", async () => {
    const { status, headers, json: run } = await get("/v1/runs/sample-agent", { key });

    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
    expect(run).toMatchObject({
      run_id: "sample-agent",
      status: "partial-succeeded",
      incomplete: false,
      conflicts: [],
    });
    expect(run.version).toBeGreaterThan(0);
  });

  test("has its nodes, with previews, and with payload where that is asked for", async () => {
    const light = await get("/v1/runs/sample-agent/nodes", { key });
    const whole = await get("/v1/runs/sample-agent/nodes?include=payload&limit=1000", { key });

    const ids = (answer: Answer): string[] =>
      answer.json.data.map((node: { node_execution_id: string }) => node.node_execution_id);
    expect(ids(light).length).toBeGreaterThan(3);
    expect(ids(whole)).toEqual(ids(light));
    expect(light.text).toMatch(/"inputs_preview":/);
    expect(whole.text).toMatch(/"inputs":/);
  });

  test("has each page of its nodes", async () => {
    const all = await get("/v1/runs/sample-agent/nodes", { key });
    const first = await get("/v1/runs/sample-agent/nodes?limit=2", { key });
    const next = await get(`/v1/runs/sample-agent/nodes?limit=1000&after=${first.json.next_cursor}`, { key });

    expect([first.json.has_more, next.json.has_more]).toEqual([true, false]);
    expect([...first.json.data, ...next.json.data]).toEqual(all.json.data);
  });

  test("has each node by itself, with payload and attempts", async () => {
    const nodes = await get("/v1/runs/sample-agent/nodes", { key });
    for (const { node_execution_id } of nodes.json.data.slice(0, 3)) {
      const { status, json: node } = await get(`/v1/runs/sample-agent/nodes/${node_execution_id}`, { key });

      expect([status, node.node_execution_id]).toEqual([200, node_execution_id]);
      expect(node.attempts.length).toBeGreaterThan(0);
    }
  });

  test("has every node execution in its trace", async () => {
    const nodes = await get("/v1/runs/sample-agent/nodes", { key });
    const trace = await get("/v1/runs/sample-agent/trace", { key });

    expect(trace.json.run.run_id).toBe("sample-agent");
    for (const { node_execution_id } of nodes.json.data) {
      expect(trace.text).toContain(`"node_execution_id":${JSON.stringify(node_execution_id)}`);
    }
  });

  test("is found by an id with a colon, however that is sent", async () => {
    await postEvents(key, [eventText("run.started", { run_id: "run:with.all_of-it" })]);

    const plain = await get("/v1/runs/run:with.all_of-it", { key });
    const encoded = await get(`/v1/runs/${encodeURIComponent("run:with.all_of-it")}`, { key });

    expect([plain.status, encoded.text]).toEqual([200, plain.text]);
  });

  test("has every delivery in its events", async () => {
    const { json: events } = await get("/v1/runs/sample-agent/events?limit=1000", { key });

    expect(events.data).toHaveLength(sampleEvents("agent").length);
    expect(events.data[0]).toMatchObject({ type: "run.started", actor: "engine", source: "http" });
  });

  test("is among its app's runs, and its app among the apps", async () => {
    const { app_id } = JSON.parse(sampleEvents("agent")[0] ?? "") as { app_id: string };

    const apps = await get("/v1/apps", { key });
    const listed = await get(`/v1/apps/${app_id}/runs`, { key });
    const failed = await get(`/v1/apps/${app_id}/runs?status=failed`, { key });

    expect(apps.json.data.map((app: { app_id: string }) => app.app_id)).toContain(app_id);
    expect(listed.json.data).toMatchObject([{ run_id: "sample-agent", status: "partial-succeeded" }]);
    expect(failed.json.data).toEqual([]);
  });

  test("gives the same answer when it is sent again, and changes nothing", async () => {
    const before = await get("/v1/runs/sample-agent", { key });

    const again = await postSample("agent");
    const after = await get("/v1/runs/sample-agent", { key });

    expect(again.json).toMatchObject({ accepted: sampleEvents("agent").length, rejected: 0, unavailable: 0 });
    expect([after.headers.etag, after.text]).toEqual([before.headers.etag, before.text]);
  });
});

test.each(["chat", "failure", "human-pause", "nested-loop", "parallel", "rag"])(
  "the sample run %s is recorded and read",
  async (name) => {
    const posted = await postSample(name);
    const { run_id } = JSON.parse(sampleEvents(name)[0] ?? "") as { run_id: string };
    const trace = await get(`/v1/runs/${run_id}/trace`, { key });

    expect([posted.status, posted.json.rejected]).toEqual([200, 0]);
    expect([trace.status, trace.json.run.run_id]).toEqual([200, run_id]);
  },
);

test.each(["agent", "chat"])("Dify's stream %s is recorded and read", async (name) => {
  const body = sample(`runs/dify/${name}.sse`);
  const runId = /"workflow_run_id": ?"([^"]+)"/.exec(body)?.[1] ?? "";

  const posted = await ask("POST", "/v1/dify/events?app_id=dify", {
    key,
    headers: { "content-type": "text/event-stream" },
    body,
  });
  const run = await get(`/v1/runs/${runId}`, { key });

  expect(posted.json).toMatchObject({ rejected: 0, unavailable: 0, ignored: expect.any(Number) });
  expect(run.json).toMatchObject({ app_id: "dify", status: "succeeded" });
});
