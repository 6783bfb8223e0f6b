import { LATEST_WRITE_MS } from "../../shared/ports/ledger-store.ts";
import { readText } from "../support/builders.ts";
import { eventText, json, ofTenant } from "../support/event-text.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { pagesOf } from "../support/pages.ts";
import { expectProblem } from "../support/problem-document.ts";
import { postEvents, type Reply, runKey, type Service, startService } from "../support/service.ts";
import { storedBy } from "../support/stored.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(60_000);

const EVENTS = "/v1/runs/{run_id}/events";
const PATH = { run_id: "run-1" };
const MB = 1024 * 1024;
/** How long a run is kept where nothing is set. */
const RETENTION_MS = 30 * 86_400_000;

let service: Service;
let clock: ManualClock;
/** What happens while the ledger is read next, or every time from now on. */
let duringRead = (): void => undefined;
/** What slow writers wait for, by the id of the first event they write. */
const gates = new Map<string, () => Promise<void>>();
beforeEach(async () => {
  clock = manualClock();
  service = await startService((dependencies) => {
    const { ledger } = dependencies;
    return {
      ...dependencies,
      ledger: {
        ...ledger,
        append: async (run, entry) => {
          await gates.get(entry.events[0]?.id ?? "")?.();
          await ledger.append(run, entry);
        },
        readFrom: (run, range) => {
          duringRead();
          return ledger.readFrom(run, range);
        },
      },
    };
  }, clock);
});
afterEach(() => {
  gates.clear();
  duringRead = () => undefined;
  service.stop();
});

/** Events of one node each, known by their number. */
const numbered = (from: number, to = from): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) =>
    eventText("node.started", { id: `e${from + index}`, node_execution_id: `n${from + index}` }),
  );

/** Records events as one entry, a moment after the last. */
const record = async (...events: readonly string[]): Promise<void> => {
  clock.advance(1);
  expect((await postEvents(service, events)).json.accepted).toBe(events.length);
};

/**
 * Begins to record events on a slow writer: they are received now, and become visible once the function that comes back
 * is called. It gives the writer's answer.
 */
const beginSlowly = async (...events: readonly string[]): Promise<() => Promise<Reply>> => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  gates.set(JSON.parse(events[0] as string).id, () => {
    begun.resolve();
    return gate.promise;
  });
  const reply = postEvents(service, events);
  await begun.promise;
  return () => {
    gate.resolve();
    return reply;
  };
};

const ask = (query: Record<string, string> = {}): Promise<Reply> =>
  service.get({ resource: EVENTS, path: PATH, query });

/** Counts reads of single items from now on. */
const countLooks = (): { readonly count: number } => {
  const looks = { count: 0 };
  service.dynamodb.middlewareStack.add(
    (next, context) => (args) => {
      if (context["commandName"] === "GetItemCommand" || context["commandName"] === "GetCommand") looks.count += 1;
      return next(args);
    },
    { step: "initialize" },
  );
  return looks;
};

const idsOf = (...replies: readonly Reply[]): string[] =>
  replies.flatMap((reply) => reply.json.data.map(({ id }: { id: string }) => id));

/** All ids that following gives from a cursor on, page by page, until there is no more. */
const follow = async (after: string, limit = "100"): Promise<{ ids: string[]; cursor: string }> => {
  const ids: string[] = [];
  for (let cursor = after; ; ) {
    const page = await ask({ after: cursor, limit });
    expect(page.status).toBe(200);
    ids.push(...idsOf(page));
    cursor = page.json.next_cursor;
    if (!page.json.has_more) return { ids, cursor };
  }
};

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `e${from + index}`);

/** Makes 628 entries of one event each visible within 57 ms. */
const recordHundreds = async (): Promise<void> => {
  await record(...numbered(1));
  const { ledger, newUlid } = service.dependencies;
  const write = (number: number): Promise<void> =>
    ledger.append(runKey("demo", "run-1"), {
      ulid: newUlid(clock.now()),
      receivedAt: clock.now(),
      actor: "engine",
      source: "http",
      events: [readText(numbered(number)[0] as string)],
      appId: undefined,
      expiresAt: Math.floor(clock.now() / 1000) + 86_400,
    });
  for (let number = 2; number <= 628; number += 11) {
    clock.advance(1);
    await Promise.all(Array.from({ length: 11 }, (_, index) => write(number + index)));
  }
};

describe("the ledger of a run", () => {
  test("lists every delivery in order of receipt, with when it came, from whom and which way", async () => {
    await record(...numbered(1, 2));
    clock.advance(1000);
    await service.deliver([ofTenant("demo", eventText("run.started", { id: "by-queue", at: "2026-11-22T01:00:00Z" }))]);
    await record(eventText("run.heartbeat", { id: "e3" }));

    const { json: answer } = await ask();

    const start = Date.parse("2026-11-22T12:00:00.000Z");
    const moment = (milliseconds: number) => new Date(start + milliseconds).toISOString();
    expect(answer.data).toMatchObject([
      {
        id: "e1",
        type: "node.started",
        received_at: moment(1),
        actor: "engine",
        source: "http",
        run_id: "run-1",
        epoch: 1,
      },
      { id: "e2", type: "node.started", received_at: moment(1), actor: "engine", source: "http" },
      {
        id: "by-queue",
        type: "run.started",
        at: "2026-11-22T01:00:00.000Z",
        received_at: moment(1001),
        source: "queue",
      },
      { id: "e3", type: "run.heartbeat", received_at: moment(1002), source: "http" },
    ]);
    for (const { digest } of answer.data) expect(digest).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.has_more).toBe(false);
    expect(answer.next_cursor).toMatch(/^[\w-]+$/);
  });

  test("lists a repeated delivery again under the same id, as often as it came", async () => {
    const [named, unnamed] = [eventText("run.started", { id: "start" }), eventText("node.started")];
    await record(named, unnamed, named);
    await record(unnamed);
    clock.advance(1);
    await service.deliver([`[${ofTenant("demo", named)},${ofTenant("demo", unnamed)}]`]);

    const { json: answer } = await ask();

    const digest = answer.data[1].digest;
    const ids = answer.data.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(["start", digest, "start", digest, "start", digest]);
    expect(new Set(answer.data.map((delivery: { digest: string }) => delivery.digest)).size).toBe(2);
    const { json: run } = await service.get({ resource: "/v1/runs/{run_id}", path: PATH });
    expect(run).toMatchObject({ version: 1, conflicts: [] });
  });

  test("lists events of one id and other content as what they are", async () => {
    await record(eventText("node.started", { id: "same", title: "one" }));
    await record(eventText("node.started", { id: "same", title: "two" }));

    const { json: answer } = await ask();

    expect(answer.data).toMatchObject([
      { id: "same", title: "one" },
      { id: "same", title: "two" },
    ]);
    expect(answer.data[0].digest).not.toBe(answer.data[1].digest);
  });

  test("lists nothing that was refused", async () => {
    await postEvents(service, [
      eventText("node.started", { id: "good" }),
      eventText("node.started", { id: "bad", index: -1 }),
    ]);
    await postEvents(service, [eventText("node.started", { id: "of-no-epoch", epoch: 2 })]);

    expect(idsOf(await ask())).toEqual(["good"]);
  });

  test("does not exist before its first event, however long one waits", async () => {
    const before = clock.now();

    expectProblem(await ask({ wait: "20" }), 404, "NOT_FOUND");
    expect(clock.now()).toBe(before);
  });
});

describe("pages of the ledger", () => {
  test.each([1, 2, 3, 5, 8, 1000])(
    "of %i cover it exactly once, entries larger than a page included",
    async (limit) => {
      await record(...numbered(1, 7));
      await record(...numbered(8));
      await record(...numbered(9, 10));
      await record(...numbered(11, 23));

      const pages = await pagesOf(service, { resource: EVENTS, path: PATH, query: { limit: String(limit) } });

      expect(idsOf(...pages)).toEqual(range(1, 23));
      for (const page of pages) expect(page.json.data.length).toBeLessThanOrEqual(limit);
      for (const page of pages.slice(0, -1)) expect(page.json.data).toHaveLength(limit);
    },
  );

  test("cover an entry of 1,000 events", async () => {
    await record(...numbered(1, 1000));

    const pages = await pagesOf(service, { resource: EVENTS, path: PATH, query: { limit: "300" } });

    expect(pages).toHaveLength(4);
    expect(idsOf(...pages)).toEqual(range(1, 1000));
  });

  test("cover it long after it was written, too", async () => {
    await record(...numbered(1, 7));
    clock.advance(1);
    await record(...numbered(8, 9));
    clock.advance(3_600_000);
    await record(...numbered(10, 14));
    clock.advance(3_600_000);

    for (const limit of ["1", "3", "7"]) {
      const pages = await pagesOf(service, { resource: EVENTS, path: PATH, query: { limit } });
      expect(idsOf(...pages)).toEqual(range(1, 14));
    }
  });

  test("go on where they stood while the ledger grows and time passes", async () => {
    await record(...numbered(1, 5));
    const seen: string[] = [];
    let cursor = "";

    for (let next = 6; seen.length < 59; next += 2) {
      const page = await ask({ limit: "3", ...(cursor === "" ? {} : { after: cursor }) });
      seen.push(...idsOf(page));
      cursor = page.json.next_cursor;
      if (next < 60) await record(...numbered(next, next + 1));
      clock.advance(4000);
    }

    expect(seen).toEqual(range(1, 59));
  });

  test("end at 4 MB", async () => {
    for (let number = 1; number <= 4; number++) {
      const half = json(`"${"x".repeat(750_000)}"`);
      await record(
        eventText("node.started", { id: `e${number}`, inputs: half, custom: half }),
        ...numbered(100 + number),
      );
    }

    const pages = await pagesOf(service, { resource: EVENTS, path: PATH, query: { limit: "1000" } });
    const light = await service.get({ resource: EVENTS, path: PATH, scopes: "read" });

    expect(idsOf(...pages)).toEqual(["e1", "e101", "e2", "e102", "e3", "e103", "e4", "e104"]);
    for (const page of pages) expect(Buffer.byteLength(page.text)).toBeLessThan(6 * MB);
    expect(pages.length).toBeGreaterThan(1);
    expect(light.json.data).toHaveLength(8);
  });
});

describe("following", () => {
  test("gives what is new, and nothing again", async () => {
    await record(...numbered(1, 2));
    const first = await ask();
    const nothing = await ask({ after: first.json.next_cursor });
    await record(...numbered(3));
    await record(...numbered(4, 5));
    const second = await ask({ after: nothing.json.next_cursor });
    clock.advance(3_600_000);
    const later = await ask({ after: second.json.next_cursor });
    await record(...numbered(6));
    const third = await ask({ after: later.json.next_cursor });

    expect([first, nothing, second, later, third].map((reply) => idsOf(reply))).toEqual([
      ["e1", "e2"],
      [],
      ["e3", "e4", "e5"],
      [],
      ["e6"],
    ]);
    expect(idsOf(await ask({ after: first.json.next_cursor }))).toEqual(["e3", "e4", "e5", "e6"]);
  });

  test.each([0, 1, 500, 9_999])(
    "misses no entry that becomes visible late: received %i ms before those already seen",
    async (aheadMs) => {
      await record(...numbered(1));
      clock.advance(20_000);
      const finish = await beginSlowly(...numbered(4, 5));
      clock.advance(aheadMs);
      await record(...numbered(2, 3));

      const seen = await ask();
      expect((await finish()).status).toBe(200);
      const after = await follow(seen.json.next_cursor);
      const again = await follow(after.cursor);

      expect(idsOf(seen)).toEqual(["e1", "e2", "e3"]);
      expect(after.ids).toEqual(["e4", "e5"]);
      expect(again.ids).toEqual([]);
    },
  );

  test("misses no entry of many slow writers, where pages are cut anywhere", async () => {
    await record(...numbered(1, 7));
    const writers: { due: number; finish: () => Promise<Reply> }[] = [];
    const seen: string[] = [];
    let cursor: string | undefined;

    for (let step = 0; step < 60; step++) {
      if (step < 20) {
        const first = 100 + 3 * step;
        const delaySteps = [0, 13, 1, 7, 2, 12, 5][step % 7] ?? 0;
        writers.push({ due: step + delaySteps, finish: await beginSlowly(...numbered(first, first + 2)) });
      }
      for (const writer of writers) if (writer.due === step) expect((await writer.finish()).status).toBe(200);
      const page = await ask({ limit: "2", ...(cursor === undefined ? {} : { after: cursor }) });
      seen.push(...idsOf(page));
      cursor = page.json.next_cursor;
      clock.advance(700);
    }

    expect([...seen].sort()).toEqual([...range(1, 7), ...range(100, 159)].sort());
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("is sure because a writer that is too slow is told to send again", async () => {
    await record(...numbered(1));
    const before = await storedBy(service);

    const finish = await beginSlowly(...numbered(2));
    clock.advance(LATEST_WRITE_MS);
    const reply = await finish();

    expectProblem(reply, 503, "UNAVAILABLE");
    expect(await storedBy(service)).toEqual(before);
    expect(idsOf(await ask())).toEqual(["e1"]);
    await record(...numbered(2));
    expect(idsOf(await ask())).toEqual(["e1", "e2"]);
  });

  test("misses nothing where hundreds of entries come within seconds", async () => {
    await recordHundreds();
    clock.duringSleep(async () => clock.advance(5_000));
    const first = await ask({ limit: "1000" });
    const rest = await follow(first.json.next_cursor, "1000");

    expect([...idsOf(first), ...rest.ids].sort()).toEqual(range(1, 628).sort());
  });
});

describe("waiting", () => {
  test("gives the answer as soon as something arrives", async () => {
    await record(...numbered(1));
    const { next_cursor: after } = (await ask()).json;
    const asked = clock.now();
    let sleeps = 0;
    clock.duringSleep(async () => {
      if (++sleeps === 3) await record(...numbered(2, 3));
    });

    const reply = await ask({ after, wait: "20" });

    expect(idsOf(reply)).toEqual(["e2", "e3"]);
    expect(sleeps).toBe(3);
    expect(clock.now() - asked).toBeLessThan(5_000);
  });

  test("ends with nothing after its seconds, and the cursor goes on", async () => {
    await record(...numbered(1));
    const { next_cursor: after } = (await ask()).json;
    const asked = clock.now();

    const reply = await ask({ after, wait: "7" });

    expect(reply.json).toMatchObject({ data: [], has_more: false });
    expect(clock.now() - asked).toBe(7_000);
    await record(...numbered(2));
    expect(idsOf(await ask({ after: reply.json.next_cursor, wait: "7" }))).toEqual(["e2"]);
  });

  test("does not happen where there is something already, or where nobody asked for it", async () => {
    await record(...numbered(1));
    const asked = clock.now();

    const first = await ask({ wait: "20" });
    const second = await ask({ after: first.json.next_cursor });
    const third = await ask({ after: first.json.next_cursor, wait: "0" });

    expect([first, second, third].map((reply) => idsOf(reply))).toEqual([["e1"], [], []]);
    expect(clock.now()).toBe(asked);
  });

  test("sees an entry that was received before those already seen", async () => {
    await record(...numbered(1));
    const finish = await beginSlowly(...numbered(3));
    clock.advance(5_000);
    await record(...numbered(2));
    const { next_cursor: after } = (await ask()).json;
    clock.duringSleep(async () => {
      await finish();
    });

    expect(idsOf(await ask({ after, wait: "20" }))).toEqual(["e3"]);
  });

  describe.each<[string, () => Promise<unknown>]>([
    ["expires", async () => clock.advance(RETENTION_MS)],
    ["is deleted", () => service.delete({ resource: "/v1/runs/{run_id}", path: PATH })],
  ])("shows nothing of a run that %s meanwhile", (_what, happens) => {
    test.each([
      ["where nothing arrives", []],
      ["where something arrives before", numbered(2)],
    ])("%s", async (_when, events) => {
      await record(...numbered(1));
      const { next_cursor: after } = (await ask()).json;
      let sleeps = 0;
      clock.duringSleep(async () => {
        if (++sleeps > 1) return;
        if (events.length > 0) await record(...events);
        await happens();
      });

      expectProblem(await ask({ after, wait: "20" }), 404, "NOT_FOUND");
    });
  });

  test("looks at the run at its beginning and at its end, however long it takes", async () => {
    await record(...numbered(1));
    const looks = countLooks();
    const { next_cursor: after } = (await ask({ wait: "20" })).json;
    expect(looks.count).toBe(2);

    await ask({ after, wait: "20" });

    expect(looks.count).toBe(4);
  });

  test("shows no payload to those who may not see it", async () => {
    await record(...numbered(1));
    const { next_cursor: after } = (await ask()).json;
    clock.duringSleep(() => record(eventText("node.started", { inputs: "secret", id: "e2" })));

    const reply = await service.get({ resource: EVENTS, path: PATH, query: { after, wait: "5" }, scopes: "read" });

    expect(reply.json.data[0]).toMatchObject({ id: "e2", payload_hidden: true });
    expect(reply.text).not.toContain("secret");
  });
});

test("nothing is shown of a run that expires while its ledger is read", async () => {
  await record(...numbered(1));
  clock.advance(RETENTION_MS - 2_000);
  expect((await ask()).status).toBe(200);
  duringRead = () => clock.advance(2_000);

  expectProblem(await ask(), 404, "NOT_FOUND");
});

describe("a cursor", () => {
  test("fits the URLs that gateways take, with room for a host and headers", async () => {
    await recordHundreds();

    const { next_cursor: cursor } = (await ask({ limit: "1000" })).json;

    // CloudFront and nginx end a URL at 8,192 bytes; API Gateway ends its request line and headers at 10,240 together.
    expect(cursor.length).toBeLessThan(8_000);
  });
});
