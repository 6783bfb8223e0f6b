import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { projectFunction } from "../../functions/project/project.ts";
import { startChangeFeed } from "../../local/change-feed.ts";
import { setApp, type WrittenSettings } from "../support/app-settings.ts";
import { AT, eventText, json, ofTenant } from "../support/event-text.ts";
import { everyByteOf, type Trace } from "../support/every-byte.ts";
import { manualClock } from "../support/manual-clock.ts";
import { memoryPublisher } from "../support/memory-publisher.ts";
import { wordsOf } from "../support/packed-events.ts";
import { type Reply, type Service, startService } from "../support/service.ts";

/** What no byte may hold. Its first letter is left out, so that it can be written as an escape. */
const NEEDLE = "anary7f3a9";
const CANARY = `c${NEEDLE}`;

const mail = (place: string): string => `${CANARY}.${place}@leak.example`;
const key = (place: string): string => `sk-${CANARY}${place}0123456789abcdef`;
/** Stands for an address that is written with escapes, which no writer of JSON would do. */
const ESCAPED = "address-with-escapes";
const spelled = (text: string): string => text.replaceAll(ESCAPED, `\\u0063${NEEDLE}\\u0040leak.example`);

const at = (seconds: number): string => new Date(Date.parse(AT) + seconds * 1000).toISOString();
const LATER = at(1_000_000);

const PATHS = [
  ...["..secret", "process_data", "graph.nodes[*].prompt", "outputs.list[*].token", "ours", "title", "created_by"],
  ...["tags[0]", "error.detail", "execution_metadata.note", "metadata.note", "reason", "reasons[0].text", "label"],
];
const BY_RULES: WrittenSettings = { redact: { paths: PATHS, detectors: ["api_keys", "tokens", "emails"] } };
const NO_PAYLOAD: WrittenSettings = { ...BY_RULES, payload_mode: "metadata_only" };

/** A payload value with canaries in every corner, and enough else to be kept as an object. */
const payload = (place: string, filler = "") => ({
  [mail(`${place}-name`)]: { [key(`${place}name`)]: 1 },
  secret: `${CANARY}-${place}`,
  deep: [[{ list: [1, { secret: { a: [`${CANARY}-${place}-deep`] } }] }]],
  escaped: `to ${ESCAPED}`,
  [ESCAPED]: 1,
  text: `write to ${mail(place)}, key ${key(place)}, or https://ann:${CANARY}@host/ with Bearer ${CANARY}0123456789`,
  json: JSON.stringify({ to: mail(`${place}-json`), inner: JSON.stringify([`\n${key(place)}`]) }),
  filler,
});

/** Only an app that keeps no payload has such in it: no rule but the mode could take it out. */
const plain = (app: string, place: string) => (app === "vault" ? { plain: `${CANARY}-${place}-plain` } : {});

/** All that a run's events can say, with canaries wherever rules reach. */
const lifeOf = (app: string, runId: string, filler = ""): string[] => {
  const of = { run_id: runId, app_id: app };
  const own = (place: string) => ({ ...payload(place, filler), ...plain(app, place) });
  const texts = { title: `${CANARY}-title`, created_by: `${CANARY}-user` };
  const execution_metadata = { note: `${CANARY}-note`, who: mail("metadata"), total_tokens: 7, deep: own("metadata") };
  const error = { detail: `${CANARY}-detail`, message: `no user ${mail("error")}` };
  return [
    eventText("run.started", {
      ...of,
      inputs: own("inputs"),
      graph: { nodes: [{ id: "n", prompt: `${CANARY}-prompt` }], filler: wordsOf(7, 3000) },
      ours: own("ours"),
      [mail("field")]: mail("field"),
      tags: [`${CANARY}-tag`, mail("tag")],
      created_by: texts.created_by,
    }),
    eventText("node.started", {
      ...of,
      ...texts,
      node_id: "n",
      node_type: "llm",
      inputs: own("node-inputs"),
      execution_metadata,
    }),
    eventText("node.checkpointed", { ...of, at: at(1), process_data: own("checkpoint"), outputs: own("checkpoint") }),
    eventText("node.retried", {
      ...of,
      at: at(2),
      error: `failed for ${mail("retry")}`,
      inputs: own("retry"),
      execution_metadata,
    }),
    eventText("node.paused", { ...of, at: at(2), reason: `${CANARY}-reason` }),
    eventText("agent.logged", {
      ...of,
      at: at(3),
      label: `${CANARY}-label`,
      data: own("data"),
      metadata: { note: `${CANARY}-note`, more: mail("log") },
      error: `${"long ".repeat(400)}${mail("log-error")}`,
    }),
    eventText("node.finished", {
      ...of,
      at: at(4),
      status: "failed",
      title: `${CANARY}-title ${"long ".repeat(400)}`,
      process_data: own("process"),
      outputs: { list: [{ token: `${CANARY}-token` }, { token: { a: `${CANARY}-token` } }], ...own("outputs") },
      error: `${"long ".repeat(400)}${mail("node-error")}`,
      execution_metadata,
    }),
    eventText("edge.taken", { ...of, at: at(4), source_handle: mail("handle"), data: own("edge") }),
    eventText("run.paused", {
      ...of,
      at: at(5),
      reasons: [{ type: "human", text: `${CANARY}-paused` }],
      outputs: own("paused"),
    }),
    eventText("run.resumed", { ...of, at: at(6), reason: `${CANARY}-resumed` }),
    eventText("run.finished", { ...of, at: at(7), status: "failed", outputs: own("run-outputs"), error }),
  ].map(spelled);
};

/** Events of a run whose app nobody knows. */
const ownerless = (runId: string): string[] =>
  lifeOf("shop", runId)
    .slice(1, -1)
    .map((event) => event.replace('"app_id":"shop",', "").replace(/,"app_id":"shop"/, ""));

const TOO_DEEP = `${"[".repeat(250)}"${CANARY}"${"]".repeat(250)}`;

/** Events that are refused, each for another reason, with canaries in what is good and in what is not. */
const badEvents = (app: string | undefined): string[] => {
  const of = app === undefined ? {} : { app_id: app };
  const inputs = payload("refused");
  return [
    eventText("node.started", { ...of, run_id: "bad-1", at: "never", inputs, title: `${CANARY}-title` }),
    eventText("node.started", { ...of, run_id: mail("run-id"), inputs }),
    eventText("node.started", { ...of, run_id: "bad-2", id: mail("id"), index: `${mail("index")}`, inputs }),
    eventText("node.finished", { ...of, run_id: "bad-3", status: { secret: CANARY }, error: [mail("error")], inputs }),
    eventText("node.started", { ...of, run_id: "bad-4", inputs: json(TOO_DEEP) }),
    eventText("node.started", { ...of, run_id: "bad-5", epoch: 7, inputs }),
    eventText("node.started", { ...of, run_id: "bad-6", inputs }).replace(
      "{",
      `{"${mail("twice")}":1,"${mail("twice")}":2,`,
    ),
    eventText("node.started", { ...of, run_id: "bad-7", inputs }).replace("node.started", "no.such.type"),
    eventText("node.started", { ...of, run_id: "bad-8", at: LATER, inputs, created_by: `${CANARY}-user` }),
  ].map(spelled);
};

const difyFrames = (runId: string): string[] => {
  const frame = (event: string, data: object) =>
    JSON.stringify({ event, workflow_run_id: runId, task_id: mail("task"), data });
  const node = {
    id: "dify-node",
    node_id: "n",
    node_type: "llm",
    title: `${CANARY}-title`,
    index: 1,
    created_at: 1732269600,
  };
  const inputs = payload("dify");
  return [
    frame("workflow_started", { id: runId, workflow_id: "w", inputs, created_at: 1732269600 }),
    frame("node_started", { ...node, inputs }),
    frame("agent_log", {
      node_execution_id: "dify-node",
      id: "log-1",
      label: `${CANARY}-label`,
      status: "start",
      data: inputs,
    }),
    frame("node_finished", {
      ...node,
      inputs,
      process_data: inputs,
      outputs: { list: [{ token: CANARY }] },
      status: "failed",
      error: `failed for ${mail("dify-error")}`,
      elapsed_time: 1,
      finished_at: 1732269601,
      execution_metadata: { note: CANARY, agent_log: [payload("dify-log")] },
    }),
    frame("workflow_finished", {
      id: runId,
      status: "failed",
      error: mail("dify-run"),
      outputs: inputs,
      created_at: 1732269600,
      finished_at: 1732269602,
    }),
    `{"event":"node_finished","data":{"secret":"${CANARY}"`,
    `${CANARY} is no JSON`,
    frame("node_started", { ...node, created_at: mail("time"), inputs }),
  ].map(spelled);
};

const random = (characters: number): string => randomBytes(characters).toString("base64").slice(0, characters);

/** Sends all of it by every way there is, reads all that can be read, and gives everything that is anywhere. */
const sendEverything = async (apps: Readonly<Record<string, WrittenSettings>>) => {
  const clock = manualClock();
  const service: Service = await startService(undefined, clock);
  const publisher = memoryPublisher();
  const project = projectFunction({ ...service.dependencies, publisher });
  const { dynamodb: client, tableName } = service;
  const feed = startChangeFeed({ client, tableName, region: "us-east-1", project, log: service.dependencies.log });
  const answers: Reply[] = [];
  const statuses: string[] = [];
  const messages: string[] = [];

  for (const [app, settings] of Object.entries(apps)) await setApp(service, app, settings);

  const post = async (resource: string, body: string | Buffer, more: object = {}): Promise<void> => {
    const reply = await service.post({ resource, body, ...more });
    answers.push(reply);
    for (const { status, code } of reply.json.results ?? []) statuses.push(code ?? status);
  };
  const listOf = (events: readonly string[]): string => `{"events":[${events.join(",")}]}`;
  const deliver = async (bodies: readonly string[]): Promise<void> => {
    const { batchItemFailures } = await service.deliver(bodies);
    expect(batchItemFailures).toEqual([]);
  };

  for (const app of ["shop", "vault"]) {
    await post("/v1/events", listOf(lifeOf(app, `${app}-http`)));
    await post("/v1/events", gzipSync(listOf(lifeOf(app, `${app}-large`, random(40_000)))), {
      headers: { "content-encoding": "gzip" },
    });
    await post("/v1/events", lifeOf(app, `${app}-lines`).join("\n"), {
      headers: { "content-type": "application/x-ndjson" },
    });
    for (const event of lifeOf(app, `${app}-single`)) await post("/v1/events", listOf([event]));
    await post("/v1/events", listOf(lifeOf(app, `${app}-async`)), { headers: { prefer: "respond-async" } });
    await deliver([listOf(lifeOf(app, `${app}-queue`).map((event) => ofTenant("demo", event)))]);
    await post("/v1/dify/events", difyFrames(`${app}-dify`).join("\n"), {
      query: { app_id: app },
      headers: { "content-type": "application/x-ndjson" },
    });
    await post("/v1/events", listOf(badEvents(app)));
    await post("/v1/events", listOf(badEvents(app)), { headers: { prefer: "respond-async" } });
    for (const event of badEvents(app)) await deliver([ofTenant("demo", event)]);
  }
  await post("/v1/events", listOf(ownerless("nobodys-http")));
  await post("/v1/events", listOf(ownerless("nobodys-async")), { headers: { prefer: "respond-async" } });
  await deliver([`[${ownerless("nobodys-queue").map((event) => ofTenant("demo", event))}]`]);
  for (const event of badEvents(undefined)) await deliver([ofTenant("demo", event)]);
  const large = eventText("node.started", { app_id: "shop", at: "never", inputs: payload("large", random(600_000)) });
  await deliver([ofTenant("demo", large)]);
  const named = ofTenant("demo", eventText("node.started", { run_id: "named", inputs: {} }));
  const unnamed = eventText("node.started", { inputs: payload("unnamed") });
  await deliver([
    `[${named},${unnamed},${JSON.stringify(CANARY)}]`,
    `${named.slice(0, -1)},"inputs":"${CANARY}"`,
    `{"events":[${named}],"events":[{"inputs":"${CANARY}"}]}`,
  ]);

  messages.push(...(await service.takeQueued()));
  await deliver(messages);
  clock.advance(2_000_000_000);
  await post("/v1/quarantine/redrive", "");
  await post("/v1/events", lifeOf("shop", "nobodys-http").join("\n"), {
    headers: { "content-type": "application/x-ndjson" },
  });
  await feed.drained();

  for (const app_id of ["shop", "vault"]) {
    const query = {
      created_by: `${CANARY}-user`,
      tag: [`${CANARY}-tag`, mail("tag")],
      triggered_from: mail("trigger"),
    };
    const hold = { resource: "/v1/runs/{run_id}/hold", path: { run_id: `${app_id}-http` } };
    const runs = { path: { app_id }, query };
    const prefer = { headers: { prefer: "respond-async" } };
    answers.push(
      await service.put({ ...hold, body: JSON.stringify({ reason: `asked for by ${mail("hold")}` }) }),
      await service.delete({ resource: "/v1/apps/{app_id}/runs", ...runs }),
      await service.delete({ resource: "/v1/apps/{app_id}/runs", ...runs, query: { ...query, dry_run: "true" } }),
      await service.get({ resource: "/v1/apps/{app_id}/export", ...runs, ...prefer }),
    );
  }
  answers.push(await service.get({ resource: "/v1/jobs" }));
  await service.workOff();

  const get = async (
    resource: string,
    path: Record<string, string>,
    query: Record<string, string> = {},
  ): Promise<void> => {
    answers.push(await service.get({ resource, path, query }));
  };
  const runs = ["shop", "vault"].flatMap((app) =>
    ["http", "large", "lines", "single", "async", "queue", "dify"].map((way) => `${app}-${way}`),
  );
  for (const run_id of [...runs, "nobodys-http", "nobodys-async", "nobodys-queue", "bad-8"]) {
    const run = "/v1/runs/{run_id}";
    await get(run, { run_id });
    await get(`${run}/nodes`, { run_id });
    await get(`${run}/nodes`, { run_id }, { include: "payload" });
    await get(`${run}/nodes/{node_execution_id}`, { run_id, node_execution_id: "node-1" });
    await get(`${run}/trace`, { run_id });
    await get(`${run}/events`, { run_id });
    await get(`${run}/diff`, { run_id }, { with: "shop-http" });
  }
  for (const app_id of ["shop", "vault"]) {
    const app = "/v1/apps/{app_id}";
    await get(`${app}/runs`, { app_id }, { limit: "100" });
    await get(`${app}/failures`, { app_id });
    await get(`${app}/failures`, { app_id }, { group_by: "fingerprint" });
    await get(`${app}/statistics`, { app_id }, { from: at(-90_000), to: at(90_000) });
    await get(`${app}/export`, { app_id });
  }
  await get("/v1/runs", {});
  await get("/v1/quarantine", {}, { limit: "100" });
  await get("/v1/jobs", {});
  await get("/v1/audit", {});

  const events = publisher.events.map(({ type, detail }) => ({
    where: "domain event",
    text: `${type} ${JSON.stringify(detail)}`,
  }));
  const traces: Trace[] = [
    ...(await everyByteOf(service)),
    ...answers.map(({ text, headers }) => ({ where: "answer", text: `${JSON.stringify(headers)}\n${text}` })),
    ...messages.map((text) => ({ where: "message", text })),
    ...events,
  ];
  await feed.stop();
  service.stop();
  return { traces, statuses, answers };
};

const PLACES = [
  ...["entry", "header", "failure", "quarantine", "quarantine object", "object", "graph object", "other items"],
  ...["answer", "message", "domain event"],
];

type Sent = Awaited<ReturnType<typeof sendEverything>>;

const placesOf = ({ traces }: Sent): string[] => [...new Set(traces.map(({ where }) => where))];

/** Where a canary is, with what is around it. */
const canariesIn = ({ traces }: Sent): { where: string; around: string }[] =>
  traces.flatMap(({ where, text }) => {
    const from = text.indexOf(NEEDLE);
    return from < 0 ? [] : [{ where, around: text.slice(Math.max(0, from - 80), from + 80) }];
  });

describe("canaries in all that rules take out", () => {
  let redacted: Sent;
  let control: Sent;
  beforeAll(async () => {
    redacted = await sendEverything({ shop: BY_RULES, vault: NO_PAYLOAD });
    control = await sendEverything({});
  }, 240_000);

  test("are nowhere: in no item, object, message, log line, domain event or answer", () => {
    expect(canariesIn(redacted)).toEqual([]);
  });

  test("would be found in each of these places, were they not taken out", () => {
    expect(placesOf(redacted)).toEqual(expect.arrayContaining([...PLACES, "statistics", "log"]));
    const found = new Set(canariesIn(control).map(({ where }) => where));
    expect(PLACES.filter((place) => !found.has(place))).toEqual([]);
    // Payload is in no log, whatever rules say.
    expect(found.has("log")).toBe(false);
  });

  test("change nothing of what is accepted and what is refused", () => {
    expect(redacted.statuses).toEqual(control.statuses);
    expect(new Set(redacted.statuses)).toEqual(
      new Set(["accepted", "queued", "INVALID_EVENT", "TOO_DEEP", "UNKNOWN_EPOCH", "AT_IN_FUTURE"]),
    );
    const statuses = (sent: Sent) => sent.answers.map(({ status }) => status);
    expect(statuses(redacted)).toEqual(statuses(control));
  });

  test("leave marks where they were", () => {
    const runs = redacted.answers.filter(({ json }) => json?.run_id === "shop-http" && json.status !== undefined);
    expect(runs[0]?.json.redacted).toEqual([
      "***",
      "created_by",
      "error",
      "graph",
      "inputs",
      "ours",
      "outputs",
      "reason",
      "reasons",
      "tags",
    ]);
  });
});
