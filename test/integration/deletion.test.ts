import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { deleteRun } from "../../shared/app/deletion/delete-run.ts";
import { keepRun } from "../../shared/app/retention/keep-run.ts";
import { runPartition } from "../../shared/dynamodb/table.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { eventText, ofTenant } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { postEvents, type Reply, readRun, runKey, type Service, startService } from "../support/service.ts";
import { itemsOf, objectsOf } from "../support/stored.ts";

const RUN = "/v1/runs/{run_id}";
const DAY_MS = 86_400_000;

let service: Service;
const clock = manualClock();
beforeEach(async () => {
  service = await startService(undefined, clock);
});
afterEach(() => service.stop());

const large = randomBytes(30_000).toString("base64");
const started = (runId: string) => eventText("run.started", { run_id: runId, inputs: { large } });
const node = (runId: string, id: string) =>
  eventText("node.finished", { run_id: runId, node_execution_id: id, status: "succeeded", outputs: { large } });
const finished = (runId: string) => eventText("run.finished", { run_id: runId, app_id: "app-1" });

/** Three arrivals, each with an object. */
const record = async (runId: string): Promise<void> => {
  for (const event of [started(runId), node(runId, "n-1"), finished(runId)]) await postEvents(service, [event]);
};
const remove = (runId: string, call: { tenant?: string; scopes?: string } = {}): Promise<Reply> =>
  service.delete({ resource: RUN, path: { run_id: runId }, ...call });
const audit = async () => (await service.get({ resource: "/v1/audit" })).json.data;
const itemsOfRun = async (runId: string) =>
  (await itemsOf(service)).filter(({ pk }) => pk === runPartition(runKey("demo", runId)));
const objectsOfRun = (runId: string) => objectsOf(service).filter((path) => path.includes(`/r-${runId}/`));

test("deleting a run leaves nothing of it but the tombstone, and touches no other", async () => {
  await record("run-1");
  await record("run-2");
  expect(objectsOfRun("run-1")).toHaveLength(2);

  const reply = await remove("run-1");

  expect(reply).toMatchObject({ status: 200, json: { run_id: "run-1", deleted: true } });
  expect(reply.json.removed).toEqual({ entries: 3, events: 3, objects: 2, quarantined: 0 });
  expectProblem(await readRun(service, "run-1"), 404, "NOT_FOUND");
  const list = await service.get({ resource: "/v1/apps/{app_id}/runs", path: { app_id: "app-1" } });
  expect(list.json.data.map((run: { run_id: string }) => run.run_id)).toEqual(["run-2"]);
  expect((await itemsOfRun("run-1")).map(({ sk, deleted }) => [sk, deleted])).toEqual([["RUN", clock.now()]]);
  expect(objectsOfRun("run-1")).toEqual([]);
  expect((await readRun(service, "run-2")).status).toBe(200);
  expect(objectsOfRun("run-2")).toHaveLength(2);
});

test("what comes late for a deleted run is refused, and nothing of it is kept", async () => {
  await record("run-1");
  await remove("run-1");

  for (const event of [node("run-1", "n-2"), finished("run-1"), started("run-1"), eventText("run.paused")]) {
    const reply = await postEvents(service, [event]);
    expectProblem(reply, 400, "ALL_REJECTED");
    expect(reply.json.results).toEqual([
      expect.objectContaining({ status: "rejected", code: "RUN_DELETED", errors: [expect.anything()] }),
    ]);
  }
  const both = await postEvents(service, [finished("run-1"), started("run-3")]);
  expect(both).toMatchObject({ status: 207, json: { accepted: 1, rejected: 1 } });

  expect(await itemsOfRun("run-1")).toHaveLength(1);
  expect(objectsOfRun("run-1")).toEqual([]);
});

test("what comes late by queue is dropped: quarantine would keep what was to go", async () => {
  await record("run-1");
  await remove("run-1");

  const { batchItemFailures } = await service.deliver([ofTenant("demo", node("run-1", "n-2"))]);

  expect(batchItemFailures).toEqual([]);
  expect((await service.get({ resource: "/v1/quarantine" })).json.data).toEqual([]);
  expect(await itemsOfRun("run-1")).toHaveLength(1);
});

test("it is noted in the audit log, with who did it and what went", async () => {
  await record("run-1");
  await remove("run-1");

  expect(await audit()).toEqual([
    {
      id: expect.any(String),
      action: "run.deleted",
      at: "2026-11-22T12:00:00.000Z",
      by: "unknown",
      details: { run_id: "run-1", removed: { entries: 3, events: 3, objects: 2, quarantined: 0 } },
    },
  ]);
});

test("asking again is noted where something more went, and else not", async () => {
  await record("run-1");
  await record("run-2");
  const { entries } = await service.dependencies.ledger.readAll(runKey("demo", "run-2"));
  const events = (entries[0]?.events ?? []).map((event) => ({ ...event, payload: [] }));
  const noted = async () => (await audit()).map(({ details }: { details: { removed: object } }) => details.removed);
  const first = { entries: 3, events: 3, objects: 2, quarantined: 0 };

  for (let times = 0; times < 3; times++) expect((await remove("run-1")).status).toBe(200);
  expect(await noted()).toEqual([first]);

  const receivedAt = clock.now();
  const arrival = {
    ulid: service.dependencies.newUlid(receivedAt),
    receivedAt,
    actor: "engine",
    source: "http",
  } as const;
  await service.dependencies.ledger.append(runKey("demo", "run-1"), {
    ...arrival,
    events,
    appId: undefined,
    expiresAt: receivedAt / 1000 + 99,
  });
  await remove("run-1");
  expect(await noted()).toEqual(expect.arrayContaining([first, { entries: 1, events: 1, objects: 0, quarantined: 0 }]));

  clock.advance(31 * DAY_MS);
  for (let times = 0; times < 3; times++) expectProblem(await remove("run-2"), 404, "NOT_FOUND");
  expect(await noted()).toHaveLength(3);
});

test("of nothing, of another tenant's run and of one that has expired the answer is the same", async () => {
  await record("run-1");

  expectProblem(await remove("run-9"), 404, "NOT_FOUND");
  expectProblem(await remove("run-1", { tenant: "acme" }), 404, "NOT_FOUND");
  expectProblem(await remove("run-1", { scopes: "read control" }), 403, "FORBIDDEN");
  expect((await readRun(service, "run-1")).status).toBe(200);
  clock.advance(31 * DAY_MS);
  expectProblem(await remove("run-1"), 404, "NOT_FOUND");
});

test("a deletion that was interrupted is ended by the next one", async () => {
  await record("run-1");
  const { ledger } = service.dependencies;
  const broken = {
    ...service.dependencies,
    ledger: {
      ...ledger,
      removeAll: () => Promise.reject(new StoreFault("out of reach", { cause: undefined, isRetryable: true })),
    },
  };
  await expect(deleteRun(broken, runKey("demo", "run-1"))).rejects.toThrow(StoreFault);
  expectProblem(await readRun(service, "run-1"), 404, "NOT_FOUND");
  expect(objectsOfRun("run-1")).toHaveLength(2);

  expect((await remove("run-1")).json.removed).toEqual({ entries: 3, events: 3, objects: 2, quarantined: 0 });

  expect((await remove("run-1")).json.removed).toEqual({ entries: 0, events: 0, objects: 0, quarantined: 0 });
  expect(objectsOfRun("run-1")).toEqual([]);
});

test("an entry that was written while its run was deleted goes with the next event", async () => {
  await record("run-1");
  const { ledger } = service.dependencies;
  const { entries } = await ledger.readAll(runKey("demo", "run-1"));
  await remove("run-1");
  const receivedAt = clock.now();
  const arrival = {
    ulid: service.dependencies.newUlid(receivedAt),
    receivedAt,
    actor: "engine",
    source: "http",
  } as const;
  const events = (entries[0]?.events ?? []).map((event) => ({ ...event, payload: [] }));
  await ledger.append(runKey("demo", "run-1"), {
    ...arrival,
    events,
    appId: undefined,
    expiresAt: receivedAt / 1000 + 99,
  });
  expect(await itemsOfRun("run-1")).toHaveLength(2);

  await postEvents(service, [finished("run-1")]);

  expect(await itemsOfRun("run-1")).toHaveLength(1);
});

describe("a run without a header", () => {
  /** As a writer is between entry and header, or was stopped there. */
  const recordWithoutHeader = async (): Promise<void> => {
    await record("run-2");
    const { ledger } = service.dependencies;
    const [entry] = (await ledger.readAll(runKey("demo", "run-2"))).entries;
    if (entry === undefined) throw new Error("expected an entry");
    const events = entry.events.map((event) => ({ ...event, payload: [] }));
    await ledger.append(runKey("demo", "run-1"), { ...entry, events, appId: undefined, expiresAt: 2 ** 33 });
  };

  test("may be about to get one, and is left alone", async () => {
    await recordWithoutHeader();

    expectProblem(await remove("run-1"), 404, "NOT_FOUND");

    expect(await itemsOfRun("run-1")).toHaveLength(1);
    expect(await audit()).toEqual([]);
    expect((await postEvents(service, [finished("run-1")])).status).toBe(200);
    expect((await readRun(service, "run-1")).status).toBe(200);
  });

  test("has none any more an hour later: what is left of it goes, and nobody is told", async () => {
    await recordWithoutHeader();
    clock.advance(3_600_000);

    for (let times = 0; times < 2; times++) {
      clock.advance(1000);
      expectProblem(await remove("run-1"), 404, "NOT_FOUND");
    }

    expect(await audit()).toMatchObject([{ details: { run_id: "run-1", removed: { entries: 1 } } }]);
    expect(await itemsOfRun("run-1")).toMatchObject([{ sk: "RUN", deleted: clock.now() - 1000 }]);
    expect((await postEvents(service, [finished("run-1")])).json.results[0].code).toBe("RUN_EXPIRED");
  });
});

test("a body that says something is refused, and nothing is deleted", async () => {
  await record("run-1");

  const reply = await service.delete({ resource: RUN, path: { run_id: "run-1" }, body: '{"dry_run":true}' });

  expectProblem(reply, 400, "INVALID_REQUEST");
  expect((await readRun(service, "run-1")).status).toBe(200);
});

test("a run of many entries goes whole", async () => {
  await postEvents(service, [started("run-1")]);
  for (let arrival = 0; arrival < 60; arrival++) await postEvents(service, [node("run-1", `n-${arrival}`)]);

  expect((await remove("run-1")).json.removed).toEqual({ entries: 61, events: 61, objects: 61, quarantined: 0 });
  expect(await itemsOfRun("run-1")).toHaveLength(1);
});

test("an event of an epoch that the deletion closed is told that the run was deleted, and kept nowhere", async () => {
  await record("run-1");
  await remove("run-1");
  const late = eventText("node.finished", { run_id: "run-1", epoch: 2, outputs: { canary: "CANARY" } });

  expect((await postEvents(service, [late])).json.results).toEqual([
    expect.objectContaining({ status: "rejected", code: "RUN_DELETED" }),
  ]);
  await service.deliver([ofTenant("demo", late)]);

  expect((await service.get({ resource: "/v1/quarantine" })).json.data).toEqual([]);
});

describe("what waits in quarantine for a run", () => {
  // The queue stamps its messages with the time of the day.
  let today: Service;
  beforeEach(async () => {
    today = await startService();
  });
  afterEach(() => today.stop());
  const quarantined = async () => (await today.get({ resource: "/v1/quarantine" })).json.data.length;
  const refused = (runId: string) =>
    today.deliver([
      ofTenant("demo", eventText("node.finished", { run_id: runId, epoch: 2, outputs: { c: "CANARY" } })),
    ]);

  test("is deleted with it", async () => {
    await postEvents(today, [started("run-1")]);
    await refused("run-1");
    await refused("run-2");
    expect(await quarantined()).toBe(2);

    const reply = await today.delete({ resource: RUN, path: { run_id: "run-1" } });

    expect(reply.json.removed).toMatchObject({ quarantined: 1 });
    expect(await quarantined()).toBe(1);
  });

  test("goes when it is redriven after the run was deleted", async () => {
    await postEvents(today, [started("run-1")]);
    await refused("run-1");
    await deleteRun(today.dependencies, runKey("demo", "run-1"));

    await today.post({ resource: "/v1/quarantine/redrive" });

    expect(await quarantined()).toBe(0);
  });
});

test("a copy that somebody makes of its objects meanwhile goes too", async () => {
  await record("run-1");
  const [deletion] = await Promise.all([
    deleteRun(service.dependencies, runKey("demo", "run-1")),
    keepRun(service.dependencies, runKey("demo", "run-1"), Math.floor(clock.now() / 1000) + 900 * 86_400),
  ]);

  expect(deletion.status).toBe("deleted");
  expect(objectsOfRun("run-1")).toEqual([]);
});

describe("a run that is deleted while it is read is not there", () => {
  let onRead = async (): Promise<unknown> => undefined;
  let hurried: Service;
  beforeEach(async () => {
    hurried = await startService(undefined, clock, undefined, (name, services) => {
      const get = async (key: string) => {
        if (name === "query") await onRead();
        return services.blobs.get(key);
      };
      return { ...services, blobs: { ...services.blobs, get } };
    });
  });
  afterEach(() => hurried.stop());

  const words = () => randomBytes(150).toString("base64");
  /** So many fields that the entry is an object. */
  const wide = Array.from({ length: 600 }, (_, at) =>
    eventText("node.finished", { node_execution_id: `n-${at}`, status: "succeeded", title: words() }),
  );
  /** Payload that is an object: the entry is none. */
  const heavy = [started("run-1"), node("run-1", "n-1")];

  const askWhileDeleting = async (route: string, more: Record<string, string> = {}): Promise<Reply> => {
    const path = { run_id: "run-1", node_execution_id: "n-1" };
    const call = { resource: `${RUN}${route}`, path, query: more };
    onRead = async () => undefined;
    expect((await hurried.get(call)).status).toBe(200);
    let reads = 0;
    onRead = async () => {
      if (reads++ === 0) expect((await hurried.delete({ resource: RUN, path })).status).toBe(200);
    };
    const reply = await hurried.get(call);
    expect(reads).toBeGreaterThan(0);
    return reply;
  };

  test.each(["", "/nodes", "/trace", "/events"])("where its entries are objects: %s", async (route) => {
    expect((await postEvents(hurried, [eventText("run.started"), ...wide])).status).toBe(200);

    expectProblem(await askWhileDeleting(route), 404, "NOT_FOUND");
  });

  test.each([
    ["", {}],
    ["/nodes", { include: "payload" }],
    ["/nodes/{node_execution_id}", {}],
    ["/events", {}],
    ["/diff", { with: "run-2" }],
  ])("where its payload is: %s", async (route, query) => {
    expect((await postEvents(hurried, [...heavy, eventText("run.started", { run_id: "run-2" })])).status).toBe(200);

    expectProblem(await askWhileDeleting(route, query), 404, "NOT_FOUND");
  });

  test("but one whose payload is lost is, without it", async () => {
    await postEvents(hurried, heavy);
    for (const path of objectsOf(hurried)) rmSync(join(hurried.objects, path));

    const { status, json } = await hurried.get({ resource: RUN, path: { run_id: "run-1" } });

    expect([status, json.run_id, json.inputs_preview]).toEqual([200, "run-1", expect.stringMatching(/^{"large":/)]);
  });
});

test("what was read of a run's events before it was deleted is not shown", async () => {
  const hurried = await startService(
    (dependencies) => ({
      ...dependencies,
      ledger: {
        ...dependencies.ledger,
        readFrom: async function* (run, position) {
          yield* dependencies.ledger.readFrom(run, position);
          await deleteRun(dependencies, run);
        },
      },
    }),
    clock,
  );
  await postEvents(hurried, [started("run-1"), finished("run-1")]);

  expectProblem(await hurried.get({ resource: `${RUN}/events`, path: { run_id: "run-1" } }), 404, "NOT_FOUND");
  await hurried.stop();
});
