import { rebuildGroup } from "../../cli/rebuild.ts";
import { projectFunction } from "../../functions/project/project.ts";
import { closeStatistics } from "../../shared/app/statistics/close-statistics.ts";
import { countedName } from "../../shared/app/statistics/contribute.ts";
import { readStatistics } from "../../shared/app/statistics/read-statistics.ts";
import { GRAIN_MS } from "../../shared/domain/statistics/period.ts";
import { sumOf } from "../../shared/domain/statistics/summary.ts";
import { isTombstone } from "../../shared/ports/run-store.ts";
import { appKey } from "../contract/statistics-store.ts";
import { type AnnouncedService, announceService } from "../support/announced-service.ts";
import { commandIo } from "../support/command-io.ts";
import { startEmbeddedStack } from "../support/embedded-stack.ts";
import { AT, eventText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { memoryPublisher } from "../support/memory-publisher.ts";
import { type RecordedHeaders, recordedHeaders } from "../support/recorded-headers.ts";
import { runCli } from "../support/run-cli.ts";
import { postEvents, runKey, type Service, startService } from "../support/service.ts";

const APP = appKey("demo", "shop");
const TEN = Date.parse(AT);

let service: Service;
let announced: AnnouncedService;
let headers: RecordedHeaders;
let printed: string[];
const clock = manualClock();

beforeEach(async () => {
  service = await startService((dependencies) => {
    headers = recordedHeaders(dependencies.runs);
    return { ...dependencies, runs: headers.runs };
  }, clock);
  announced = await announceService(service);
  printed = [];
});
afterEach(() => {
  announced.stop();
  service.stop();
});

const run = (...args: string[]): Promise<void> => {
  const io = { environment: announced.environment, now: clock.now, print: (text: string) => void printed.push(text) };
  return rebuildGroup.run(args, commandIo(io));
};
const statistics = (...more: string[]) => run("statistics", "--tenant", "demo", "--app", "shop", ...more);

const record = async (run_id: string, status = "succeeded"): Promise<void> => {
  await postEvents(service, [
    eventText("run.started", { run_id, app_id: "shop" }),
    eventText("run.finished", { run_id, app_id: "shop", status }),
  ]);
};

/** Follows all that was written and sums it up. */
const settle = async (): Promise<void> => {
  const project = projectFunction({ ...service.dependencies, publisher: memoryPublisher() });
  await project({ Records: headers.take() });
  await closeStatistics(service.dependencies, APP, { now: clock.now() });
};

const counted = async (): Promise<Record<string, number>> => {
  const day = Date.parse("2026-11-22");
  const { sums } = await readStatistics(service.dependencies, APP, {
    spans: [{ from: day, to: day + GRAIN_MS.day }],
    now: 0,
  });
  return Object.fromEntries(sums[0]?.runs ?? []);
};

describe("rebuild statistics", () => {
  it("finds nothing where all is as the ledgers say", async () => {
    for (const name of ["a", "b", "c"]) await record(name);
    await settle();

    await statistics();

    expect(printed).toEqual([
      "3 runs and 3 sums of app shop compared: all as the ledgers say; 0 runs are counted whose ledgers are gone; 0 are of quarters that are final.",
    ]);
  });

  it("tells what differs, and puts it right where it is told to", async () => {
    for (const name of ["lost", "wrong", "good"]) await record(name, "failed");
    await settle();
    const { statistics: store } = service.dependencies;
    const tampered = { moment: { rev: 1, touches: 0 }, expiresAt: 9e9 };
    const runs = (count: number) => ({ ...sumOf([]), runs: new Map([["succeeded", count]]) });
    const names = ["lost", "wrong"].map((name) => countedName(runKey("demo", name).runId));
    await store.contribute(APP, TEN, { ...tampered, run: names[0] ?? "", summary: undefined }, true);
    await store.contribute(APP, TEN, { ...tampered, run: names[1] ?? "", summary: runs(7) }, true);
    await store.contribute(APP, TEN, { ...tampered, run: "of a run that is no more", summary: runs(1) });

    await expect(statistics()).rejects.toThrow("--write puts them right");
    const lines = printed[0]?.split("\n") ?? [];
    expect(lines[0]).toMatch(/^OF +FROM +COUNTED +RECOUNTED$/);
    expect(lines.slice(1).sort()).toEqual([
      expect.stringMatching(/^quarter +2026-11-22T10:00 +3 failed, 0 tokens +8 succeeded, 1 failed, 0 tokens$/),
      expect.stringMatching(/^run lost +2026-11-22T10:00 +nothing +1 failed, 0 tokens$/),
      expect.stringMatching(/^run wrong +2026-11-22T10:00 +7 succeeded, 0 tokens +1 failed, 0 tokens$/),
    ]);
    expect(printed[1]).toContain("3 differ; 1 runs are counted whose ledgers are gone");
    expect(await counted()).toEqual({ failed: 3 });

    await statistics("--write");
    expect(printed.at(-1)).toBe("What differed was put right.");
    expect(await counted()).toEqual({ failed: 3, succeeded: 1 });
    await statistics();
    expect(printed.at(-1)).toContain("all as the ledgers say");
  });

  it("counts runs whose changes nobody followed", async () => {
    await record("a");
    headers.take();

    await expect(statistics("--from", "2026-11-22", "--to", "2026-11-23")).rejects.toThrow("differ from the ledgers");
    await statistics("--write");

    expect(await counted()).toEqual({ succeeded: 1 });
    await statistics();
  });

  it("makes sums again that are missing or wrong", async () => {
    await record("a");
    await settle();
    const { statistics: store } = service.dependencies;
    for (const grain of ["hour", "day"] as const) {
      const from = grain === "hour" ? TEN : Date.parse("2026-11-22");
      await store.put(APP, { grain, from }, { summary: sumOf([]), finalAt: undefined }, 1);
    }

    await expect(statistics()).rejects.toThrow("differ");
    expect(printed[0]).toMatch(/^hour +2026-11-22T10:00 +nothing +1 succeeded/m);
    await statistics("--write");

    expect(await counted()).toEqual({ succeeded: 1 });
  });

  it.each([
    [["statistics", "--app", "shop"], /^--tenant is needed/],
    [["statistics", "--tenant", "demo"], /^--app is needed/],
    [["statistics", "--tenant", "demo", "--app", "shop", "--from", "x"], /^--from: expected a date/],
    [["statistics", "--tenant", "demo", "--app", "s", "--from", "2026-11-22", "--to", "2026-11-22"], /^--to: expected/],
    [["statistics", "more", "--tenant", "demo", "--app", "shop"], /^expected no argument/],
    [[], /^expected <run_id>/],
    [["run-1"], /^--tenant is needed/],
    [["run-1", "--tenant", "demo"], /^tenant demo has no run run-1/],
  ])("refuses what was not asked for correctly: %j", async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });
});

describe("rebuild of a run", () => {
  it("finds that a header is what its ledger folds to", async () => {
    for (const name of ["a", "statistics"]) await record(name);

    await run("a", "--tenant", "demo");
    await run("run", "statistics", "--tenant", "demo");

    expect(printed).toEqual([
      "The header of a is what its ledger folds to (2 events in 1 entries).",
      "The header of statistics is what its ledger folds to (2 events in 1 entries).",
    ]);
  });

  it("tells how a header differs, and puts it right where it is told to", async () => {
    await record("a", "failed");
    const key = runKey("demo", "a");
    const present = await service.dependencies.runs.find(key);
    if (present === undefined || isTombstone(present)) throw new Error("expected a header");
    const row = { ...present.row, status: "succeeded" as const, workflowVersion: "other" };
    await service.dependencies.runs.replace(key, { ...present, row }, present);

    await expect(run("a", "--tenant", "demo")).rejects.toThrow("--write puts it right");
    expect(printed[0]).toMatch(/^status +"succeeded" +"failed"$/m);
    expect(printed[0]).toMatch(/^workflowVersion +"other" +-$/m);

    await run("a", "--tenant", "demo", "--write");
    await run("a", "--tenant", "demo");
    expect(printed.at(-1)).toContain("is what its ledger folds to");
    expect(await service.dependencies.runs.find(key)).toMatchObject({ row: { status: "failed" }, rev: 3 });
  });

  it("makes a header where there is none", async () => {
    await record("a");
    const entry = (await service.dependencies.ledger.readAll(runKey("demo", "a"))).entries[0];
    if (entry === undefined) throw new Error("expected an entry");
    const key = runKey("acme", "a");
    const arrival = { ...entry, events: entry.events.map((event) => ({ ...event, payload: [] })) };
    await service.dependencies.ledger.append(key, { ...arrival, appId: APP.appId, expiresAt: 9e9 });

    await run("a", "--tenant", "acme", "--write").catch(() => undefined);

    expect(await service.dependencies.runs.find(key)).toMatchObject({ rev: 1, row: { status: "succeeded" } });
  });
});

test("on the embedded stack a run is counted as it ends, and the command finds it so", async () => {
  const stack = await startEmbeddedStack();
  const at = new Date().toISOString();
  const events = [
    eventText("run.started", { run_id: "a", app_id: "shop", at }),
    eventText("run.finished", { run_id: "a", app_id: "shop", at, status: "stopped" }),
  ];
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${stack.local.api_url}${path}`, { ...init, headers: { authorization: `Bearer ${stack.local.keys.demo}` } });
  expect((await call("/v1/events", { method: "POST", body: `{"events":[${events.join(",")}]}` })).status).toBe(200);

  // What follows a write comes a moment after its answer.
  let stopped = 0;
  for (let asked = 0; asked < 1000 && stopped === 0; asked++) {
    const answer = (await (await call("/v1/apps/shop/statistics")).json()) as { total: { runs: { stopped: number } } };
    stopped = answer.total.runs.stopped;
  }
  expect(stopped).toBe(1);
  const words = ["rebuild", "statistics", "--tenant", "demo", "--app", "shop"];
  const outcome = await runCli(words, { RUNSTONE_DATA_DIR: stack.directory });
  await stack.stop();

  expect(outcome).toEqual({ code: 0, err: "", out: expect.stringContaining("1 runs and 0 sums of app shop compared") });
}, 60_000);
