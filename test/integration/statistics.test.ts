import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { type CostMeter, costMeter } from "../../bench/cost-meter.ts";
import { projectFunction } from "../../functions/project/project.ts";
import { closeStatistics } from "../../shared/app/statistics/close-statistics.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import { GRAIN_MS, GRAINS } from "../../shared/domain/statistics/period.ts";
import { sumOf } from "../../shared/domain/statistics/summary.ts";
import { tableOf } from "../../shared/dynamodb/document-client.ts";
import { dynamoStatisticsStore } from "../../shared/dynamodb/dynamo-statistics-store.ts";
import { contributionItem } from "../../shared/dynamodb/statistics-item.ts";
import { clientOf } from "../contract/dynamo-tables.ts";
import { appKey } from "../contract/statistics-store.ts";
import { eventText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { memoryPublisher } from "../support/memory-publisher.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type RecordedHeaders, recordedHeaders } from "../support/recorded-headers.ts";
import { postEvents, type Service, startService } from "../support/service.ts";
import { testEndpoints } from "../support/test-endpoints.ts";

const ROUTE = "/v1/apps/{app_id}/statistics";
const SUNDAY = "2026-11-22";
const clock = manualClock(`${SUNDAY}T12:07:00.000Z`);

let service: Service;
let headers: RecordedHeaders;
beforeAll(async () => {
  service = await startService((dependencies) => {
    headers = recordedHeaders(dependencies.runs);
    return { ...dependencies, runs: headers.runs };
  }, clock);
});
afterAll(() => service.stop());

/** Does what the table's stream does with all that was written. */
const follow = (): Promise<void> => {
  const project = projectFunction({ ...service.dependencies, publisher: memoryPublisher() });
  return project({ Records: headers.take() });
};

let apps = 0;
const newApp = (): string => `statistics-${++apps}`;
let names = 0;

interface RunSaying {
  readonly start?: Readonly<Record<string, JsonOutput>>;
  readonly finish?: Readonly<Record<string, JsonOutput>>;
  readonly nodes?: readonly Readonly<Record<string, JsonOutput>>[];
  readonly tenant?: string;
}

/** Records a run that took two seconds, where it does not say otherwise. */
const recordRun = async (app: string, at: string, { start, finish, nodes = [], tenant }: RunSaying = {}) => {
  const run_id = `run-${++names}`;
  const end = new Date(Date.parse(at) + 2000).toISOString();
  const events = [
    eventText("run.started", { run_id, app_id: app, at, ...start }),
    ...nodes.map((node, index) => eventText("node.finished", { run_id, at, node_execution_id: `n${index}`, ...node })),
    eventText("run.finished", { run_id, app_id: app, at: end, ...finish }),
  ];
  expect((await postEvents(service, events, tenant)).status).toBe(200);
};

const ask = (app: string, query: Readonly<Record<string, string>> = {}, tenant = "demo") =>
  service.get({ resource: ROUTE, path: { app_id: app }, query: { ...query }, tenant });
const rowsOf = async (app: string, query: Readonly<Record<string, string>> = {}) =>
  (await ask(app, query)).json.data as Record<string, unknown>[];
const close = (app: string) => closeStatistics(service.dependencies, appKey("demo", app), { now: clock.now() });

const EMPTY = {
  runs: { total: 0, succeeded: 0, failed: 0, stopped: 0, "partial-succeeded": 0 },
  distinct_users: 0,
  total_tokens: 0,
  price: {},
  elapsed_time: { avg: null, p50: null, p95: null, p99: null },
  by_trigger: {},
  by_workflow_version: {},
  failures: [],
};

describe("statistics of an app", () => {
  it("are the same while a quarter is open, and after it was summed up", async () => {
    const app = newApp();
    const good = { created_by: "ada", triggered_from: "webhook", workflow_version: "7" };
    const cost = (total_price: JsonOutput, currency: string) => ({ execution_metadata: { total_price, currency } });
    await recordRun(app, `${SUNDAY}T11:00:00.000Z`, {
      start: good,
      finish: { total_tokens: 100 },
      nodes: [cost("0.0011190", "USD"), cost("0.1", "EUR")],
    });
    await recordRun(app, `${SUNDAY}T11:59:59.999Z`, {
      start: { ...good, created_by: "bob" },
      finish: { status: "failed", elapsed_time: 4, total_tokens: 11 },
      nodes: [
        { ...cost("0.2", "EUR"), node_id: "llm", status: "failed", error: "no answer after 30 s" },
        { node_id: "llm", status: "failed", error: "no answer after 31 s" },
      ],
    });
    await recordRun(app, `${SUNDAY}T12:00:00.000Z`, { start: { ...good, created_by: "ada" } });
    await recordRun(newApp(), `${SUNDAY}T11:00:00.000Z`);
    await recordRun(app, `${SUNDAY}T11:00:00.000Z`, { tenant: "acme" });
    await follow();

    const first = {
      from: `${SUNDAY}T11:00:00.000Z`,
      to: `${SUNDAY}T12:00:00.000Z`,
      runs: { total: 2, succeeded: 1, failed: 1, stopped: 0, "partial-succeeded": 0 },
      distinct_users: 2,
      total_tokens: 111,
      price: { USD: "0.001119", EUR: "0.3" },
      elapsed_time: { avg: 3, p50: expect.closeTo(2, 1), p95: expect.closeTo(4, 1), p99: expect.closeTo(4, 1) },
      by_trigger: { webhook: 2 },
      by_workflow_version: { 7: 2 },
      failures: [{ node_id: "llm", fingerprint: expect.stringMatching(/^[\w-]{12}$/), count: 2 }],
    };
    const second = {
      ...EMPTY,
      from: `${SUNDAY}T12:00:00.000Z`,
      to: `${SUNDAY}T12:15:00.000Z`,
      runs: { ...EMPTY.runs, total: 1, succeeded: 1 },
      distinct_users: 1,
      elapsed_time: { avg: 2, p50: 2, p95: 2, p99: 2 },
      by_trigger: { webhook: 1 },
      by_workflow_version: { 7: 1 },
    };
    const asked = { from: `${SUNDAY}T11:00:00Z`, interval: "hour" };
    const open = await ask(app, asked);
    expect(open.json).toEqual({
      app_id: app,
      interval: "hour",
      time_zone: "UTC",
      from: `${SUNDAY}T11:00:00.000Z`,
      to: `${SUNDAY}T12:15:00.000Z`,
      complete: true,
      total: expect.objectContaining({
        from: `${SUNDAY}T11:00:00.000Z`,
        to: `${SUNDAY}T12:15:00.000Z`,
        runs: { total: 3, succeeded: 2, failed: 1, stopped: 0, "partial-succeeded": 0 },
        distinct_users: 2,
        by_trigger: { webhook: 3 },
      }),
      data: [first, second],
    });

    const before = clock.now();
    clock.advance(2 * GRAIN_MS.hour);
    expect(await close(app)).toEqual({ closed: 3, hasMore: false });
    const { text } = await ask(app, { ...asked, to: `${SUNDAY}T12:15:00Z` });
    clock.advance(before - clock.now());
    expect(text).toBe(open.text);
  });

  it("count what is corrected after it was summed up with the next summing up", async () => {
    const app = newApp();
    const at = `${SUNDAY}T06:00:00.000Z`;
    await recordRun(app, at);
    const run_id = `run-${names}`;
    await follow();
    await close(app);
    await postEvents(service, [
      eventText("node.finished", { run_id, at, execution_metadata: { total_price: "1", currency: "USD" } }),
    ]);
    await postEvents(service, [eventText("run.finished", { run_id, app_id: app, at, id: "first", status: "failed" })]);
    await follow();
    const corrected = { runs: { total: 1, failed: 1, succeeded: 0 }, price: { USD: "1" } };

    const before = (await ask(app, { from: SUNDAY })).json;
    expect(before).toMatchObject({ complete: false, total: { runs: { total: 1, succeeded: 1 } } });
    expect(before).not.toHaveProperty("as_of");
    await close(app);
    expect((await ask(app, { from: SUNDAY })).json).toMatchObject({ complete: true, total: corrected });
  });

  it("are of the last 30 days by day, where nothing else is asked for", async () => {
    const rows = await rowsOf(newApp());

    expect(rows).toHaveLength(31);
    expect(rows[0]).toEqual({ ...EMPTY, from: "2026-10-23T00:00:00.000Z", to: "2026-10-24T00:00:00.000Z" });
    expect(rows.at(-1)).toEqual({ ...EMPTY, from: `${SUNDAY}T00:00:00.000Z`, to: `${SUNDAY}T12:15:00.000Z` });
  });

  it("take moments with any offset, its plus sign encoded or not, and dates as days of the time zone", async () => {
    const app = newApp();
    const spanOf = async (query: Readonly<Record<string, string>>) => {
      const { from, to } = (await ask(app, query)).json;
      return [from.slice(0, 16), to.slice(0, 16)];
    };

    expect(await spanOf({ from: "2026-11-01", to: "2026-12-01" })).toEqual(["2026-11-01T00:00", "2026-12-01T00:00"]);
    expect(await spanOf({ from: "2026-11-01", to: "2026-12-01", time_zone: "Asia/Kathmandu" })).toEqual([
      "2026-10-31T18:15",
      "2026-11-30T18:15",
    ]);
    expect(await spanOf({ from: "2026-11-01T10:07:00+01:00", to: "2026-11-01T12:07:00.5Z" })).toEqual([
      "2026-11-01T09:00",
      "2026-11-01T12:15",
    ]);
    expect(await spanOf({ from: "2026-11-01T10:07:00 01:00", to: "2026-11-01T12:07:00 01:00" })).toEqual([
      "2026-11-01T09:00",
      "2026-11-01T11:15",
    ]);
    expect(await spanOf({ to: "2026-03-01" })).toEqual(["2026-01-30T00:00", "2026-03-01T00:00"]);
    expect(await spanOf({ time_zone: "America/New_York" })).toEqual(["2026-10-23T04:00", "2026-11-22T12:15"]);
  });

  it.each([
    ["Europe/Berlin", "2026-03-29", 23],
    ["Europe/Berlin", "2026-10-25", 25],
    ["America/New_York", "2026-11-01", 25],
    ["Australia/Lord_Howe", "2026-04-05", 24.5],
    ["Asia/Kathmandu", "2026-11-20", 24],
  ])("of %s have a day %s of its length, in which each run is counted once", async (time_zone, date, hours) => {
    const app = newApp();
    const next = new Date(Date.parse(date) + GRAIN_MS.day).toISOString().slice(0, 10);
    const day = { from: date, to: next, time_zone };
    const { from, to } = (await rowsOf(app, day))[0] as { from: string; to: string };
    expect((Date.parse(to) - Date.parse(from)) / GRAIN_MS.hour).toBe(hours);

    let expected = 0;
    const begins = [Date.parse(to) - 1, Date.parse(to)];
    for (let at = Date.parse(from) - GRAIN_MS.quarter; at < Date.parse(to); at += 3 * GRAIN_MS.quarter) begins.push(at);
    for (const at of begins) {
      await recordRun(app, new Date(at).toISOString());
      if (at >= Date.parse(from) && at < Date.parse(to)) expected++;
    }
    await follow();
    const total = async (query: Readonly<Record<string, string>>) => (await ask(app, query)).json.total.runs.total;

    expect(await total(day)).toBe(expected);
    expect(await total({ ...day, interval: "hour" })).toBe(expected);
    while ((await close(app)).hasMore);
    expect(await total(day)).toBe(expected);
    expect(await total({ ...day, interval: "hour" })).toBe(expected);
    expect(await total({ ...day, interval: "month" })).toBe(expected);
  });

  it("have a row for each month", async () => {
    const rows = await rowsOf(newApp(), {
      from: "2026-01-01",
      to: "2027-01-01",
      interval: "month",
      time_zone: "Europe/Berlin",
    });

    expect(rows).toHaveLength(12);
    expect(rows[3]).toMatchObject({ from: "2026-03-31T22:00:00.000Z", to: "2026-04-30T22:00:00.000Z" });
  });

  it("are nothing of an app that nobody knows, or of another tenant's", async () => {
    const app = newApp();
    await recordRun(app, `${SUNDAY}T11:00:00.000Z`, { tenant: "acme" });
    await follow();

    expect((await ask(app)).json.total.runs.total).toBe(0);
    expect((await ask(app, {}, "acme")).json.total.runs.total).toBe(1);
    expectProblem(await ask("no#app"), 404, "NOT_FOUND");
  });

  it("tell few names apart in a row, and lose none", async () => {
    const app = newApp();
    for (let version = 0; version < 25; version++) {
      const at = `${SUNDAY}T05:00:00.000Z`;
      await recordRun(app, at, { start: { workflow_version: `v${String(version).padStart(2, "0")}` } });
    }
    await follow();
    const { data, total } = (await ask(app, { from: SUNDAY })).json;

    expect(Object.keys(data[0].by_workflow_version)).toHaveLength(21);
    expect(data[0].by_workflow_version["(other)"]).toBe(5);
    expect(Object.keys(total.by_workflow_version)).toHaveLength(25);
  });

  it("tell versions apart that are cut to the same text", async () => {
    const app = newApp();
    const [long, other] = ["x".repeat(100), "y".repeat(100)];
    for (const workflow_version of [`${long}1`, `${long}2`, `${long}2`, other]) {
      await recordRun(app, `${SUNDAY}T05:00:00.000Z`, { start: { workflow_version } });
    }
    await follow();
    const versions: Record<string, number> = (await ask(app, { from: SUNDAY })).json.total.by_workflow_version;

    expect(Object.values(versions)).toEqual([2, 1, 1]);
    const [most, ...others] = Object.keys(versions);
    expect(most).toMatch(/^x{31}…[\w-]{6}$/);
    expect(others.sort()).toEqual([expect.stringMatching(/^x{31}…[\w-]{6}$/), "y".repeat(31)]);
  });

  it("show amounts of 20 currencies in a row, the number of the others, and all of them in total", async () => {
    const app = newApp();
    const amounts = Array.from({ length: 25 }, (_, index) => ({
      execution_metadata: { total_price: "1", currency: `C${10 + index}` },
    }));
    await recordRun(app, `${SUNDAY}T05:00:00.000Z`, { nodes: amounts });
    await follow();
    const { data, total } = (await ask(app, { from: SUNDAY })).json;

    expect(Object.keys(data[0].price)).toHaveLength(20);
    expect(data[0].price_more).toBe(5);
    expect(Object.values(total.price)).toEqual(Array.from({ length: 25 }, () => "1"));
    expect(total).not.toHaveProperty("price_more");
  });
});

describe("a wrong query", () => {
  const YEAR = "expected a year from 1970 to 2199";
  const MOMENT = /^expected a date and time/;

  it.each<[Readonly<Record<string, string>>, string, RegExp | string]>([
    [{ from: "yesterday" }, "from", MOMENT],
    [{ from: "2026-02-30" }, "from", MOMENT],
    [{ from: "2026-13-01" }, "from", MOMENT],
    [{ from: "2026-11-22T25:00:00Z" }, "from", MOMENT],
    [{ from: "2026-11-22T10:00:00" }, "from", MOMENT],
    [{ to: "" }, "to", MOMENT],
    [{ from: "0001-01-01" }, "from", YEAR],
    [{ to: "9999-12-31T23:59:59Z" }, "to", YEAR],
    [{ time_zone: "Europe/Nowhere" }, "time_zone", /^expected a time zone of the IANA database/],
    [{ time_zone: "+05:07" }, "time_zone", /^expected a time zone of the IANA database/],
    [{ time_zone: "" }, "time_zone", /^expected a time zone/],
    [{ time_zone: "../etc/passwd" }, "time_zone", /^expected a time zone/],
    [{ interval: "week" }, "interval", "expected one of hour, day, month"],
    [{ from: "2026-11-22", to: "2026-11-22" }, "to", "expected a moment after from"],
    [{ from: "2026-11-23", to: "2026-11-22" }, "to", "expected a moment after from"],
    [{ from: "2027-01-01" }, "to", "expected a moment after from"],
    [{ from: "2026-10-01", interval: "hour" }, "interval", "expected at most 1000 intervals between from and to"],
    [{ from: "1970-01-01", to: "2199-12-31" }, "interval", "expected at most 1000 intervals between from and to"],
    [
      { from: "2026-06-01", time_zone: "Europe/Berlin" },
      "interval",
      /^expected intervals made of at most 2500 sums, not 4/,
    ],
    [
      { from: "2026-10-20", time_zone: "Asia/Kathmandu", interval: "hour" },
      "interval",
      /a shorter span, a larger interval/,
    ],
    [
      { from: "2000-01-01", interval: "month" },
      "interval",
      /^expected intervals made of at most 2500 sums, not 9\d{3}:/,
    ],
    [{ limit: "5" }, "limit", "not a parameter of this route"],
  ])("is refused by what is wrong with it: %j", async (query, path, message) => {
    const reply = await ask("app-1", query);

    expectProblem(reply, 400, "INVALID_REQUEST");
    expect(reply.json.errors).toEqual([
      { path, message: typeof message === "string" ? message : expect.stringMatching(message) },
    ]);
  });

  it.each<[Readonly<Record<string, string>>, number]>([
    [{ from: "2024-03-01" }, 997],
    [{ from: "2026-08-20", time_zone: "Europe/Berlin" }, 95],
    [{ from: "2026-09-01", time_zone: "Asia/Kolkata" }, 83],
    [{ from: "2026-10-15", interval: "hour", time_zone: "America/New_York" }, 921],
    [{ from: "2020-02-01", interval: "month" }, 82],
    [{ from: "2023-11-01", interval: "month", time_zone: "Europe/Berlin" }, 37],
  ])("is not one of years by days and months, or of a quarter of a year by days elsewhere: %j", async (query, rows) => {
    expect(await rowsOf("app-1", query)).toHaveLength(rows);
  });

  it("names every parameter that is wrong", async () => {
    const reply = await ask("app-1", { from: "x", to: "y", time_zone: "z", interval: "w" });

    expect(reply.json.errors.map(({ path }: { path: string }) => path)).toEqual([
      "from",
      "to",
      "time_zone",
      "interval",
    ]);
  });
});

describe("what statistics cost", () => {
  let aside: DynamoDBClient;
  let meter: CostMeter;
  beforeAll(() => {
    aside = new DynamoDBClient(clientOf(testEndpoints().dynamodb));
    meter = costMeter(aside);
    meter.attachTo(service.dynamodb);
  });
  afterAll(() => aside.destroy());
  /** Units of one kind that something takes. */
  const unitsOf = async (kind: "read" | "write", act: () => Promise<unknown>): Promise<number> => {
    meter.take();
    await act();
    return meter.take().reduce((sum, charge) => sum + (charge.kind === kind ? charge.units : 0), 0);
  };
  const units = (app: string, query: Readonly<Record<string, string>>): Promise<number> =>
    unitsOf("read", async () => expect((await ask(app, query)).status).toBe(200));
  const QUERIES = [
    {},
    { from: `${SUNDAY}T00:00:00Z`, interval: "hour" },
    { from: "2026-11-01", time_zone: "Europe/Berlin" },
    { from: "2026-11-01", time_zone: "Asia/Kathmandu", interval: "hour" },
    { from: "2026-01-01", interval: "month", time_zone: "America/New_York" },
  ];

  /** Sums of a span as a busy app has them. */
  const fill = async (app: string, { from, to }: { from: string; to: string }): Promise<void> => {
    const sum = { ...sumOf([]), runs: new Map([["succeeded", 100]]), versions: new Map([["v".repeat(40), 100]]) };
    const store = dynamoStatisticsStore(tableOf(aside, service.tableName));
    for (const grain of GRAINS) {
      const begins: number[] = [];
      for (let at = Date.parse(from); at < Date.parse(to); at += GRAIN_MS[grain]) begins.push(at);
      for (let index = 0; index < begins.length; index += 50) {
        const puts = begins.slice(index, index + 50);
        await Promise.all(
          puts.map((at) => store.put(appKey("demo", app), { grain, from: at }, { summary: sum, finalAt: 9e12 }, 0)),
        );
      }
    }
  };

  it("is a write unit a run that ends while its quarter is open, two later, and nothing more where it comes again", async () => {
    const [app, runs] = [newApp(), 10];
    for (let run = 0; run < runs; run++) await recordRun(app, `${SUNDAY}T12:00:00.000Z`);
    const records = headers.take();
    const project = projectFunction({ ...service.dependencies, publisher: memoryPublisher() });
    const followAll = async () => {
      for (const record of records) await project({ Records: [record] });
    };

    expect(await unitsOf("write", followAll)).toBe(runs + 1);
    expect(await unitsOf("write", followAll)).toBe(runs);
    clock.advance(GRAIN_MS.hour);
    const [late] = records;
    expect(await unitsOf("write", () => project({ Records: late === undefined ? [] : [late] }))).toBe(2);
    clock.advance(-GRAIN_MS.hour);
  });

  const BUSY_RUNS = 2600;

  /** Counts many runs in a quarter. */
  const countMany = async (app: string, quarter: number): Promise<void> => {
    const { client, name } = tableOf(aside, service.tableName);
    for (let run = 0; run < BUSY_RUNS; run += 25) {
      const requests = Array.from({ length: 25 }, (_, index) => {
        const summary = { ...sumOf([]), runs: new Map([["succeeded", 1]]) };
        const contribution = { run: `busy-${run + index}`, moment: { rev: 1, touches: 0 }, summary, expiresAt: 9e9 };
        return { PutRequest: { Item: contributionItem(appKey("demo", app), quarter, contribution) } };
      });
      await client.send(new BatchWriteCommand({ RequestItems: { [name]: requests } }));
    }
    await service.dependencies.statistics.mark(appKey("demo", app), quarter);
  };

  it("of a quarter of many runs is that of a few minutes old sum, and the answer says so", async () => {
    const app = newApp();
    const answer = async () => {
      const { complete, as_of, total } = (await ask(app)).json;
      return { complete, as_of, runs: total.runs.total };
    };
    await countMany(app, Date.parse(`${SUNDAY}T12:00:00.000Z`));
    expect(await answer()).toEqual({ complete: true, runs: BUSY_RUNS });
    expect(await units(app, {})).toBeGreaterThan(50);

    expect(await close(app)).toEqual({ closed: 0, hasMore: false });
    await recordRun(app, `${SUNDAY}T12:05:00.000Z`);
    await follow();
    expect(await answer()).toEqual({ complete: false, as_of: `${SUNDAY}T12:07:00.000Z`, runs: BUSY_RUNS });
    expect(await units(app, {})).toBeLessThan(10);

    clock.advance(5 * 60_000);
    await close(app);
    expect(await answer()).toEqual({ complete: false, as_of: `${SUNDAY}T12:12:00.000Z`, runs: BUSY_RUNS + 1 });
    clock.advance(GRAIN_MS.hour);
    expect(await close(app)).toEqual({ closed: 1, hasMore: false });
    expect(await answer()).toEqual({ complete: true, runs: BUSY_RUNS + 1 });
    clock.advance(-GRAIN_MS.hour - 5 * 60_000);
  });

  it("of a query depends on what is asked for, not on the history before it", async () => {
    const app = newApp();
    await fill(app, { from: "2026-11-05", to: SUNDAY });
    await recordRun(app, `${SUNDAY}T11:59:00.000Z`);
    await follow();
    const before = [];
    for (const query of QUERIES) before.push(await units(app, query));

    await fill(app, { from: "2025-12-01", to: "2025-12-16" });
    for (let month = 1; month < 12; month++) {
      await recordRun(app, `2025-${String(month).padStart(2, "0")}-07T11:59:00.000Z`);
    }
    await follow();
    const after = [];
    for (const query of QUERIES) after.push(await units(app, query));

    expect(after).toEqual(before);
    expect(before[0]).toBeLessThan(20);
  });
});
