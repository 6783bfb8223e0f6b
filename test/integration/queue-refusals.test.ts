import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { buryRun } from "../../shared/app/deletion/delete-run.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RefusedMessage } from "../../shared/ports/quarantine-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { quarantined } from "../support/quarantine.ts";
import { deliverBatch } from "../support/queue-batch.ts";
import { postEvents, type Reply, runKey, type Service, startService } from "../support/service.ts";
import { logText, objectsOf } from "../support/stored.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(60_000);

const SECRET = "s3cret-of-the-payload";
const SENT_AT = Date.parse("2026-11-22T11:59:00.000Z");

let service: Service;
beforeAll(async () => {
  service = await startService(undefined, manualClock());
});
afterAll(() => service.stop());
afterEach(() => expect(logText(service)).not.toContain(SECRET));

let tenants = 0;
/** A tenant of which nothing is stored yet. */
const newTenant = (): string => `tenant-${++tenants}`;

let messages = 0;
const message = (body: string) => ({ id: `message-${++messages}`, body, sentAt: SENT_AT });

const quarantineOf = (tenant: string | undefined): Promise<RefusedMessage[]> =>
  quarantined(service.dependencies.quarantine, tenant === undefined ? undefined : v.parse(TenantId, tenant));

const runOf = (tenant: string, run_id = "run-1", of = service): Promise<Reply> =>
  of.get({ resource: "/v1/runs/{run_id}", path: { run_id }, tenant });

const deliveriesOf = async (tenant: string, run_id = "run-1", of = service): Promise<number> => {
  const reply = await of.get({ resource: "/v1/runs/{run_id}/events", path: { run_id }, tenant });
  return reply.json.data.length;
};

const pathsOf = ({ errors }: RefusedMessage): string[] => errors.map(({ path }) => path).sort();

describe("a message with bad events", () => {
  test("leaves them in quarantine with every reason, and records the good ones", async () => {
    const tenant = newTenant();
    const bad = ofTenant(
      tenant,
      eventText("node.finished", { at: "never", status: "done", index: -1, inputs: SECRET }),
    );
    const good = ofTenant(tenant, eventText("run.started"));
    const sent = message(`[${good},${bad}]`);

    const failed = await deliverBatch(service.dependencies, [sent]);

    expect(failed).toEqual([]);
    expect((await runOf(tenant)).json).toMatchObject({ status: "running", node_counts: { succeeded: 0, running: 0 } });
    const [refused, ...others] = await quarantineOf(tenant);
    expect(others).toEqual([]);
    expect(refused).toMatchObject({
      tenantId: tenant,
      messageId: sent.id,
      index: 1,
      sentAt: SENT_AT,
      code: "INVALID_EVENT",
      body: bad,
    });
    expect(pathsOf(refused as RefusedMessage)).toEqual(["at", "index", "status"]);
  });

  test.each([
    ["of the future", "AT_IN_FUTURE", { at: "2026-11-24T12:00:00Z" }],
    ["of an epoch nobody opened", "UNKNOWN_EPOCH", { epoch: 2 }],
    ["nested too deep", "TOO_DEEP", { inputs: json("[".repeat(20_000) + "]".repeat(20_000)) }],
    ["without a type", "INVALID_EVENT", { type: undefined }],
    ["of a run that cannot be", "INVALID_EVENT", { run_id: "a#b" }],
  ])("leaves those %s in quarantine, and no other of its batch", async (_what, code, members) => {
    const tenant = newTenant();
    const bad = message(ofTenant(tenant, eventText("run.started", members)));
    const good = message(ofTenant(tenant, eventText("run.started", { run_id: "good" })));

    const failed = await deliverBatch(service.dependencies, [bad, good]);

    expect(failed).toEqual([]);
    expect(await quarantineOf(tenant)).toMatchObject([{ code, messageId: bad.id, body: bad.body }]);
    expect((await runOf(tenant, "good")).json.status).toBe("running");
    expectProblem(await runOf(tenant), 404, "NOT_FOUND");
  });

  test("keeps events of three tenants apart", async () => {
    const [one, two, three] = [newTenant(), newTenant(), newTenant()];
    const started = eventText("run.started");
    const bad = eventText("run.finished", { status: "done" });
    const sent = message(
      `{"events":[${[ofTenant(one, started), ofTenant(two, started), ofTenant(three, started), ofTenant(two, bad), ofTenant(three, bad)].join(",")}]}`,
    );

    const failed = await deliverBatch(service.dependencies, [sent]);

    expect(failed).toEqual([]);
    for (const tenant of [one, two, three]) {
      expect((await runOf(tenant)).json).toMatchObject({ run_id: "run-1", status: "running" });
      expect(await deliveriesOf(tenant)).toBe(1);
    }
    expect(await quarantineOf(one)).toEqual([]);
    expect(await quarantineOf(two)).toMatchObject([{ index: 3, messageId: sent.id, body: ofTenant(two, bad) }]);
    expect(await quarantineOf(three)).toMatchObject([{ index: 4, messageId: sent.id, body: ofTenant(three, bad) }]);
  });

  test("that comes again does not fill the quarantine or change the run", async () => {
    const tenant = newTenant();
    const started = ofTenant(tenant, eventText("run.started"));
    const bad = ["x", "y"].map((status) => ofTenant(tenant, eventText("run.finished", { status })));
    const sent = message(`[${[...bad, started].join(",")}]`);

    await deliverBatch(service.dependencies, [sent]);
    const before = await quarantineOf(tenant);
    const run = await runOf(tenant);
    const failed = await deliverBatch(service.dependencies, [sent], { receiveCount: 2 });

    expect(failed).toEqual([]);
    expect(before).toHaveLength(2);
    expect(await quarantineOf(tenant)).toEqual(before);
    expect((await runOf(tenant)).text).toBe(run.text);
  });

  test("keeps the newest first", async () => {
    const tenant = newTenant();
    const bad = ofTenant(tenant, eventText("run.finished", { status: "done" }));
    const [first, second] = [message(bad), { ...message(bad), sentAt: SENT_AT + 1 }];

    await deliverBatch(service.dependencies, [first, second]);

    expect((await quarantineOf(tenant)).map(({ messageId }) => messageId)).toEqual([second.id, first.id]);
  });

  test("of one megabyte that does not compress is kept whole", async () => {
    const tenant = newTenant();
    const body = ofTenant(
      tenant,
      eventText("run.started", { at: "never", inputs: randomBytes(768 * 1024).toString("base64") }),
    );
    const text = randomBytes(768 * 1024).toString("base64");

    const failed = await deliverBatch(service.dependencies, [message(body), message(text)]);

    expect(body.length).toBeGreaterThan(1024 * 1024);
    expect(failed).toEqual([]);
    const [refused] = await quarantineOf(tenant);
    expect(refused?.body === body).toBe(true);
    expect((await quarantineOf(undefined)).some((other) => other.body === text)).toBe(true);
    expect(objectsOf(service).filter((path) => path.includes(tenant))).toHaveLength(1);
  });

  test("with a thousand reasons keeps the message's place and the first of them", async () => {
    const tenant = newTenant();
    const tags = Array.from({ length: 5000 }, () => 1);

    const failed = await deliverBatch(service.dependencies, [
      message(ofTenant(tenant, eventText("run.started", { tags }))),
    ]);

    expect(failed).toEqual([]);
    const [refused] = await quarantineOf(tenant);
    expect(refused?.errors[0]).toMatchObject({ path: "tags.0" });
  });
});

describe("what comes late and is bad besides", () => {
  /** A run that was deleted. */
  const buried = async (tenant: string, run_id: string, of = service): Promise<void> => {
    await postEvents(of, [eventText("run.started", { run_id })], tenant);
    const reply = await of.delete({ resource: "/v1/runs/{run_id}", path: { run_id }, tenant });
    expect(reply.status).toBe(200);
  };
  const badOf = (tenant: string, run_id: string): string =>
    ofTenant(tenant, eventText("node.finished", { run_id, status: "done", outputs: SECRET }));

  test.each([
    ["of a status there is not", { status: "done" }],
    ["of the future", { at: "2026-11-24T12:00:00Z" }],
    ["of an epoch nobody opened", { epoch: 2 }],
    ["nested too deep", { outputs: json("[".repeat(20_000) + "]".repeat(20_000)) }],
  ])("is not kept in quarantine where its run was deleted: %s", async (_what, members) => {
    const tenant = newTenant();
    await buried(tenant, "gone");
    const late = message(ofTenant(tenant, eventText("node.finished", { run_id: "gone", ...members })));

    expect(await deliverBatch(service.dependencies, [late])).toEqual([]);

    expect(await quarantineOf(tenant)).toEqual([]);
  });

  test("is not kept where its run had expired when it was deleted", async () => {
    const tenant = newTenant();
    const clock = manualClock();
    const later = await startService(undefined, clock);
    await postEvents(later, [eventText("run.started", { run_id: "gone" })], tenant);
    clock.advance(31 * 86_400_000);
    await buryRun(later.dependencies, runKey(tenant, "gone"));

    expect(await deliverBatch(later.dependencies, [message(badOf(tenant, "gone"))])).toEqual([]);
    const kept = await quarantined(later.dependencies.quarantine, v.parse(TenantId, tenant));
    later.stop();

    expect(kept).toEqual([]);
  });

  test("is kept where it is of another run, or of another tenant's of that name", async () => {
    const [one, other] = [newTenant(), newTenant()];
    await buried(one, "gone");
    const sent = message(`[${badOf(one, "gone")},${badOf(one, "here")},${badOf(other, "gone")}]`);

    expect(await deliverBatch(service.dependencies, [sent])).toEqual([]);

    expect(await quarantineOf(one)).toMatchObject([{ index: 1, runId: "here" }]);
    expect(await quarantineOf(other)).toMatchObject([{ index: 2, runId: "gone" }]);
  });

  test("costs a look at each run of the batch", async () => {
    const tenant = newTenant();
    await buried(tenant, "gone");
    const { runs } = service.dependencies;
    const looks: string[] = [];
    const find: typeof runs.find = (run) => {
      looks.push(run.runId);
      return runs.find(run);
    };
    const sent = ["gone", "here", "gone", "here", "gone"].map((run_id) => message(badOf(tenant, run_id)));

    expect(await deliverBatch({ ...service.dependencies, runs: { ...runs, find } }, sent)).toEqual([]);

    expect(looks.sort()).toEqual(["gone", "here"]);
    expect(await quarantineOf(tenant)).toHaveLength(2);
  });

  test("comes again where the store does not tell whether its run was deleted", async () => {
    const tenant = newTenant();
    await buried(tenant, "gone");
    const { runs } = service.dependencies;
    let isDown = true;
    const find: typeof runs.find = (run) => {
      if (isDown) throw new StoreFault("throttled", { cause: undefined, isRetryable: true });
      return runs.find(run);
    };
    const dependencies = { ...service.dependencies, runs: { ...runs, find } };
    const late = message(badOf(tenant, "gone"));
    const good = message(ofTenant(tenant, eventText("run.started", { run_id: "good" })));

    const failed = await deliverBatch(dependencies, [late, good]);
    isDown = false;
    const failedAgain = await deliverBatch(dependencies, [late], { receiveCount: 2 });

    expect([failed, failedAgain]).toEqual([[late.id], []]);
    expect((await runOf(tenant, "good")).json.status).toBe("running");
    expect(await quarantineOf(tenant)).toEqual([]);
  });
});

describe("a message of nobody", () => {
  const operators = async (sent: { id: string }): Promise<RefusedMessage[]> =>
    (await quarantineOf(undefined)).filter(({ messageId }) => messageId === sent.id);

  test.each([
    ["text", `hello ${SECRET}`],
    ["cut JSON", `{"tenant_id":"nobody","inputs":"${SECRET}`],
    ["nothing", ""],
    ["a string", `"${SECRET}"`],
    ["null", "null"],
    ["20,000 lists that never end", "[".repeat(20_000)],
  ])("that holds no event is the operator's to see: %s", async (_what, body) => {
    const sent = message(body);

    const failed = await deliverBatch(service.dependencies, [sent]);

    expect(failed).toEqual([]);
    expect(await operators(sent)).toMatchObject([{ tenantId: undefined, index: undefined, sentAt: SENT_AT, body }]);
  });

  test.each([
    ["none", undefined],
    ["null", null],
    ["empty", ""],
    ["with a separator of keys", "acme#run"],
    ["with a slash", "acme/../demo"],
    ["too long", "x".repeat(129)],
    ["a number", 7],
    ["a list", ["acme"]],
  ])("that names no tenant is the operator's to see: %s", async (_what, tenant_id) => {
    const before = await quarantineOf("acme");
    const sent = message(`[${eventText("run.started", { tenant_id, app_id: "app-of-nobody", inputs: SECRET })}]`);

    const failed = await deliverBatch(service.dependencies, [sent]);

    expect(failed).toEqual([]);
    const [refused, ...others] = await operators(sent);
    expect(others).toEqual([]);
    expect(refused).toMatchObject({ tenantId: undefined, index: 0, code: "INVALID_EVENT" });
    expect(pathsOf(refused as RefusedMessage)).toEqual(["tenant_id"]);
    expect(await quarantineOf("acme")).toEqual(before);
    for (const tenant of ["demo", "acme"]) {
      expect((await service.get({ resource: "/v1/apps", tenant })).text).not.toContain("app-of-nobody");
    }
  });

  test.each([
    ["a list", "[]"],
    ["null", "null"],
    ["a number", "42"],
  ])("in a list beside a good event takes nothing with it: %s", async (_what, element) => {
    const tenant = newTenant();
    const sent = message(`[${element},${ofTenant(tenant, eventText("run.started"))}]`);

    const failed = await deliverBatch(service.dependencies, [sent]);

    expect(failed).toEqual([]);
    expect(await operators(sent)).toMatchObject([{ index: 0, code: "INVALID_EVENT", body: element }]);
    expect((await runOf(tenant)).json.status).toBe("running");
  });

  test("names no tenant by its prototype, or by the object round its events", async () => {
    const inherited = message(eventText("run.started", [["__proto__", { tenant_id: "acme" }]]));
    const around = message(`{"tenant_id":"acme","events":[${eventText("run.started")}]}`);

    const failed = await deliverBatch(service.dependencies, [inherited, around]);

    expect(failed).toEqual([]);
    expect(await operators(inherited)).toHaveLength(1);
    expect(await operators(around)).toHaveLength(1);
    expectProblem(await runOf("acme"), 404, "NOT_FOUND");
  });

  test("is seen by no tenant over HTTP", async () => {
    const sent = message(`{"run_id":"run-of-nobody","inputs":"${SECRET}"}`);
    await deliverBatch(service.dependencies, [sent]);

    for (const tenant of ["demo", "acme", "OPERATOR"]) {
      expectProblem(await runOf(tenant, "run-of-nobody"), 404, "NOT_FOUND");
    }
  });
});

/** A service whose store does not take runs of these ids, as long as they stand here. */
const startTroubled = async (): Promise<{ troubled: Service; lost: Set<string> }> => {
  const lost = new Set<string>();
  const troubled = await startService((dependencies: Dependencies) => {
    const { ledger, runs } = dependencies;
    const check = (runId: string, store: string): void => {
      if (lost.has(runId) || lost.has(`${store}:${runId}`)) {
        throw new StoreFault("throttled", { cause: new Error("a cause"), isRetryable: true });
      }
    };
    return {
      ...dependencies,
      ledger: {
        ...ledger,
        append: async (run, entry) => {
          check(run.runId, "ledger");
          await ledger.append(run, entry);
        },
      },
      runs: {
        ...runs,
        create: async (run, header) => {
          check(run.runId, "header");
          return runs.create(run, header);
        },
        finish: async (run, finish, now) => {
          check(run.runId, "header");
          return runs.finish(run, finish, now);
        },
      },
    };
  }, manualClock());
  return { troubled, lost };
};

describe("store trouble", () => {
  let troubled: Service;
  let lost: Set<string>;
  beforeAll(async () => {
    ({ troubled, lost } = await startTroubled());
  });
  beforeEach(() => lost.clear());
  afterAll(() => troubled.stop());

  const started = (tenant: string, run_id: string): string => ofTenant(tenant, eventText("run.started", { run_id }));
  const stateOf = async (tenant: string, run_id: string) => (await runOf(tenant, run_id, troubled)).json;

  test.each([
    ["before the entry is written", ""],
    ["between the entry and the header", "header:"],
  ])("%s lets only the messages concerned come again, and then records them once", async (_when, store) => {
    const tenant = newTenant();
    lost.add(`${store}lost`);
    const batch = [
      message(started(tenant, "good-1")),
      message(`[${started(tenant, "good-2")},${started(tenant, "lost")}]`),
      message(started(tenant, "lost")),
      message(started(tenant, "good-3")),
    ];

    const failed = await deliverBatch(troubled.dependencies, batch);

    expect(failed.sort()).toEqual([batch[1]?.id, batch[2]?.id]);
    for (const run of ["good-1", "good-2", "good-3"]) expect((await stateOf(tenant, run)).version).toBe(1);
    expect((await runOf(tenant, "lost", troubled)).status).toBe(404);

    lost.clear();
    const again = batch.filter(({ id }) => failed.includes(id));

    expect(await deliverBatch(troubled.dependencies, again, { receiveCount: 2 })).toEqual([]);
    for (const run of ["good-1", "good-2", "good-3", "lost"]) {
      expect(await stateOf(tenant, run)).toMatchObject({ status: "running", version: 1, conflicts: [] });
    }
    expect(await quarantined(troubled.dependencies.quarantine, v.parse(TenantId, tenant))).toEqual([]);
  });

  test("quarantines the bad events of a message that comes again once", async () => {
    const tenant = newTenant();
    lost.add("lost");
    const bad = ofTenant(tenant, eventText("run.finished", { status: "done" }));
    const sent = message(`[${started(tenant, "lost")},${bad}]`);

    const failed = await deliverBatch(troubled.dependencies, [sent]);
    lost.clear();
    const failedAgain = await deliverBatch(troubled.dependencies, [sent], { receiveCount: 2 });

    expect([failed, failedAgain]).toEqual([[sent.id], []]);
    const kept = await quarantined(troubled.dependencies.quarantine, v.parse(TenantId, tenant));
    expect(kept).toMatchObject([{ index: 1, body: bad }]);
  });

  test("lets a message come again whose bad event the quarantine did not take", async () => {
    const tenant = newTenant();
    const { quarantine } = troubled.dependencies;
    let isDown = true;
    const put = async (refused: RefusedMessage): Promise<void> => {
      if (isDown) throw new StoreFault("throttled", { cause: undefined, isRetryable: true });
      await quarantine.put(refused);
    };
    const dependencies = { ...troubled.dependencies, quarantine: { ...quarantine, put } };
    const bad = message(ofTenant(tenant, eventText("run.finished", { status: "done" })));
    const good = message(started(tenant, "good"));
    const nobodys = message("not JSON");

    const failed = await deliverBatch(dependencies, [good, bad, nobodys]);
    isDown = false;
    const failedAgain = await deliverBatch(dependencies, [bad, nobodys], { receiveCount: 2 });

    expect(failed.sort()).toEqual([bad.id, nobodys.id].sort());
    expect(failedAgain).toEqual([]);
    expect((await stateOf(tenant, "good")).status).toBe("running");
    expect(await quarantined(quarantine, v.parse(TenantId, tenant))).toMatchObject([{ messageId: bad.id }]);
  });

  test("over HTTP is 503 with a time to wait, and the same request succeeds later", async () => {
    const tenant = newTenant();
    lost.add("lost");
    const events = ["node-1", "node-2"].map((node_execution_id) =>
      eventText("node.started", { run_id: "lost", node_execution_id }),
    );

    const first = await postEvents(troubled, events, tenant);
    lost.clear();
    const second = await postEvents(troubled, events, tenant);

    expectProblem(first, 503, "UNAVAILABLE");
    expect(Number(first.headers["retry-after"])).toBeGreaterThan(0);
    expect(first.json).toMatchObject({ accepted: 0, rejected: 0, unavailable: 2 });
    expect(first.json.results).toMatchObject([
      { index: 0, run_id: "lost", status: "unavailable", code: "UNAVAILABLE" },
      { index: 1, run_id: "lost", status: "unavailable", code: "UNAVAILABLE" },
    ]);
    expect(second.status).toBe(200);
    expect((await stateOf(tenant, "lost")).node_counts.running).toBe(2);
  });

  test("over HTTP is 207 where it concerns some runs, and the same request completes them", async () => {
    const tenant = newTenant();
    lost.add("header:lost");
    const events = [
      eventText("run.started", { run_id: "lost" }),
      eventText("run.started", { run_id: "good" }),
      eventText("run.started", { run_id: "bad", at: "never" }),
      eventText("run.finished", { run_id: "good" }),
    ];

    const first = await postEvents(troubled, events, tenant);
    const good = await runOf(tenant, "good", troubled);
    lost.clear();
    const second = await postEvents(troubled, events, tenant);

    expect(first.status).toBe(207);
    expect(first.json).toMatchObject({ accepted: 2, rejected: 1, unavailable: 1 });
    expect(first.json.results).toMatchObject([
      { status: "unavailable" },
      { status: "accepted" },
      { status: "rejected" },
      { status: "accepted" },
    ]);
    expect(second.status).toBe(207);
    expect(second.json).toMatchObject({ accepted: 3, rejected: 1, unavailable: 0 });
    expect(await stateOf(tenant, "lost")).toMatchObject({ status: "running", version: 1 });
    expect((await runOf(tenant, "good", troubled)).text).toBe(good.text);
    expect(await deliveriesOf(tenant, "good", troubled)).toBe(4);
  });

  test("over HTTP is 207 where the other events are bad", async () => {
    lost.add("lost");
    const events = [eventText("run.started", { run_id: "lost" }), eventText("run.started", { at: "never" })];

    const reply = await postEvents(troubled, events, newTenant());

    expect(reply.status).toBe(207);
    expect(reply.json).toMatchObject({ accepted: 0, rejected: 1, unavailable: 1 });
  });

  test("while reading is 503 with a time to wait, and tells nothing of the store", async () => {
    const { ledger } = troubled.dependencies;
    const broken = await startService(
      (dependencies) => ({
        ...dependencies,
        ledger: {
          ...ledger,
          readAll: async () => {
            throw new StoreFault("table runstone-7 is gone", { cause: undefined, isRetryable: true });
          },
        },
      }),
      manualClock(),
    );

    const reply = await broken.get({ resource: "/v1/runs/{run_id}", path: { run_id: "run-1" } });
    broken.stop();

    expectProblem(reply, 503, "UNAVAILABLE");
    expect(Number(reply.headers["retry-after"])).toBeGreaterThan(0);
    expect(reply.text).not.toContain("runstone-7");
    expect(broken.logs).toContainEqual(expect.objectContaining({ level: "error", request_id: reply.json.request_id }));
  });

  test("that is a bug is 500, logged with its stack and not shown", async () => {
    const broken = await startService(
      (dependencies) => ({
        ...dependencies,
        ledger: {
          ...dependencies.ledger,
          readAll: async () => {
            throw new TypeError("the store is upside down");
          },
        },
      }),
      manualClock(),
    );

    const reply = await broken.get({ resource: "/v1/runs/{run_id}", path: { run_id: "run-1" } });
    broken.stop();

    expectProblem(reply, 500, "INTERNAL");
    expect(reply.text).not.toContain("upside down");
    expect(logText(broken)).toContain("upside down");
  });
});

describe("a message with an event that is bad in a way of its own", () => {
  test.each([
    ["an object that is no text", '{"toString":1}'],
    ["20,000 lists", "[".repeat(20_000) + "]".repeat(20_000)],
  ])("takes nothing with it where the type is %s", async (_what, type) => {
    const tenant = newTenant();
    const bad = message(ofTenant(tenant, eventText("run.started", { type: json(type) })));
    const good = message(ofTenant(tenant, eventText("run.started", { run_id: "good" })));

    const failed = await deliverBatch(service.dependencies, [bad, good]);

    expect(failed).toEqual([]);
    expect(await quarantineOf(tenant)).toMatchObject([{ messageId: bad.id, body: bad.body }]);
    expect((await runOf(tenant, "good")).json.status).toBe("running");
  });
});

describe("a message that would take others with it", () => {
  test("fails alone where recording its run meets a bug of ours, and the log has its stack", async () => {
    const broken = await startService(
      (dependencies) => ({
        ...dependencies,
        ledger: {
          ...dependencies.ledger,
          append: async (run, entry) => {
            if (run.runId === "cursed") throw new TypeError("the store is upside down");
            await dependencies.ledger.append(run, entry);
          },
        },
      }),
      manualClock(),
    );
    const tenant = newTenant();
    const [before, cursed, after] = ["before", "cursed", "after"].map((run_id) =>
      message(ofTenant(tenant, eventText("run.started", { run_id }))),
    ) as [ReturnType<typeof message>, ReturnType<typeof message>, ReturnType<typeof message>];

    const failed = await deliverBatch(broken.dependencies, [before, cursed, after]);
    const log = logText(broken);
    broken.stop();

    expect(failed).toEqual([cursed.id]);
    expect(log).toContain("the store is upside down");
  });

  test("is the operator's to see where it has more elements than any message of events, and no event is kept by itself", async () => {
    const tenant = newTenant();
    const many = message(`[${ofTenant(tenant, eventText("run.started"))}${",{}".repeat(15_000)}]`);
    const good = message(ofTenant(tenant, eventText("run.started", { run_id: "good" })));

    const failed = await deliverBatch(service.dependencies, [many, good]);

    expect(failed).toEqual([]);
    expect(await quarantineOf(tenant)).toEqual([]);
    expect((await runOf(tenant, "good")).json.status).toBe("running");
    expect(service.logs).toContainEqual(expect.objectContaining({ message: "event refused", message_id: many.id }));
  });

  test("is left to the next delivery where it has thousands of events and time runs out, and small ones go first", async () => {
    const [dense, small] = [newTenant(), newTenant()];
    const events = Array.from({ length: 600 }, (_, index) =>
      ofTenant(dense, eventText("run.started", { run_id: `run-${index}` })),
    );
    const many = message(`[${events.join(",")}]`);
    const one = message(ofTenant(small, eventText("run.started", { run_id: "good" })));
    const times = [60_000, 10_000];

    const failed = await deliverBatch(service.dependencies, [many, one], {
      remainingMs: () => times.shift() ?? 10_000,
    });

    expect(failed).toEqual([many.id]);
    expect((await runOf(small, "good")).json.status).toBe("running");
    expect(await deliverBatch(service.dependencies, [many], { receiveCount: 2 })).toEqual([]);
    expect((await runOf(dense, "run-599")).json.status).toBe("running");
  });
});
