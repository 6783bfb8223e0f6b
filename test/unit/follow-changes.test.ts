import { type ChangeFollower, changeFollower } from "../../shared/app/follow/follow-changes.ts";
import { closeStatistics } from "../../shared/app/statistics/close-statistics.ts";
import type { RunChange } from "../../shared/app/statistics/contribute.ts";
import { readStatistics } from "../../shared/app/statistics/read-statistics.ts";
import { latencyOf } from "../../shared/domain/statistics/latency-sketch.ts";
import { GRAIN_MS } from "../../shared/domain/statistics/period.ts";
import { userOf } from "../../shared/domain/statistics/user-sketch.ts";
import { headerChangeFrom } from "../../shared/dynamodb/header-change.ts";
import type { StatisticsStore } from "../../shared/ports/statistics-store.ts";
import { appKey } from "../contract/statistics-store.ts";
import { arrivalOf, by, claimed, type Saying, type Sent, sent, ZERO } from "../support/builders.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { type RecordingWorld, recordingWorld } from "../support/recording-world.ts";
import { runKey } from "../support/service.ts";

const APP = appKey("demo", "shop");
const MINUTE = 60;
const start = (at = 0, saying: Saying = {}) => sent("run.started", { at, app_id: "shop", ...saying });
const finish = (at: number, saying: Saying = {}) => sent("run.finished", { at, app_id: "shop", ...saying });

let clock: ManualClock;
let world: RecordingWorld;
let writes: string[];
let statistics: StatisticsStore;
let follow: ChangeFollower;

/** The store, which tells what is written. */
const told = (store: StatisticsStore): StatisticsStore => ({
  ...store,
  contribute: (...args) => {
    writes.push("contribute");
    return store.contribute(...args);
  },
  mark: (...args) => {
    writes.push("mark");
    return store.mark(...args);
  },
});

const newProcess = (): ChangeFollower => changeFollower({ ...world.stores, statistics });

beforeEach(() => {
  clock = manualClock(new Date(ZERO).toISOString());
  world = recordingWorld(clock);
  writes = [];
  statistics = told(world.stores.statistics);
  follow = newProcess();
});

/** Records events of a run in one arrival, so many seconds after the clock of tests began, and answers its changes. */
const record = async (name: string, receivedAt: number, ...events: readonly Sent[]): Promise<RunChange[]> => {
  const run = runKey("demo", name);
  const own = events.map(({ event }) => ({ ...event, runId: run.runId }));
  const arrival = arrivalOf(own, { receivedAt, actor: events[0]?.actor ?? "engine" });
  const claim = own.find(({ type }) => type === "run.claimed");
  const delivery = claim === undefined ? { run, arrival } : { run, arrival, claimedEpoch: claim.epoch };
  return (await world.record(delivery)).flatMap((one) => headerChangeFrom(one.dynamodb ?? {}) ?? []);
};

/** Deletes a run that has this revision. */
const remove = async (name: string, rev: number): Promise<void> => {
  const run = runKey("demo", name);
  await world.recording.runs.bury(run, { rev, deletedAt: ZERO, expiresAt: 9e9 });
  await world.stores.ledger.removeAll(run);
  expect((await world.stores.ledger.readAll(run)).header).toBeUndefined();
};

/** What runs of an app come to by quarters of an hour, as read now: statuses by begin, in minutes. */
const read = async (app = APP): Promise<Record<number, Record<string, number>>> => {
  const spans = Array.from({ length: 24 * 4 }, (_, index) => {
    const from = ZERO + (index - 12) * GRAIN_MS.quarter;
    return { from, to: from + GRAIN_MS.quarter };
  });
  const { sums } = await readStatistics(world.stores, app, { spans, now: 0 });
  const found = sums.map(({ runs }, index) => [(index - 12) * 15, Object.fromEntries(runs)] as const);
  return Object.fromEntries(found.filter(([, runs]) => Object.keys(runs).length > 0));
};

const closeAt = async (seconds: number): Promise<void> => {
  clock.advance(ZERO + seconds * 1000 - clock.now());
  await closeStatistics(world.stores, APP, { now: clock.now() });
};

describe("a run that ends", () => {
  it("is counted where it began, when its change is followed, and once", async () => {
    const begun = await record("r", 0, start());
    const ended = await record("r", 40 * MINUTE, finish(40 * MINUTE));
    expect(await follow(begun)).toEqual([]);
    expect(await read()).toEqual({});

    for (const changes of [ended, ended, [...begun, ...ended], begun]) await follow(changes);

    expect(await read()).toEqual({ 0: { succeeded: 1 } });
  });

  it("of no app is counted when it gets one, and where it stood in lists until its start is known", async () => {
    const first = await record("r", 20 * MINUTE, sent("run.finished", { at: 19 * MINUTE }));
    await follow(first);
    expect(await read()).toEqual({});

    const named = await record("r", 21 * MINUTE, sent("node.started", { at: 1, app_id: "shop" }));
    await follow(named);
    expect(await read()).toEqual({ 15: { succeeded: 1 } });

    await follow(await record("r", 50 * MINUTE, start()));
    expect(await read()).toEqual({ 0: { succeeded: 1 } });
  });

  it("is counted as what it turned out to be", async () => {
    await follow(await record("r", 0, start()));
    const lost = by("service", sent("run.finished", { at: 9 * MINUTE, status: "failed", error: { code: "RUN_LOST" } }));
    await follow(await record("r", 40 * MINUTE, lost));
    expect(await read()).toEqual({ 0: { failed: 1 } });
    await closeAt(60 * MINUTE);

    await follow(await record("r", 90 * MINUTE, finish(10 * MINUTE)));

    expect(await read()).toEqual({ 0: { succeeded: 1 } });
    await closeAt(91 * MINUTE);
    expect(await read()).toEqual({ 0: { succeeded: 1 } });
  });

  it("and is resumed is counted no more, until it ends again", async () => {
    await follow(await record("r", 1, start(), finish(1, { status: "failed" })));
    expect(await read()).toEqual({ 0: { failed: 1 } });

    await follow(await record("r", 2, claimed(2, 2)));
    expect(await read()).toEqual({});

    await follow(await record("r", 3, finish(3, { epoch: 2 })));
    expect(await read()).toEqual({ 0: { succeeded: 1 } });
  });

  it("and turns out to be of another app, or to have begun earlier, is counted there alone", async () => {
    const desk = appKey("demo", "desk");
    await follow(await record("r", 60 * MINUTE, start(60 * MINUTE), sent("run.finished", { at: 61 * MINUTE })));
    await follow(await record("r", 62 * MINUTE, start(60.5 * MINUTE, { app_id: "desk" })));
    expect([await read(), await read(desk)]).toEqual([{}, { 60: { succeeded: 1 } }]);

    await follow(await record("r", 63 * MINUTE, start(-17 * MINUTE)));
    expect([await read(), await read(desk)]).toEqual([{}, { [-30]: { succeeded: 1 } }]);
  });

  it("counts where its last change says, though that is heard of first", async () => {
    const changes = [
      await record("r", 60 * MINUTE, start(60 * MINUTE), finish(61 * MINUTE)),
      await record("r", 62 * MINUTE, start(30 * MINUTE)),
      await record("r", 63 * MINUTE, start(0)),
    ];
    for (const index of [2, 0, 1, 0]) await follow(changes[index] ?? []);

    expect(await read()).toEqual({ 0: { succeeded: 1 } });
  });

  it("counts what came of its nodes after its end", async () => {
    await follow(await record("r", 1, start(), finish(1)));
    const cost = { execution_metadata: { total_price: "0.5", currency: "USD" } };

    await follow(await record("r", 2, sent("node.finished", cost)));

    const {
      sums: [sum],
    } = await readStatistics(world.stores, APP, {
      spans: [{ from: ZERO, to: ZERO + GRAIN_MS.quarter }],
      now: 0,
    });
    expect([...(sum?.prices ?? [])]).toEqual([["USD", "0.5"]]);
  });

  it("stays counted when it is deleted, and when it has expired", async () => {
    await follow(await record("r", 1, start(), finish(1)));
    await remove("r", 1);
    await follow(world.take().flatMap((one) => headerChangeFrom(one.dynamodb ?? {}) ?? []));

    expect(await read()).toEqual({ 0: { succeeded: 1 } });
  });

  it("is counted by what its changes show where it is deleted before they are followed", async () => {
    const said = { triggered_from: "webhook", workflow_version: "v7", created_by: "ada" };
    const changes = [
      ...(await record("r", 1, start(0, said))),
      ...(await record("r", 2, finish(2, { status: "failed", total_tokens: 7 }))),
    ];
    await remove("r", 2);
    await follow(changes);
    await follow(changes.slice(1));

    const {
      sums: [sum],
    } = await readStatistics(world.stores, APP, {
      spans: [{ from: ZERO, to: ZERO + GRAIN_MS.quarter }],
      now: 0,
    });
    expect(sum).toEqual({
      runs: new Map([["failed", 1]]),
      tokens: 7n,
      prices: new Map(),
      latency: latencyOf(2000),
      users: userOf("ada"),
      triggers: new Map([["webhook", 1]]),
      versions: new Map([["v7", 1]]),
      failures: new Map(),
    });
  });

  it.each<[string, (rev: number) => Promise<unknown>]>([
    ["it is deleted", (rev) => remove("r", rev)],
    ["its ledger is gone and its header not yet", () => world.stores.ledger.removeAll(runKey("demo", "r"))],
  ])("keeps what was counted of it where %s before a later change is followed", async (_what, takeAway) => {
    const cost = { execution_metadata: { total_price: "0.5", currency: "USD" } };
    await follow(await record("r", 1, start(), sent("node.finished", cost), finish(1)));
    const late = await record("r", 2, sent("node.finished", { node_execution_id: "late" }));
    await takeAway(late.at(-1)?.header.rev ?? 0);
    await follow(late);

    const {
      sums: [sum],
    } = await readStatistics(world.stores, APP, {
      spans: [{ from: ZERO, to: ZERO + GRAIN_MS.quarter }],
      now: 0,
    });
    expect(Object.fromEntries(sum?.prices ?? [])).toEqual({ USD: "0.5" });
  });

  it("is counted where it was last, once, where it is deleted before its changes are followed in any order", async () => {
    const changes = [
      await record("r", 60 * MINUTE, start(60 * MINUTE), finish(61 * MINUTE)),
      await record("r", 62 * MINUTE, start(30 * MINUTE)),
      await record("r", 63 * MINUTE, start(0)),
    ];
    await remove("r", changes.at(-1)?.at(-1)?.header.rev ?? 0);
    for (const index of [1, 0, 2, 0]) await follow(changes[index] ?? []);

    expect(await read()).toEqual({ 0: { succeeded: 1 } });
  });
});

describe("what following costs", () => {
  const run = async (name: string, receivedAt: number) => record(name, receivedAt, start(), finish(receivedAt));

  it("is a write a run while its quarter is open, and one more for the quarter", async () => {
    for (const name of ["a", "b", "c"]) await follow(await run(name, 20 * MINUTE));

    expect(writes).toEqual(["contribute", "mark", "contribute", "contribute"]);
  });

  it("is at most two writes a run later, and at most one mark for what comes together", async () => {
    for (const name of ["a", "b"]) await follow(await run(name, 46 * MINUTE));
    expect(writes).toEqual(["contribute", "mark", "contribute", "mark"]);

    writes = [];
    await follow([...(await run("c", 46 * MINUTE)), ...(await run("d", 46 * MINUTE))]);
    expect(writes).toEqual(["contribute", "contribute", "mark"]);
  });

  it("is nothing where a header was written without a change of its run", async () => {
    const [change] = await run("a", 1);
    if (change === undefined) throw new Error("expected a change");
    await follow([change]);
    writes = [];

    await follow([{ ...change, before: change.header, header: { ...change.header, expiresAt: 9e9 } }]);

    expect(writes).toEqual([]);
  });

  it("is one write for all changes of a run that come together", async () => {
    await follow([
      ...(await record("a", 0, start())),
      ...(await record("a", 1, finish(1))),
      ...(await record("a", 2, sent("node.finished"))),
    ]);

    expect(writes).toEqual(["contribute", "mark"]);
  });
});

describe("a quarter", () => {
  it("that was summed up is marked anew by a process that had marked it", async () => {
    await follow(await record("a", 1, start(), finish(1)));
    await closeAt(50 * MINUTE);
    expect(await world.stores.statistics.marks(APP, {})).toEqual([]);

    await follow(await record("b", 55 * MINUTE, start(), finish(54 * MINUTE)));
    expect(await read()).toEqual({ 0: { succeeded: 2 } });
    await closeAt(56 * MINUTE);
    expect(await read()).toEqual({ 0: { succeeded: 2 } });
    expect(await world.stores.statistics.marks(APP, {})).toEqual([]);
  });

  it("is not summed up while a process may take it for open, whatever its clock says", async () => {
    await follow(await record("a", 1, start(), finish(1)));
    await closeAt(49 * MINUTE);

    expect(await world.stores.statistics.marks(APP, {})).toHaveLength(1);
    await follow(await record("b", 50 * MINUTE - 1, start(), finish(2)));
    await closeAt(50 * MINUTE);
    expect(await world.stores.statistics.marks(APP, {})).toEqual([]);
    expect(await read()).toEqual({ 0: { succeeded: 2 } });
  });

  it("is marked again where a process was stopped between counting and marking", async () => {
    const changes = await record("a", 50 * MINUTE, start(), finish(1));
    const stopped = { ...statistics, mark: () => Promise.reject(new Error("stopped")) };
    await expect(changeFollower({ ...world.stores, statistics: stopped })(changes)).rejects.toThrow("stopped");
    expect(await read()).toEqual({});

    await newProcess()(changes);

    expect(await read()).toEqual({ 0: { succeeded: 1 } });
  });

  it("can be corrected for 95 days from when it was first counted, and stays as it is from then on", async () => {
    const day = 86_400;
    await follow(await record("a", 1, start(), finish(1)));
    await closeAt(60 * MINUTE);
    await follow(await record("b", 94 * day, start(), finish(2)));
    await closeAt(94 * day + MINUTE);
    expect(await read()).toEqual({ 0: { succeeded: 2 } });

    writes = [];
    await follow(await record("c", 96 * day, start(), finish(3)));
    expect(writes).toEqual([]);
    await world.stores.statistics.mark(APP, ZERO);
    await closeAt(101 * day);

    expect(await read()).toEqual({ 0: { succeeded: 2 } });
    expect(await world.stores.statistics.marks(APP, {})).toEqual([]);
  });

  it("of long ago is counted when its runs are imported", async () => {
    const year = 365 * 86_400;
    for (const name of ["a", "b"]) await follow(await record(name, year, start(), finish(1)));
    await closeAt(year + 1);
    await follow(await record("c", year + 60, start(), finish(1)));
    await closeAt(year + 61);

    expect(await read()).toEqual({ 0: { succeeded: 3 } });
  });
});

describe("what is wrong with one run", () => {
  it("is told, and does not hold the others up", async () => {
    const changes = [
      ...(await record("a", 1, start(), finish(1))),
      ...(await record("bad", 1, start(), finish(1))),
      ...(await record("c", 1, start(), finish(1))),
    ];
    const { ledger } = world.stores;
    const readAll: typeof ledger.readAll = (run) =>
      run.runId === "bad" ? Promise.reject(new Error("lost its object")) : ledger.readAll(run);

    const unfollowed = await changeFollower({ ...world.stores, ledger: { ...ledger, readAll } })(changes);

    expect(unfollowed).toEqual([{ run: runKey("demo", "bad"), error: new Error("lost its object") }]);
    expect(await read()).toEqual({ 0: { succeeded: 2 } });
  });
});
