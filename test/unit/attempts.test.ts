import { attemptsOf } from "../../shared/domain/fold/attempts.ts";
import { claimed, instant, lost, node, type Sent, sent, shown } from "../support/builders.ts";
import { json } from "../support/event-text.ts";

const attempts = (...events: readonly Sent[]) => attemptsOf(node(...events));
const retried = (retry_index: number, at: number, more = {}) =>
  sent("node.retried", { retry_index, at, error: `e${retry_index}`, ...more });
const started = sent("node.started");

describe("an attempt", () => {
  it("ends with the retry event of its number, the last one with the finish; each keeps its own outcome", () => {
    const found = attempts(
      started,
      retried(1, 2, { elapsed_time: 1.5, outputs: 1 }),
      retried(2, 4, { inputs: 2 }),
      sent("node.finished", { at: 7, outputs: 3, error: json("null") }),
    );

    expect(found).toMatchObject([
      {
        epoch: 1,
        number: 1,
        status: "failed",
        error: json('"e1"'),
        startedAt: instant(0),
        finishedAt: instant(2),
        elapsedTime: 1.5,
      },
      {
        epoch: 1,
        number: 2,
        status: "failed",
        error: json('"e2"'),
        startedAt: instant(2),
        finishedAt: instant(4),
        elapsedTime: 2,
      },
      {
        epoch: 1,
        number: 3,
        status: "succeeded",
        error: null,
        startedAt: instant(4),
        finishedAt: instant(7),
        elapsedTime: 3,
      },
    ]);
    expect(found.map((attempt) => shown({ fields: new Map(), payload: attempt.payload }, "outputs"))).toEqual([
      "1",
      undefined,
      "3",
    ]);
  });

  it("is the only one of a node that ended at once", () => {
    expect(attempts(started, sent("node.finished", { at: 1, status: "exception", error: "e" }))).toMatchObject([
      { number: 1, status: "exception", error: json('"e"'), startedAt: instant(0), finishedAt: instant(1) },
    ]);
  });

  it("that failed last is followed by the finish, also where that says the same", () => {
    const found = attempts(started, retried(1, 1), sent("node.finished", { at: 2, status: "failed", error: "e1" }));

    expect(found.map(({ number, status }) => [number, status])).toEqual([
      [1, "failed"],
      [2, "failed"],
    ]);
  });

  it("is open while its node is at work", () => {
    expect(attempts(started)).toMatchObject([
      { number: 1, status: "running", startedAt: instant(0), finishedAt: undefined },
    ]);
    expect(attempts(started, retried(1, 1), sent("node.started", { at: 2 }))).toMatchObject([
      { number: 1, status: "failed" },
      { number: 2, status: "running", startedAt: instant(1), elapsedTime: undefined },
    ]);
    expect(attempts(started, sent("node.paused", { at: 1 }))).toMatchObject([{ number: 1, status: "paused" }]);
  });

  it("is not counted before it begins: between two tries there is none", () => {
    expect(attempts(started, retried(1, 1)).map(({ number }) => number)).toEqual([1]);
  });

  it("keeps its number where events are missing", () => {
    expect(attempts(retried(3, 1), sent("node.finished", { at: 2 }))).toMatchObject([
      { number: 3, startedAt: undefined, elapsedTime: undefined },
      { number: 4, startedAt: instant(1), elapsedTime: 1 },
    ]);
  });

  it("is known by its epoch too: a later holder counts from 1 again", () => {
    const found = attempts(
      started,
      retried(1, 1),
      retried(2, 2),
      claimed(2, 5),
      sent("node.started", { epoch: 2, at: 6 }),
      retried(1, 7, { epoch: 2 }),
      sent("node.finished", { epoch: 2, at: 9 }),
    );

    expect(found.map(({ epoch, number, status }) => [epoch, number, status])).toEqual([
      [1, 1, "failed"],
      [1, 2, "failed"],
      [2, 1, "failed"],
      [2, 2, "succeeded"],
    ]);
    expect(found[2]).toMatchObject({ startedAt: instant(6), finishedAt: instant(7) });
  });

  it("of an earlier epoch keeps its outcome when a later holder runs the node again", () => {
    const found = attempts(
      started,
      sent("node.finished", { at: 1, outputs: 1 }),
      claimed(2, 5),
      sent("node.started", { epoch: 2, at: 6 }),
    );

    expect(found).toMatchObject([
      { epoch: 1, number: 1, status: "succeeded", finishedAt: instant(1) },
      { epoch: 2, number: 1, status: "running" },
    ]);
  });

  it("of an earlier epoch that never ended was interrupted", () => {
    const found = attempts(started, claimed(2, 5), sent("node.finished", { epoch: 2, at: 6 }));

    expect(found).toMatchObject([
      { epoch: 1, status: "stopped", error: { text: expect.stringContaining("INTERRUPTED") }, finishedAt: undefined },
      { epoch: 2, status: "succeeded" },
    ]);
  });

  it("at work shares the fate of its run", () => {
    expect(attempts(started, lost(9))).toMatchObject([{ status: "failed", error: json('{"code":"RUN_LOST"}') }]);
    expect(attempts(started, sent("run.finished", { status: "stopped", at: 9 }))).toMatchObject([
      { status: "stopped" },
    ]);
  });

  it("with two ends has the one that ranks first", () => {
    const ends = [sent("node.finished", { at: 4, status: "failed" }), sent("node.finished", { at: 3 })];

    expect(attempts(started, ...ends)).toMatchObject([{ number: 1, status: "succeeded", finishedAt: instant(3) }]);
  });

  it("that is reported as failed twice has the later report", () => {
    expect(attempts(retried(1, 1, { error: "a" }), retried(1, 2, { error: "b" }))).toMatchObject([
      { number: 1, error: json('"b"'), finishedAt: instant(2) },
    ]);
  });

  it("has no trace of stale events", () => {
    expect(attempts(started, claimed(2, 5), retried(1, 6))).toMatchObject([{ number: 1, status: "stopped" }]);
  });

  it("keeps its own metadata", () => {
    const [first, second] = attempts(
      retried(1, 1, { execution_metadata: { tokens: 1 } }),
      sent("node.finished", { at: 2, execution_metadata: { tokens: 2 } }),
    );

    expect([first?.metadata, second?.metadata]).toEqual([
      new Map([["tokens", json("1")]]),
      new Map([["tokens", json("2")]]),
    ]);
  });

  it("says that it took no time where clocks disagree", () => {
    expect(attempts(sent("node.started", { at: 5 }), retried(1, 1))[0]).toMatchObject({ number: 1, elapsedTime: 0 });
  });
});
