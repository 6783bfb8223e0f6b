import type { TenantId } from "../../shared/contract/identifiers.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { get, postEvents } from "./support/api.ts";
import { type BusListener, type Delivered, listenToBus } from "./support/bus-listener.ts";
import { sendMessage } from "./support/queue.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

let tenantId: TenantId;
let key: string;
let bus: BusListener;
beforeAll(async () => {
  tenantId = newTenant("bus");
  key = await newKey(tenantId);
  bus = await listenToBus(tenantId, key);
}, 120_000);
afterAll(async () => {
  await bus.stop();
  await revokeKeys();
});

/** What the bus told of a run, by version; each once, though it may come more often. */
const toldOf = (delivered: readonly Delivered[], runId: string): [type: string, version: number][] => {
  const told = new Map(
    delivered
      .filter(({ detail }) => detail.run_id === runId)
      .map((event) => [event.detail.version, event["detail-type"]] as const),
  );
  return [...told].map(([version, type]): [string, number] => [type, version]).sort(([, a], [, b]) => a - b);
};

let settled = 0;
/** Waits for these statuses of a run, then for those of a run recorded after it: hardly anything is still to come. */
const settle = async (runId: string, statuses: readonly string[]): Promise<readonly Delivered[]> => {
  for (const status of statuses) await bus.until(runId, status);
  const next = `settled-${++settled}`;
  await postEvents(key, [eventText("run.started", { run_id: next })]);
  await postEvents(key, [eventText("run.finished", { run_id: next })]);
  return bus.until(next, "succeeded");
};

describe("the bus", () => {
  test("tells each status of a run once and in order, with the light run and whose it is", async () => {
    const run_id = "told";
    await postEvents(key, [eventText("run.started", { run_id, inputs: "s3cret-of-the-payload", tags: ["t"] })]);
    await postEvents(key, [eventText("node.started", { run_id }), eventText("node.finished", { run_id })]);
    await postEvents(key, [eventText("run.paused", { run_id, at: "2026-11-22T10:00:01Z", reasons: json("[]") })]);
    await postEvents(key, [eventText("run.finished", { run_id, at: "2026-11-22T10:00:02Z", total_tokens: 7 })]);
    const run = await get(`/v1/runs/${run_id}`, { key });

    const delivered = await settle(run_id, ["running", "paused", "succeeded"]);

    const told = toldOf(delivered, run_id);
    expect(told.map(([type]) => type)).toEqual(["run.running", "run.paused", "run.succeeded"]);
    expect(told.at(-1)?.[1]).toBe(run.json.version);
    const last = delivered.find(({ detail }) => detail.run_id === run_id && detail.status === "succeeded");
    expect(last).toMatchObject({
      source: "runstone",
      detail: { tenant_id: tenantId, app_id: "app-1", tags: ["t"], total_tokens: 7, version: run.json.version },
    });
    expect(JSON.stringify(delivered)).not.toContain("s3cret");
  });

  test("tells a run that came whole as it ended, and nothing of what changes no status", async () => {
    const run_id = "whole";
    await postEvents(key, [
      eventText("run.started", { run_id }),
      eventText("node.finished", { run_id }),
      eventText("run.finished", { run_id, status: "failed", error: "boom" }),
    ]);
    await postEvents(key, [eventText("run.heartbeat", { run_id }), eventText("node.started", { run_id })]);

    const delivered = await settle(run_id, ["failed"]);

    expect(toldOf(delivered, run_id).map(([type]) => type)).toEqual(["run.failed"]);
  });

  test("tells nothing of a start that arrives after the end: the run's status is what it was", async () => {
    const run_id = "late-start";
    await postEvents(key, [eventText("run.finished", { run_id, at: "2026-11-22T10:00:02Z" })]);
    await bus.until(run_id, "succeeded");
    await postEvents(key, [eventText("run.started", { run_id, created_by: "somebody" })]);
    const run = await get(`/v1/runs/${run_id}`, { key });

    const delivered = await settle(run_id, ["succeeded"]);

    expect(run.json).toMatchObject({ status: "succeeded", created_by: "somebody" });
    expect(toldOf(delivered, run_id)).toEqual([["run.succeeded", 1]]);
    expect(run.json.version).toBeGreaterThan(1);
  });

  test("tells what came over the queue, too", async () => {
    const run_id = "queued";
    const events = [eventText("run.started", { run_id }), eventText("run.finished", { run_id })];
    await sendMessage(tenantId, `[${events.map((event) => ofTenant(tenantId, event)).join(",")}]`);

    const delivered = await bus.until(run_id, "succeeded");

    expect(toldOf(delivered, run_id).map(([type]) => type)).toEqual(["run.succeeded"]);
  });
});
