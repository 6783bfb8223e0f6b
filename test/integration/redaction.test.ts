import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { AppSettingsBody } from "../../shared/contract/app-settings.ts";
import { AppId } from "../../shared/contract/identifiers.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoSettingsStore } from "../../shared/dynamodb/dynamo-settings-store.ts";
import { SETTINGS_LAG_MS } from "../../shared/ports/settings-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { setApp } from "../support/app-settings.ts";
import { AT, eventText, ofTenant } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { postEvents, type Reply, readRun, runKey, type Service, startService } from "../support/service.ts";
import { itemsOf, objectsOf } from "../support/stored.ts";

const at = (seconds: number): string => new Date(Date.parse(AT) + seconds * 1000).toISOString();

let service: Service;
let clock: ManualClock;
beforeEach(async () => {
  clock = manualClock();
  service = await startService(undefined, clock);
});
afterEach(() => service.stop());

const path = { run_id: "run-1" };
const readNodes = (query: Record<string, string> = { include: "payload" }): Promise<Reply> =>
  service.get({ resource: "/v1/runs/{run_id}/nodes", path, query });
const readNode = (id = "node-1"): Promise<Reply> =>
  service.get({ resource: "/v1/runs/{run_id}/nodes/{node_execution_id}", path: { ...path, node_execution_id: id } });
const readTrace = (): Promise<Reply> => service.get({ resource: "/v1/runs/{run_id}/trace", path });
const readEvents = (): Promise<Reply> => service.get({ resource: "/v1/runs/{run_id}/events", path });
const distinctEvents = async (): Promise<number> =>
  Number(/-(\d+)"$/.exec(String((await readRun(service, "run-1")).headers["etag"]))?.[1]);

const record = async (...events: readonly string[]): Promise<Reply> => {
  const reply = await postEvents(service, events);
  expect(reply.status).toBe(200);
  return reply;
};

test("what was redacted is shown where the value is", async () => {
  await setApp(service, "app-1", {
    redact: { paths: ["inputs.password", "outputs.list[*].token", "error", "data.secret"], detectors: ["emails"] },
  });
  await record(
    eventText("run.started", { inputs: { password: "p", n: 1.5 }, tags: ["of ann@example.com"] }),
    eventText("node.started", { inputs: { password: "p" }, title: "Ask ann@example.com" }),
    eventText("node.retried", { at: at(1), error: "no such user", outputs: { list: [] } }),
    eventText("agent.logged", { at: at(1), data: { secret: 1, open: 1 }, label: "ann@example.com" }),
    eventText("node.finished", { at: at(2), outputs: { list: [{ token: 1 }, { token: 2, n: 1 }] } }),
    eventText("run.finished", { at: at(3), status: "failed", error: { code: "E", message: "m" } }),
  );

  expect((await readRun(service, "run-1")).json).toMatchObject({
    inputs: { password: "***", n: 1.5 },
    tags: ["of ***"],
    error: "***",
    redacted: ["error", "inputs", "tags"],
  });
  const node = {
    inputs: { password: "***" },
    title: "Ask ***",
    outputs: { list: [{ token: "***" }, { token: "***", n: 1 }] },
    redacted: ["inputs", "outputs", "title"],
  };
  expect((await readNodes()).json.data).toEqual([expect.objectContaining(node)]);
  expect((await readNodes({})).json.data[0].redacted).toEqual(["inputs", "outputs", "title"]);
  const { attempts, ...whole } = (await readNode()).json;
  expect(whole).toMatchObject(node);
  expect(attempts).toEqual([
    expect.objectContaining({ number: 1, error: "***", redacted: ["error"] }),
    expect.objectContaining({ number: 2, redacted: ["outputs"] }),
  ]);
  const trace = (await readTrace()).json;
  expect(trace.nodes[0]).toMatchObject({ title: "Ask ***", redacted: ["inputs", "outputs", "title"] });
  expect(trace.nodes[0].retries[0].redacted).toEqual(["error"]);
  expect(trace.agent_log).toEqual([expect.objectContaining({ label: "***", redacted: ["data", "label"] })]);
  expect((await readEvents()).json.data.map((event: { redacted?: string[] }) => event.redacted)).toEqual([
    ["inputs", "tags"],
    ["inputs", "title"],
    ["error"],
    ["data", "label"],
    ["outputs"],
    ["error"],
  ]);
});

test("of a run in which nothing was redacted nothing is said", async () => {
  await setApp(service, "app-1", { redact: { paths: ["inputs.password"] } });
  await record(eventText("run.started", { inputs: { n: 1 } }), eventText("node.started", { inputs: [1] }));

  for (const reply of [await readRun(service, "run-1"), await readNode(), await readTrace(), await readEvents()]) {
    expect(reply.text).not.toContain("redacted");
  }
});

test("a sent field named redacted is shown in the ledger, and elsewhere takes no place of the service's own", async () => {
  await setApp(service, "app-1", { redact: { paths: ["inputs.password"] } });
  await record(
    eventText("run.started", { redacted: "by me", inputs: { password: 1 } }),
    eventText("node.started", { redacted: "by me" }),
  );

  expect((await readRun(service, "run-1")).json.redacted).toEqual(["inputs"]);
  expect((await readNode()).json.redacted).toBeUndefined();
  expect((await readEvents()).json.data).toMatchObject([
    { redacted: ["inputs"], sent: { redacted: "by me" } },
    { sent: { redacted: "by me" } },
  ]);
});

test("of payload of which only metadata is kept, size and digest are shown", async () => {
  await setApp(service, "app-1", { payload_mode: "metadata_only" });
  await record(
    eventText("run.started", { inputs: { a: "é" }, graph: { nodes: [] }, created_by: "ann", tags: ["t"] }),
    eventText("node.finished", { title: "T", outputs: { a: "é" }, execution_metadata: { total_tokens: 5, log: [1] } }),
  );

  const run = (await readRun(service, "run-1")).json;
  const kept = { $redacted: "metadata_only", size: 10, digest: expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/) };
  expect(run).toMatchObject({ inputs: kept, created_by: "ann", tags: ["t"], redacted: ["graph", "inputs"] });
  const node = (await readNode()).json;
  expect(node).toMatchObject({ outputs: run.inputs, title: "T", redacted: ["execution_metadata", "outputs"] });
  expect(node.execution_metadata).toEqual({ log: { ...kept, size: 3 }, total_tokens: 5 });
});

describe("an event is the same", () => {
  const RULES = { redact: { paths: ["inputs.password"] } };
  const start = eventText("run.started", { inputs: { password: "one" } });
  const node = eventText("node.started", { inputs: { password: "p", user: "u" } });

  test("however often it comes, and another one where only what was redacted differs", async () => {
    await setApp(service, "app-1", RULES);
    await record(start, start);
    await record(start);
    expect(await distinctEvents()).toBe(1);

    await record(start.replace('"one"', '"two"'));
    expect(await distinctEvents()).toBe(2);
    const ids = (await readEvents()).json.data.map(({ id, digest }: { id: string; digest: string }) => [id, digest]);
    expect(new Set(ids.map(String)).size).toBe(2);
    for (const [id, digest] of ids) expect(id).toBe(digest);
  });

  test("whether it comes directly, by request to the queue, or by the queue", async () => {
    await setApp(service, "app-1", RULES);
    const direct = await record(start, node);
    const queued = await service.post({
      resource: "/v1/events",
      headers: { prefer: "respond-async" },
      body: `{"events":[${eventText("node.started", { at: "never" })},${start},${node}]}`,
    });
    const idsOf = ({ json }: Reply) => json.results.map(({ id }: { id: string }) => id);
    expect(queued.status).toBe(202);
    expect(idsOf(queued).slice(1)).toEqual(idsOf(direct));

    const [message = ""] = await service.takeQueued();
    expect(message).not.toMatch(/"one"|"p"/);
    await service.deliver([message, ofTenant("demo", start), `[${ofTenant("demo", node)}]`]);

    expect((await readEvents()).json.data).toHaveLength(6);
    expect(await distinctEvents()).toBe(2);
    expect((await readRun(service, "run-1")).json).toMatchObject({ redacted: ["inputs"], conflicts: [] });
  });

  test.each(["alone", "with others"])("when it is redriven %s", async (way) => {
    await setApp(service, "app-1", RULES);
    const early = eventText("run.started", { at: at(100_000), inputs: { password: "one" } });
    await service.deliver([ofTenant("demo", early)]);
    const [waiting] = (await service.get({ resource: "/v1/quarantine" })).json.data;
    expect(waiting).toMatchObject({
      code: "AT_IN_FUTURE",
      event: { inputs: { password: "***" } },
      redacted: ["inputs"],
    });

    clock.advance(100_000_000);
    const redriven =
      way === "alone"
        ? await service.post({ resource: "/v1/quarantine/{id}/redrive", path: { id: waiting.id } })
        : await service.post({ resource: "/v1/quarantine/redrive" });
    expect(redriven.json).toMatchObject({ redriven: 1 });
    await record(early);

    expect(await distinctEvents()).toBe(1);
    expect((await readRun(service, "run-1")).json).toMatchObject({
      inputs: { password: "***" },
      redacted: ["inputs"],
      conflicts: [],
    });
  });

  test("before and after it is known whose run it is, though more is taken from it before", async () => {
    await setApp(service, "app-1", RULES);
    await setApp(service, "app-2", { redact: { paths: ["inputs.user"] } });
    await record(node);
    expect((await readNode()).json.inputs).toEqual({ password: "***", user: "***" });

    await record(start);
    await record(node);

    expect(await distinctEvents()).toBe(2);
    expect((await readRun(service, "run-1")).json.conflicts).toEqual([]);
    expect((await readNode()).json.inputs).toMatchObject({ password: "***" });
  });
});

test("a message may say of its events how they were redacted, and undoes nothing by it", async () => {
  await setApp(service, "app-1", { redact: { paths: ["inputs.password"] } });
  const event = ofTenant("demo", eventText("run.started", { inputs: { password: "canary" } }));
  const digest = "0123456789abcdef".repeat(2);
  const messages = [
    { 0: { digest, fields: [] } },
    { 0: { digest, fields: ["title"] } },
    { 0: { digest: "short", fields: [] } },
    { 1: { digest, fields: [] } },
    "nonsense",
    [null],
  ].map((redactions) => `{"events":[${event}],"redactions":${JSON.stringify(redactions)}}`);

  const { batchItemFailures } = await service.deliver(messages);

  expect(batchItemFailures).toEqual([]);
  const deliveries = (await readEvents()).json.data as { digest: string; inputs: object; redacted: string[] }[];
  expect(deliveries).toHaveLength(6);
  for (const { inputs, redacted } of deliveries) {
    expect(inputs).toEqual({ password: "***" });
    expect(redacted).toContain("inputs");
  }
  // Of an event of which nothing was taken out, the digest is made anew.
  expect(deliveries.filter((delivery) => delivery.digest === digest)).toHaveLength(1);
  expect(await distinctEvents()).toBe(2);
});

test("what a request says of redaction is nothing to anybody", async () => {
  const events = [eventText("run.started", { inputs: 1 })];
  const digest = "0123456789abcdef".repeat(2);
  const body = `{"events":[${events}],"redactions":{"0":{"digest":"${digest}","fields":["title"]}}}`;

  const queued = await service.post({ resource: "/v1/events", headers: { prefer: "respond-async" }, body });
  const [message = ""] = await service.takeQueued();
  await service.post({ resource: "/v1/events", body });

  expect(queued.status).toBe(202);
  expect(message).not.toContain(digest);
  expect((await readEvents()).text).not.toContain(digest);
});

describe("rules", () => {
  test("hold from the moment they are set, and what was recorded before stays as it is", async () => {
    await record(eventText("run.started", { inputs: { password: "before" } }));
    await setApp(service, "app-1", { redact: { paths: ["inputs.password"] } });
    await record(eventText("run.started", { run_id: "run-2", inputs: { password: "after" } }));

    expect((await readRun(service, "run-1")).json.inputs).toEqual({ password: "before" });
    expect((await readRun(service, "run-2")).json.inputs).toEqual({ password: "***" });
  });

  test("that another process has set hold seconds later", async () => {
    const { tenantId } = runKey("demo", "run-1");
    await service.dependencies.settings.ofTenant(tenantId);
    const elsewhere = dynamoSettingsStore(tableOf(service.dynamodb, service.tableName), clock);
    const settings = v.parse(AppSettingsBody, { redact: { paths: ["inputs.password"] } });
    const appId = v.parse(AppId, "app-1");
    await elsewhere.put({ tenantId, appId }, settings, { version: 0, updatedAt: clock.now() });
    clock.advance(SETTINGS_LAG_MS);
    await record(eventText("run.started", { inputs: { password: "after" } }));

    expect((await readRun(service, "run-1")).json.inputs).toEqual({ password: "***" });
  });

  test("of one tenant are nothing to another", async () => {
    await setApp(service, "app-1", { redact: { paths: ["inputs.password"] } }, "acme");
    await record(eventText("run.started", { inputs: { password: "p" } }));

    expect((await readRun(service, "run-1")).json.inputs).toEqual({ password: "p" });
  });

  test("that cannot be read let nothing through: over HTTP it is 503, off the queue the message comes again", async () => {
    const fault = new StoreFault("throttled", { cause: undefined, isRetryable: true });
    const broken = await startService((dependencies) => ({
      ...dependencies,
      settings: { ...dependencies.settings, ofTenant: () => Promise.reject(fault) },
    }));
    const events = [eventText("run.started"), eventText("run.started", { at: "never" })];

    const replies = [
      await postEvents(broken, events),
      await broken.post({
        resource: "/v1/events",
        headers: { prefer: "respond-async" },
        body: `{"events":[${events}]}`,
      }),
    ];
    const { batchItemFailures } = await broken.deliver(events.map((event) => ofTenant("demo", event)));
    const queued = await broken.takeQueued();
    broken.stop();

    expect(replies.map(({ status }) => status)).toEqual([503, 503]);
    expect(replies[0]?.json).toMatchObject({ code: "UNAVAILABLE", unavailable: 2 });
    expect(queued).toEqual([]);
    expect(batchItemFailures).toHaveLength(2);
  });
});

test("a Dify stream is redacted as the events that it becomes", async () => {
  await setApp(service, "app-1", {
    redact: { paths: ["inputs.password", "dify_inputs", "..answer"], detectors: ["emails"] },
  });
  const frames = [
    {
      event: "workflow_started",
      workflow_run_id: "run-1",
      task_id: "for ann@example.com",
      data: {
        id: "run-1",
        workflow_id: "w",
        inputs: { password: "p", "sys.query": "mail ann@example.com" },
        created_at: 1732269600,
      },
    },
    {
      event: "workflow_finished",
      workflow_run_id: "run-1",
      data: {
        id: "run-1",
        status: "succeeded",
        outputs: { answer: "p" },
        created_at: 1732269600,
        finished_at: 1732269601,
      },
    },
  ];
  const reply = await service.post({
    resource: "/v1/dify/events",
    query: { app_id: "app-1" },
    headers: { "content-type": "text/event-stream" },
    body: frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(""),
  });

  expect(reply).toMatchObject({ status: 200, json: { accepted: 2 } });
  expect((await readRun(service, "run-1")).json).toMatchObject({
    inputs: { password: "***", "sys.query": "mail ***" },
    outputs: { answer: "***" },
    task_id: "for ***",
    redacted: ["inputs", "outputs", "task_id"],
  });
});

test("an upload is refused for an app that redacts, by whatever rules", async () => {
  await setApp(service, "app-1", { payload_mode: "metadata_only", redact: { paths: ["inputs"] } });
  const reply = await postEvents(service, [
    eventText("run.started", { inputs: { $ref: "upload:01ARZ3NDEKTSV4RRFFQ69G5FAV" } }),
  ]);
  expect(reply.json.results[0]).toMatchObject({ status: "rejected", code: "UPLOADS_REFUSED" });
});

describe("what administrators write", () => {
  const ANN = "ann@example.com";
  const app = { app_id: "app-1" };
  const audit = async () => (await service.get({ resource: "/v1/audit" })).json.data;
  const stored = async (): Promise<string> => JSON.stringify(await itemsOf(service));

  test("as the reason of a hold is redacted by the rules of the run's app", async () => {
    await setApp(service, "app-1", { redact: { detectors: ["emails"] } });
    const hold = (run_id: string): Promise<Reply> =>
      service.put({
        resource: "/v1/runs/{run_id}/hold",
        path: { run_id },
        body: JSON.stringify({ reason: `by ${ANN}` }),
      });
    await record(eventText("run.started"), eventText("run.started", { run_id: "run-2", app_id: "app-2" }));
    clock.advance(1000);

    expect((await hold("run-1")).status).toBe(200);
    expect((await readRun(service, "run-1")).json.hold.reason).toBe("by ***");
    expect((await audit())[0].details).toEqual({ run_id: "run-1", reason: "by ***" });
    expect(await stored()).not.toContain(ANN);

    await hold("run-2");
    expect((await readRun(service, "run-2")).json.hold.reason).toBe(`by ${ANN}`);
  });

  test("as the reason of a hold is what the path of that field means", async () => {
    await setApp(service, "app-1", { redact: { paths: ["$.reason"] } });
    await record(eventText("run.started"));
    await service.put({ resource: "/v1/runs/{run_id}/hold", path, body: '{"reason":"case 7"}' });

    expect((await readRun(service, "run-1")).json.hold.reason).toBe("***");
  });

  test("as a filter finds what was recorded before there were rules, and is kept and shown without what they take out", async () => {
    await record(eventText("run.started", { created_by: ANN, tags: [ANN, "a"] }));
    await record(eventText("run.started", { run_id: "run-2", created_by: "bob", tags: ["***", "a"] }));
    await setApp(service, "app-1", { redact: { detectors: ["emails"] } });
    clock.advance(SETTINGS_LAG_MS + 1);
    const query = { created_by: ANN, tag: [ANN, "a"] };
    const shown = { created_by: "***", tag: ["***", "a"] };

    const prefer = { headers: { prefer: "respond-async" } };
    const begun = await service.get({ resource: "/v1/apps/{app_id}/export", path: app, query, ...prefer });
    expect([begun.json.state, begun.json.filter]).toEqual(["running", shown]);
    await service.workOff();
    const { json: exported } = await service.get({
      resource: "/v1/jobs/{job_id}",
      path: { job_id: begun.json.job_id },
    });
    expect([exported.state, exported.filter, exported.report.runs]).toEqual(["done", shown, 1]);
    const [file = ""] = objectsOf(service).filter((key) => key.includes("/exports/"));
    const [first = ""] = gunzipSync(readFileSync(join(service.objects, file)))
      .toString()
      .split("\n");
    expect(JSON.parse(first)).toMatchObject({ record: "export", filter: shown });

    const dry = await service.delete({
      resource: "/v1/apps/{app_id}/runs",
      path: app,
      query: { ...query, dry_run: "true" },
    });
    expect([dry.json.filter, dry.json.report.matched]).toEqual([shown, 1]);
    const { json: deletion } = await service.delete({ resource: "/v1/apps/{app_id}/runs", path: app, query });
    expect([deletion.state, deletion.filter, deletion.report.deleted]).toEqual(["done", shown, 1]);
    expect((await audit())[0].details.filter).toEqual(shown);
    expect((await readRun(service, "run-1")).status).toBe(404);
    expect(await stored()).not.toContain(ANN);
  });

  test("as a filter is left with what it says of a job only while that runs, whatever ends it", async () => {
    await setApp(service, "app-1", { redact: { detectors: ["emails"] } });
    const call = { path: app, query: { created_by: ANN }, headers: { prefer: "respond-async" } };
    const { json: job } = await service.get({ resource: "/v1/apps/{app_id}/export", ...call });

    await service.delete({ resource: "/v1/jobs/{job_id}", path: { job_id: job.job_id } });

    expect(await stored()).not.toContain(ANN);
  });
});
