import { randomBytes } from "node:crypto";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import { ROUTES } from "../../shared/contract/routes.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { type Answer, ask, get, postEvents, send } from "./support/api.ts";
import { type BusListener, type Delivered, listenToBus } from "./support/bus-listener.ts";
import { eventually } from "./support/eventually.ts";
import { linesSince } from "./support/function-logs.ts";
import { sendMessage } from "./support/queue.ts";
import { quarantineHolds, runReaches } from "./support/runs.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

/** Words that stand nowhere else: what is found of them has got out. */
const canary = (where: string): string => `canary-${where}-${randomBytes(6).toString("hex")}`;

const PAYLOAD = canary("payload");
const LARGE = canary("large");
const FIELD = canary("field");
const REFUSED = canary("refused");
const MALFORMED = canary("malformed");
const RUN = canary("run");
const APP = canary("app");
const NODE = canary("node");
const CANARIES = { PAYLOAD, LARGE, FIELD, REFUSED, MALFORMED, RUN, APP, NODE };

const startedAt = Date.now();
/** Some seconds later than the clocks of any two machines differ. */
const CLOCK_MS = 60_000;

let one: TenantId;
let other: TenantId;
let oneKey: string;
let otherKey: string;
let bus: BusListener;
let heard: readonly Delivered[];
const answersToOther: Answer[] = [];

beforeAll(async () => {
  [one, other] = [newTenant("canary"), newTenant("listener")];
  [oneKey, otherKey] = await Promise.all([newKey(one), newKey(other)]);
  bus = await listenToBus(other, otherKey);
}, 120_000);
afterAll(async () => {
  await bus.stop();
  await revokeKeys();
});

const payload = {
  inputs: json(`{"word":"${PAYLOAD}"}`),
  outputs: json(`["${PAYLOAD}","${LARGE}${randomBytes(10_000).toString("hex")}"]`),
  error: json(`{"code":"E1","message":"${PAYLOAD}"}`),
  [FIELD]: json(`"${PAYLOAD}"`),
};
const ids = { run_id: RUN, app_id: APP };
const nodeIds = { ...ids, node_execution_id: NODE, node_id: NODE, title: PAYLOAD };
const EVENTS = [
  eventText("run.started", { ...ids, ...payload, created_by: PAYLOAD, tags: [PAYLOAD] }),
  eventText("node.started", { ...nodeIds, ...payload }),
  eventText("node.retried", { ...nodeIds, ...payload }),
  eventText("node.finished", { ...nodeIds, ...payload, status: "failed" }),
  eventText("agent.logged", { ...nodeIds, data: json(`["${PAYLOAD}"]`), label: PAYLOAD }),
];
const FINISH = eventText("run.finished", { ...ids, ...payload, status: "failed" });
const BAD = eventText("node.finished", { ...ids, status: REFUSED, at: REFUSED, index: -1, inputs: REFUSED });

/** One tenant does what it may, and much of it wrong. */
const useEverything = async (): Promise<void> => {
  const headers = { "content-type": "application/json" };
  expect((await postEvents(oneKey, EVENTS)).status).toBe(200);
  expect((await postEvents(oneKey, [BAD, ...EVENTS])).status).toBe(207);
  await ask("POST", "/v1/events", { key: oneKey, headers, body: `{"events":[${MALFORMED}` });
  await ask("POST", `/v1/events?${MALFORMED}=1`, { key: oneKey, headers, body: "{}" });
  await ask("POST", "/v1/dify/events?app_id=a", { key: oneKey, headers, body: `data: {"event":"${MALFORMED}\n\n` });
  await sendMessage(one, ofTenant(one, BAD));
  await sendMessage(one, `[${ofTenant(one, FINISH)},{"type":"${MALFORMED}"}]`);
  await sendMessage(one, `{"events": ${MALFORMED}`);
  await postEvents(oneKey, [eventText("run.heartbeat", { ...ids, note: PAYLOAD })], { prefer: "respond-async" });
  await runReaches(oneKey, RUN, "failed");
  const { json: quarantine } = await quarantineHolds(oneKey, 1);
  await ask("POST", `/v1/quarantine/${quarantine.data[0].id}/redrive`, { key: oneKey });
  for (const path of [
    `/v1/runs/${RUN}`,
    `/v1/runs/${RUN}/trace`,
    `/v1/runs/${RUN}/nodes/${NODE}`,
    `/v1/apps/${APP}/runs`,
  ]) {
    expect((await get(path, { key: oneKey })).status).toBe(200);
  }
  await get(`/v1/runs/${RUN}/events?after=${MALFORMED}`, { key: oneKey });
  await get(`/v1/runs/${MALFORMED}%20${PAYLOAD}`, { key: oneKey });
  await get("/v1/apps", { key: `${oneKey}x` });
};

/** The other tenant asks for all of it, by every route. */
const askForEverything = async (): Promise<void> => {
  for (const { method, resource } of ROUTES) {
    const path = resource
      .replace("{run_id}", RUN)
      .replace("{app_id}", APP)
      .replace("{node_execution_id}", NODE)
      .replace("{id}", Buffer.from("1#0#x").toString("base64url"));
    answersToOther.push(await send(method, path, { key: otherKey, body: method === "GET" ? "" : "{}" }));
  }
  for (const path of [
    `/v1/runs/${RUN}/nodes?include=payload`,
    `/v1/runs/${RUN}/trace?root=${NODE}`,
    "/v1/apps?limit=100",
  ]) {
    answersToOther.push(await get(path, { key: otherKey }));
  }
  answersToOther.push(await postEvents(otherKey, [ofTenant(one, FINISH)]));
  answersToOther.push(await postEvents(otherKey, [BAD]));
  // The same ids are other things here.
  answersToOther.push(await postEvents(otherKey, [eventText("run.started", ids), eventText("run.finished", ids)]));
  for (const path of [
    `/v1/runs/${RUN}`,
    `/v1/runs/${RUN}/nodes`,
    `/v1/runs/${RUN}/events`,
    `/v1/apps/${APP}/runs`,
    "/v1/quarantine",
  ]) {
    answersToOther.push(await get(path, { key: otherKey }));
  }
};

describe("nothing of a tenant", () => {
  beforeAll(async () => {
    await useEverything();
    await askForEverything();
    heard = await bus.until(RUN, "succeeded");
  }, 60_000);

  test("is in any answer to another", () => {
    expect(answersToOther.length).toBeGreaterThan(20);
    // The ids, and what was refused, it has sent itself.
    const secrets = [PAYLOAD, LARGE, FIELD, MALFORMED, one, oneKey];
    for (const { text, headers } of answersToOther) {
      const all = `${text} ${JSON.stringify(headers)}`;
      expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
    }
  });

  test("is in what the bus tells of another", () => {
    const told = JSON.stringify(heard);

    expect(heard.map(({ detail }) => detail.tenant_id)).toEqual(heard.map(() => other));
    expect([PAYLOAD, LARGE, FIELD, one].filter((secret) => told.includes(secret))).toEqual([]);
  });

  test("but its name is in any line of the logs: no payload, no id of its own, no key", async () => {
    await get("/v1/health");
    const { headers } = await get(`/v1/runs/${RUN}`, { key: oneKey });
    const lines = await eventually(
      "the last request is in the logs",
      async () => {
        const logged = await linesSince(startedAt - CLOCK_MS);
        const isThere = logged.some(({ message }) => message.includes(String(headers["x-request-id"])));
        return isThere ? logged : undefined;
      },
      { seconds: 40 },
    );

    const secrets = [...Object.values(CANARIES), oneKey, oneKey.slice(3), otherKey];
    const leaks = lines.filter(({ message }) => secrets.some((secret) => message.includes(secret)));

    expect(leaks).toEqual([]);
    // What was refused has left its line, so the search was not in vain.
    expect(lines.filter(({ message }) => message.includes("event refused") && message.includes(one))).not.toEqual([]);
  });
});
