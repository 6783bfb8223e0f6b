import { mayHaveFailures, type NotedRun, noteFailures } from "../../shared/app/failures/note-failures.ts";
import { changeFollower } from "../../shared/app/follow/follow-changes.ts";
import { recordClaim } from "../../shared/app/record/record-arrival.ts";
import { holdRun, releaseRun } from "../../shared/app/retention/hold-run.ts";
import { NEVER } from "../../shared/domain/retention.ts";
import type { FailureStore, StoredFailure } from "../../shared/ports/failure-store.ts";
import { isTombstone } from "../../shared/ports/run-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { arrivalOf, at, claimed } from "../support/builders.ts";
import { eventText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { notedRun } from "../support/noted-failures.ts";
import { postEvents, runKey, type Service, startService } from "../support/service.ts";

let service: Service;
const clock = manualClock();
beforeAll(async () => {
  service = await startService(undefined, clock);
});
afterAll(() => service.stop());

let runs = 0;
let runId: string;
beforeEach(() => {
  runId = `noted-${++runs}`;
});

const record = async (...events: readonly string[]): Promise<void> => {
  expect((await postEvents(service, events)).status).toBe(200);
};
const started = () => eventText("run.started", { run_id: runId, app_id: "noted", workflow_version: "7" });
const ended = (members = {}) => eventText("run.finished", { run_id: runId, status: "failed", at: at(60), ...members });
const failed = (node: string, members = {}) =>
  eventText("node.finished", {
    run_id: runId,
    node_execution_id: node,
    node_id: `id-of-${node}`,
    node_type: "code",
    title: "Parse",
    status: "failed",
    error: "row 7 is bad",
    at: at(5),
    ...members,
  });

const read = (): Promise<NotedRun> => notedRun(service, runId);
const note = async (run?: NotedRun, failures: FailureStore = service.dependencies.failures): Promise<void> =>
  noteFailures({ ...service.dependencies, failures }, runKey("demo", runId), run ?? (await read()));
const rows = async (): Promise<readonly StoredFailure[]> => (await read()).failures;
const noted = async (): Promise<string[]> => (await rows()).map(({ row }) => row.nodeExecutionId);

/** The failure store with a count of its writes; from the given one on they fail. */
const watched = (failFrom = Number.POSITIVE_INFINITY) => {
  const { failures } = service.dependencies;
  const told = { writes: 0 };
  const write = <A extends readonly unknown[]>(call: (...given: A) => Promise<boolean>) => {
    return async (...given: A) => {
      if (++told.writes >= failFrom) throw new StoreFault("broken", { cause: undefined, isRetryable: true });
      return call(...given);
    };
  };
  return { told, store: { ...failures, put: write(failures.put), remove: write(failures.remove) } };
};

describe("the failures of a run that has ended", () => {
  it("are noted with all that lists show", async () => {
    await record(started(), failed("a", { elapsed_time: 1.5 }), ended());
    await note();

    const { header } = await read();
    expect(await rows()).toEqual([
      {
        moment: { rev: header?.rev, touches: 0 },
        row: {
          runId,
          nodeExecutionId: "a",
          appId: "noted",
          shard: 0,
          nodeId: "id-of-a",
          nodeType: "code",
          title: "Parse",
          epoch: 1,
          finishedAt: "2026-11-22T10:00:05.000000000Z",
          elapsedTime: 1.5,
          attempts: 1,
          error: "row 7 is bad",
          fingerprint: expect.stringMatching(/^[\w-]{12}$/),
          workflowVersion: "7",
          runStatus: "failed",
          expiresAt: header?.expiresAt,
        },
      },
    ]);
  });

  it("are noted once, however often it is told that the run has ended", async () => {
    await record(started(), failed("a"), failed("b"), ended());
    await note();
    const { told, store } = watched();
    for (let times = 0; times < 3; times++) await note(undefined, store);

    expect(told.writes).toBe(0);
    expect(await noted()).toEqual(["a", "b"]);
  });

  it("are none where all went well, which costs no write and no read", async () => {
    await record(started(), failed("a", { status: "succeeded" }), ended({ status: "succeeded" }));
    const run = await read();
    const nothing = { put: fail, remove: fail, list: fail, readAll: fail, readTexts: fail };
    const { ledger, failures } = service.dependencies;
    await noteFailures(
      { ledger: { ...ledger, ...nothing }, failures: { ...failures, ...nothing } },
      runKey("demo", runId),
      run,
    );

    expect(await noted()).toEqual([]);
  });

  it("are the first hundred in time, of however many", async () => {
    const many = Array.from({ length: 120 }, (_, index) =>
      failed(`n-${String(index).padStart(3, "0")}`, { at: at(200 - index) }),
    );
    await record(started(), ...many, ended({ at: at(300) }));
    await note();

    const expected = Array.from({ length: 100 }, (_, index) => `n-${String(20 + index).padStart(3, "0")}`);
    expect(await noted()).toEqual(expected);
    await note();
    expect(await noted()).toEqual(expected);
  });

  it("are told by the whole of a long error, wherever its text is kept", async () => {
    const frames = '  File "/app/deep.py", line 3, in f\n    f()\n'.repeat(60);
    const traceback = (of: string) => `Traceback (most recent call last):\n${frames}ValueError: ${of}`;
    // What does not compress goes to an object.
    const noise = Array.from({ length: 60 }, () => crypto.randomUUID().repeat(20));
    await record(
      started(),
      failed("a", { error: traceback("bad row 7") }),
      failed("b", { error: traceback("bad row 12"), outputs: { noise } }),
      failed("c", { error: traceback("bad column") }),
      ended(),
    );
    await note();

    const [a, b, c] = (await rows()).map(({ row }) => row);
    expect(a?.error).toBe("ValueError: bad row 7");
    expect(b?.error).toBe("ValueError: bad row 12");
    expect(a?.fingerprint).toBe(b?.fingerprint);
    expect(c?.fingerprint).not.toBe(a?.fingerprint);
  });

  it("are noted as soon as it is known whose they are", async () => {
    await record(failed("a"), ended());
    await note();
    expect(await noted()).toEqual([]);

    await record(started());
    await note();
    expect(await noted()).toEqual(["a"]);
  });

  it("wait for a run to end, and stay through what follows", () => {
    const row = (status: string, epoch = 1) =>
      ({ row: { status, epoch } }) as unknown as Parameters<typeof mayHaveFailures>[0];
    const asked = ["scheduled", "running", "paused", "succeeded", "failed", "stopped", "partial-succeeded"];

    expect(asked.filter((status) => mayHaveFailures(row(status)))).toEqual(asked.slice(3));
    expect(mayHaveFailures(row("running", 2))).toBe(true);
  });
});

const fail = () => Promise.reject(new Error("expected no call"));

describe("what comes later", () => {
  it("takes a failure back that was none", async () => {
    await record(started(), failed("a"), failed("b"), ended());
    await note();
    await record(failed("a", { status: "succeeded", error: null, at: at(4) }));
    await note();

    expect(await noted()).toEqual(["b"]);
  });

  it("corrects what is told of a failure", async () => {
    await record(started(), failed("a"), ended());
    await note();
    await record(failed("a", { error: "row 6 is bad", at: at(4) }));
    await note();

    expect(await rows()).toMatchObject([
      { row: { error: "row 6 is bad", finishedAt: "2026-11-22T10:00:04.000000000Z" }, moment: { touches: 1 } },
    ]);
  });

  it("adds failures that were reported after the run's end", async () => {
    await record(started(), ended());
    await note();
    await record(failed("a"));
    await note();

    expect(await noted()).toEqual(["a"]);
  });

  it("keeps the failures of a run that was lost and came back", async () => {
    await record(started(), failed("a"), ended());
    await note();
    await record(eventText("run.finished", { run_id: runId, status: "succeeded", at: at(50) }));
    await note();

    expect(await rows()).toMatchObject([{ row: { runStatus: "succeeded", nodeExecutionId: "a" } }]);
  });

  it("keeps what failed before a resume, for as long as the run is kept", async () => {
    await record(started(), failed("a"), failed("b"), ended());
    await note();
    clock.advance(3_600_000);
    const arrival = arrivalOf([claimed(2, 100).event], {
      actor: "caller",
      receivedAt: (clock.now() - Date.parse(at(0))) / 1000,
    });
    const before = (await read()).header?.expiresAt ?? 0;
    expect(await recordClaim(service.dependencies, runKey("demo", runId), { arrival, epoch: 2 })).toBe("recorded");
    await record(eventText("node.started", { run_id: runId, node_execution_id: "b", epoch: 2, at: at(101) }));
    await note();

    const { header } = await read();
    expect(header?.row.status).toBe("running");
    expect(header?.expiresAt).toBeGreaterThan(before);
    expect(await rows()).toMatchObject([
      { row: { nodeExecutionId: "a", runStatus: "running", expiresAt: header?.expiresAt } },
    ]);
  });

  it("keeps failures for as long as their run: for ever while it is on hold, and no longer after that", async () => {
    await record(started(), failed("a"), ended());
    await note();
    const { header: before } = await read();
    const key = runKey("demo", runId);

    await holdRun(service.dependencies, key, { heldAt: clock.now(), reason: undefined });
    await note();
    expect(await rows()).toMatchObject([{ row: { expiresAt: NEVER } }]);

    await releaseRun(service.dependencies, key);
    await note();
    expect(await rows()).toMatchObject([{ row: { expiresAt: before?.expiresAt } }]);
  });

  it("prevails over an earlier state that is noted afterwards", async () => {
    await record(started(), failed("a"), failed("b"), ended());
    const before = await read();
    await record(
      failed("a", { status: "succeeded", error: null, at: at(4) }),
      failed("b", { error: "new", at: at(3) }),
    );
    await note();
    await note(before);

    expect(await rows()).toMatchObject([{ row: { nodeExecutionId: "b", error: "new" } }]);
  });

  it("prevails in whatever order states are noted, and however often", async () => {
    const states: NotedRun[] = [];
    await record(started(), failed("a"), failed("b"), failed("c"), ended());
    states.push(await read());
    await record(failed("a", { status: "succeeded", at: at(4) }));
    states.push(await read());
    await record(failed("d", { at: at(6) }), failed("b", { error: "other", at: at(3) }));
    states.push(await read());
    await record(eventText("run.finished", { run_id: runId, status: "succeeded", at: at(50) }));
    states.push(await read());
    for (const order of [
      [3, 0, 1, 2],
      [2, 1, 0, 3],
      [0, 0, 3, 0],
      [1, 3, 2, 2],
    ]) {
      await Promise.all(order.map((index) => note(states[index])));

      expect((await rows()).map(({ row }) => [row.nodeExecutionId, row.error, row.runStatus])).toEqual([
        ["b", "other", "succeeded"],
        ["c", "row 7 is bad", "succeeded"],
        ["d", "row 7 is bad", "succeeded"],
      ]);
    }
  });
});

describe("noting that is cut short", () => {
  it.each([1, 2, 3, 4])("is made good by the next, wherever it was cut (write %i)", async (write) => {
    await record(started(), failed("a"), failed("b"), failed("c"), ended());
    await note();
    await record(
      failed("a", { status: "succeeded", at: at(4) }),
      failed("b", { error: "other", at: at(4) }),
      failed("d"),
      failed("e"),
    );
    await expect(note(undefined, watched(write).store)).rejects.toThrow(StoreFault);
    await note();

    expect((await rows()).map(({ row }) => `${row.nodeExecutionId} ${row.error}`)).toEqual([
      "b other",
      "c row 7 is bad",
      "d row 7 is bad",
      "e row 7 is bad",
    ]);
  });
});

describe("a run that is deleted", () => {
  const bury = async (): Promise<void> => {
    const key = runKey("demo", runId);
    const header = await service.dependencies.runs.find(key);
    if (header === undefined || isTombstone(header)) throw new Error("expected a run");
    const of = { rev: header.rev, deletedAt: clock.now(), expiresAt: header.expiresAt };
    expect(await service.dependencies.runs.bury(key, of)).toBe(true);
    await service.dependencies.ledger.removeAll(key);
  };

  it("takes its failures with it", async () => {
    await record(started(), failed("a"), ended());
    await note();
    await bury();

    expect(await noted()).toEqual([]);
  });

  it("keeps none that were written while it was deleted, when its change comes again", async () => {
    await record(started(), failed("a"), ended());
    await note();
    const { header } = await read();
    const left = await rows();
    await bury();
    for (const stored of left) await service.dependencies.failures.put(runKey("demo", runId), stored);
    expect(await noted()).toEqual(["a"]);
    if (header === undefined) throw new Error("expected a run");
    const change = { run: runKey("demo", runId), before: undefined, header };

    expect(await changeFollower(service.dependencies)([change])).toEqual([]);

    expect(await noted()).toEqual([]);
  });

  it("keeps none, though they are noted after it is gone", async () => {
    await record(started(), failed("a"), ended());
    const before = await read();
    await bury();
    await note(before);

    expect(await noted()).toEqual([]);
  });
});
