import type { TenantId } from "../../shared/contract/identifiers.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { type Answer, ask, expectProblem, get, postEvents } from "./support/api.ts";
import { openSecondEpoch } from "./support/claims.ts";
import { eventually } from "./support/eventually.ts";
import { sendMessage } from "./support/queue.ts";
import { quarantineHolds, runAppears, runReaches } from "./support/runs.ts";
import { sampleEvents } from "./support/samples.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

interface Caller {
  readonly tenantId: TenantId;
  readonly key: string;
}

const newCaller = async (name: string): Promise<Caller> => {
  const tenantId = newTenant(name);
  return { tenantId, key: await newKey(tenantId) };
};

let one: Caller;
let other: Caller;
beforeAll(async () => {
  [one, other] = await Promise.all([newCaller("queue-one"), newCaller("queue-other")]);
});
afterAll(revokeKeys);

const redrive = (key: string, id: string): Promise<Answer> => ask("POST", `/v1/quarantine/${id}/redrive`, { key });

describe("a message on the queue", () => {
  test("is recorded for each tenant that its events name", async () => {
    const started = eventText("run.started", { run_id: "shared" });
    const inputs = '{ "big":12345678901234567890,"one":1.0 }';
    const events = [
      ofTenant(one.tenantId, started),
      ofTenant(other.tenantId, eventText("run.started", { run_id: "shared", inputs: json(inputs) })),
      ofTenant(one.tenantId, eventText("run.finished", { run_id: "shared" })),
    ];

    await sendMessage(one.tenantId, `[${events.join(",")}]`);
    const ofOne = await runAppears(one.key, "shared");
    const ofOther = await runAppears(other.key, "shared");

    expect([ofOne.json.status, ofOther.json.status]).toEqual(["succeeded", "running"]);
    expect(ofOther.text).toContain(`"inputs":${inputs}`);
    expect(ofOne.text).not.toContain("12345678901234567890");
  });

  test("may be one event, a list, or an object of events", async () => {
    const event = (run_id: string) => ofTenant(one.tenantId, eventText("run.started", { run_id }));

    await sendMessage(one.tenantId, event("single"));
    await sendMessage(one.tenantId, `[${event("in-a-list")}]`);
    await sendMessage(one.tenantId, `{"events":[${event("in-an-object")}]}`);

    for (const runId of ["single", "in-a-list", "in-an-object"]) {
      const run = await runAppears(one.key, runId);
      expect(run.json.status).toBe("running");
    }
    const events = await get("/v1/runs/single/events", one);
    expect(events.json.data).toMatchObject([{ source: "queue", actor: "engine" }]);
  });

  test("carries a whole sample run, a message an event and some of them twice", async () => {
    const events = sampleEvents("parallel").map((event) => ofTenant(one.tenantId, event));
    const { run_id } = JSON.parse(events[0] ?? "") as { run_id: string };

    await Promise.all([...events, ...events.slice(0, 5)].map((event) => sendMessage(one.tenantId, event)));
    await runReaches(one.key, run_id, "succeeded");
    const trace = await eventually("every event of the run is recorded", async () => {
      const ledger = await get(`/v1/runs/${run_id}/events?limit=1000`, one);
      const distinct = new Set(ledger.json.data.map((event: { digest: string }) => event.digest));
      return distinct.size === events.length ? get(`/v1/runs/${run_id}/trace`, one) : undefined;
    });

    expect(trace.json.run.incomplete).toBe(false);
    expect(trace.text).not.toContain('"unplaced":true');
  });
});

describe("an event that is refused", () => {
  test("waits in its tenant's quarantine with every reason, while the good ones of its message are recorded", async () => {
    const mixed = await newCaller("mixed");
    const bad = ofTenant(mixed.tenantId, eventText("node.finished", { run_id: "run-1", status: "done", index: -1 }));
    const good = ofTenant(mixed.tenantId, eventText("run.started"));

    const messageId = await sendMessage(mixed.tenantId, `{"events":[${bad},${good}]}`);
    const quarantine = await quarantineHolds(mixed.key, 1);
    const run = await runAppears(mixed.key, "run-1");

    expect(quarantine.json.data).toMatchObject([
      { message_id: messageId, index: 0, run_id: "run-1", code: "INVALID_EVENT", event: JSON.parse(bad) },
    ]);
    const [{ errors, id }] = quarantine.json.data;
    expect(errors.map(({ path }: { path: string }) => path).sort()).toEqual(["index", "status"]);
    expect(run.json.node_counts).toMatchObject({ succeeded: 0, failed: 0 });
    const redriven = await redrive(mixed.key, id);
    expect(redriven.json).toMatchObject({ redriven: 0, still_refused: 1 });
  });

  test("is no other tenant's to see or to redrive, and an unknown one is answered alike", async () => {
    const owner = await newCaller("owner");
    await sendMessage(owner.tenantId, ofTenant(owner.tenantId, eventText("run.started", { app_id: 7 })));
    const { id } = (await quarantineHolds(owner.key, 1)).json.data[0];

    const seen = await get("/v1/quarantine", other);
    const theirs = await redrive(other.key, id);
    const unknown = await redrive(other.key, Buffer.from("1#0#none").toString("base64url"));

    expect(seen.json.data).toEqual([]);
    expectProblem(theirs, 404, "NOT_FOUND");
    expectProblem(unknown, 404, "NOT_FOUND");
    expect((await get("/v1/quarantine", owner)).json.data).toHaveLength(1);
  });

  test("shows no payload to who may not see it", async () => {
    const owner = await newCaller("hidden");
    const body = eventText("run.started", { app_id: 7, inputs: "s3cret-of-the-payload" });
    await sendMessage(owner.tenantId, ofTenant(owner.tenantId, body));
    await quarantineHolds(owner.key, 1);

    const answer = await get("/v1/quarantine", { key: await newKey(owner.tenantId, { scopes: ["admin"] }) });

    expect(answer.json.data).toMatchObject([{ payload_hidden: true }]);
    expect(answer.text).not.toContain("s3cret");
  });

  test("is recorded by a redrive once what it lacked is there", async () => {
    const claimant = await newCaller("redrive");
    expect((await postEvents(claimant.key, [eventText("run.started")])).status).toBe(200);
    const early = ofTenant(claimant.tenantId, eventText("run.finished", { epoch: 2 }));
    await sendMessage(claimant.tenantId, early);
    const quarantine = await quarantineHolds(claimant.key, 1);
    const [{ id, code }] = quarantine.json.data;

    await openSecondEpoch(claimant.tenantId);
    const redriven = await redrive(claimant.key, id);
    const run = await get("/v1/runs/run-1", claimant);

    expect(code).toBe("UNKNOWN_EPOCH");
    expect(redriven.json).toMatchObject({ redriven: 1, still_refused: 0, unavailable: 0 });
    expect(run.json).toMatchObject({ status: "succeeded", epoch: 2 });
    expect((await get("/v1/quarantine", claimant)).json.data).toEqual([]);
    expectProblem(await redrive(claimant.key, id), 404, "NOT_FOUND");
  });
});

describe("with Prefer: respond-async", () => {
  test("events are queued, and appear", async () => {
    const inputs = '{ "one":1.0, "big":98765432109876543210 }';
    const events = [
      eventText("run.started", { run_id: "async", inputs: json(inputs) }),
      eventText("run.finished", { run_id: "async" }),
    ];

    const queued = await postEvents(one.key, events, { prefer: "respond-async" });
    const run = await runReaches(one.key, "async", "succeeded");

    expect([queued.status, queued.headers["preference-applied"]]).toEqual([202, "respond-async"]);
    expect(queued.json).toMatchObject({ queued: 2, rejected: 0, unavailable: 0 });
    expect(run.text).toContain(`"inputs":${inputs}`);
    expect((await get("/v1/runs/async/events", one)).json.data).toMatchObject([
      { source: "queue" },
      { source: "queue" },
    ]);
  });

  test("what is wrong is refused at once", async () => {
    const bad = eventText("run.finished", { status: "wonderful" });

    const answer = await postEvents(one.key, [bad], { prefer: "respond-async" });

    expectProblem(answer, 400, "ALL_REJECTED");
    expect(answer.json.results).toMatchObject([{ status: "rejected", errors: [{ path: "status" }] }]);
  });

  test("an event that names a tenant is refused: it cannot choose whose it is", async () => {
    const foreign = ofTenant(other.tenantId, eventText("run.started", { run_id: "smuggled" }));

    const answer = await postEvents(one.key, [foreign], { prefer: "respond-async" });

    expectProblem(answer, 400, "ALL_REJECTED");
    expectProblem(await get("/v1/runs/smuggled", other), 404, "NOT_FOUND");
  });
});
