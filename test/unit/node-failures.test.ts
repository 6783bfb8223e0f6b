import fc from "fast-check";
import * as v from "valibot";
import { RunId } from "../../shared/contract/identifiers.ts";
import { errorFingerprint } from "../../shared/domain/failures/error-fingerprint.ts";
import { failedNodes, failureOf } from "../../shared/domain/failures/node-failures.ts";
import { lostRunEvent } from "../../shared/domain/lost-run.ts";
import { anyEvents, claimed, lost, run, type Saying, type Sent, sent, ZERO } from "../support/builders.ts";

const nodeIds = (...events: readonly Sent[]): string[] =>
  failedNodes(run(...events)).map(({ node }) => node.nodeExecutionId);

const started = (id: string, saying: Saying = {}): Sent =>
  sent("node.started", { node_execution_id: id, node_id: id, ...saying });
const failed = (id: string, saying: Saying = {}): Sent =>
  sent("node.finished", {
    node_execution_id: id,
    node_id: id,
    status: "failed",
    error: `boom of ${id}`,
    at: 5,
    ...saying,
  });
const ended = (id: string, status: string, saying: Saying = {}): Sent => failed(id, { status, ...saying });

describe("a failed node execution", () => {
  it("is one that ended as failed, in the order of ends, then of ids", () => {
    const events = [failed("b", { at: 2 }), failed("c", { at: 1 }), failed("a", { at: 2 }), ended("d", "succeeded")];

    expect(nodeIds(...events)).toEqual(["c", "a", "b"]);
  });

  it.each<[string, Sent[]]>([
    [
      "failed and then succeeded on another try",
      [sent("node.retried", { node_execution_id: "a", error: "no" }), ended("a", "succeeded")],
    ],
    ["ended as an exception: its workflow goes on as planned", [ended("a", "exception")]],
    ["was stopped", [ended("a", "stopped")]],
    ["is still at work", [started("a")]],
    ["waits for another try", [started("a"), sent("node.retried", { node_execution_id: "a", error: "no" })]],
    ["never ended in a run that was stopped", [started("a"), sent("run.finished", { status: "stopped", at: 9 })]],
    ["failed by an end that another outranks", [ended("a", "succeeded", { at: 1 }), failed("a", { at: 2 })]],
    ["failed by an end of an epoch that was over", [started("a"), claimed(2, 1), failed("a", { at: 5 })]],
  ])("is none that %s", (_what, events) => {
    expect(nodeIds(...events)).toEqual([]);
  });

  it("stays one when its run is claimed: what finished before a resume stays finished", () => {
    expect(nodeIds(failed("a", { at: 1 }), sent("run.finished", { status: "failed", at: 2 }), claimed(2, 3))).toEqual([
      "a",
    ]);
  });

  it("is none any more once it is tried again in a later epoch", () => {
    const again = started("a", { epoch: 2, at: 4 });

    expect(nodeIds(failed("a", { at: 1 }), claimed(2, 3), again)).toEqual([]);
    expect(nodeIds(failed("a", { at: 1 }), claimed(2, 3), again, ended("a", "succeeded", { epoch: 2, at: 6 }))).toEqual(
      [],
    );
  });
});

describe("a container that failed with a node in it", () => {
  const loop = (status: string, saying: Saying = {}) => [
    started("loop", { node_type: "loop" }),
    ended("loop", status, { node_type: "loop", at: 8, ...saying }),
  ];
  const child = failed("inner", { loop_id: "loop", loop_index: 0, error: "socket hang up after 31 s" });

  it.each<[string, Saying]>([
    ["says nothing of its own", { error: null }],
    ["says an empty text", { error: "" }],
    ["says again what the node says", { error: "socket hang up after 31 s" }],
    ["wraps what the node says", { error: { code: "LOOP", message: "round 0: socket hang up  after 31 s" } }],
    ["says it at length", { error: `round 0: socket hang up after 31 s ${"x".repeat(2000)}` }],
  ])("is no second failure where it %s", (_what, saying) => {
    expect(nodeIds(...loop("failed", saying), child)).toEqual(["inner"]);
  });

  it("is one of its own where it says something else", () => {
    expect(nodeIds(...loop("failed", { error: "the loop's condition is no boolean" }), child)).toEqual([
      "inner",
      "loop",
    ]);
  });

  it("is one of its own where no node in it failed", () => {
    const fine = ended("inner", "succeeded", { loop_id: "loop", loop_index: 0 });

    expect(nodeIds(...loop("failed", { error: null }), fine)).toEqual(["loop"]);
  });

  it("is one of its own where the node says nothing", () => {
    const silent = failed("inner", { loop_id: "loop", loop_index: 0, error: null });

    expect(nodeIds(...loop("failed", { error: "no more rounds" }), silent)).toEqual(["inner", "loop"]);
  });

  it("is no failure where it succeeded all the same", () => {
    expect(nodeIds(...loop("succeeded"), child)).toEqual(["inner"]);
  });

  it("is none at any depth", () => {
    const outer = failed("outer", { node_type: "iteration", at: 9, error: "socket hang up after 31 s" });
    const inner = failed("loop", { node_type: "loop", at: 8, error: null, iteration_id: "outer", iteration_index: 0 });

    expect(nodeIds(outer, inner, child)).toEqual(["inner"]);
  });
});

describe("a node at work when its run failed", () => {
  const runFailed = (at: number, saying: Saying = {}) => sent("run.finished", { status: "failed", at, ...saying });

  it.each<[string, Sent]>([
    ["by its engine's word", runFailed(9)],
    ["by being lost", lost(9)],
  ])("is a failure where nothing else tells why: %s", (_what, end) => {
    expect(nodeIds(started("b", { at: 1 }), started("a", { at: 2 }), ended("c", "succeeded"), end)).toEqual(["a", "b"]);
  });

  it.each<[string, Sent]>([
    ["is paused", sent("node.paused", { node_execution_id: "a", at: 2 })],
    ["waits for another try", sent("node.retried", { node_execution_id: "a", at: 2, error: "first" })],
    ["has left a checkpoint", sent("node.checkpointed", { node_execution_id: "a", at: 2 })],
  ])("is one too while it %s", (_what, event) => {
    expect(nodeIds(started("a", { at: 1 }), event, lost(9))).toEqual(["a"]);
  });

  it("is none of the containers around it, at any depth", () => {
    const outer = started("outer", { node_type: "iteration" });
    const inner = started("loop", { node_type: "loop", iteration_id: "outer", iteration_index: 2, at: 1 });
    const at = { loop_id: "loop", loop_index: 0, iteration_id: "outer", iteration_index: 2 };

    expect(
      nodeIds(outer, inner, started("left", { ...at, at: 2 }), started("right", { ...at, at: 2 }), lost(9)),
    ).toEqual(["left", "right"]);
    expect(nodeIds(outer, inner, ended("left", "succeeded", at), lost(9))).toEqual(["loop"]);
  });

  it("is no failure of its own where another one's took it along", () => {
    const events = [started("a", { at: 1 }), started("b", { at: 2 }), failed("a", { at: 5 })];

    expect(nodeIds(...events, runFailed(6))).toEqual(["a"]);
    expect(nodeIds(...events, started("late", { at: 5.5 }), runFailed(6))).toEqual(["a"]);
    expect(nodeIds(...events, lost(60))).toEqual(["a"]);
    expect(nodeIds(...events, sent("node.checkpointed", { node_execution_id: "c", at: 9 }), lost(60))).toEqual(["a"]);
  });

  it("is one where its run was lost after it had gone on past a failure", () => {
    const events = [started("each", { node_type: "iteration" }), failed("a", { iteration_id: "each", at: 5 })];
    const next = started("b", { iteration_id: "each", iteration_index: 1, at: 6 });

    expect(nodeIds(...events, next, lost(60))).toEqual(["a", "b"]);
  });

  it("is one where the failure before it was overcome by a claim", () => {
    const events = [started("a"), failed("a", { at: 1 }), runFailed(2), claimed(2, 3)];
    const again = started("b", { epoch: 2, at: 4 });

    expect(nodeIds(...events, again, runFailed(9, { epoch: 2 }))).toEqual(["a", "b"]);
    expect(nodeIds(...events, again, lost(9, { epoch: 2 }))).toEqual(["a", "b"]);
  });

  it("is none any more once the run is claimed, has come back, or its own end arrives", () => {
    const events = [started("a", { at: 1 }), lost(60)];

    expect(nodeIds(...events)).toEqual(["a"]);
    expect(nodeIds(...events, claimed(2, 70))).toEqual([]);
    expect(nodeIds(...events, sent("run.finished", { at: 90 }))).toEqual([]);
    expect(nodeIds(...events, ended("a", "succeeded", { at: 50 }))).toEqual([]);
    expect(nodeIds(...events, failed("a", { at: 50 }))).toEqual(["a"]);
  });

  it("is none where the run had no node, or none at work", () => {
    expect(nodeIds(lost(9))).toEqual([]);
    expect(nodeIds(ended("a", "succeeded"), lost(9))).toEqual([]);
  });
});

describe("what is told of a failure", () => {
  const told = (...events: readonly Sent[]) => failedNodes(run(...events)).map((one) => failureOf(one));

  it("is what its events say of it", () => {
    const error = "row 7 is bad:\n  no rate";
    const events = [
      started("a", { title: "Parse", node_type: "code", at: 1 }),
      sent("node.retried", { node_execution_id: "a", retry_index: 1, error: "first", at: 2 }),
      sent("node.retried", { node_execution_id: "a", retry_index: 2, error: "second", at: 3 }),
      failed("a", { error, at: 4, elapsed_time: 2.5 }),
    ];

    expect(told(...events)).toEqual([
      {
        nodeExecutionId: "a",
        nodeId: "a",
        nodeType: "code",
        title: "Parse",
        epoch: 1,
        finishedAt: "2026-11-22T10:00:04.000000000Z",
        elapsedTime: 2.5,
        attempts: 3,
        error: "row 7 is bad: no rate",
        fingerprint: errorFingerprint(error),
      },
    ]);
  });

  it("is little where the end is all that came", () => {
    expect(told(sent("node.finished", { node_execution_id: "a", status: "failed" }))).toMatchObject([
      { nodeId: undefined, title: undefined, elapsedTime: undefined, attempts: 1, error: "" },
    ]);
  });

  it("is the beginning of an error that is kept with payload, and the whole of it where it is at hand", () => {
    const long = `the beginning ${"x".repeat(2000)}`;
    const [one] = failedNodes(run(failed("a", { error: long })));
    if (one === undefined) throw new Error("expected a failure");

    expect(failureOf(one).error).toBe(long.slice(0, 200));
    expect(failureOf(one, long)).toMatchObject({ error: long, fingerprint: errorFingerprint(long) });
  });

  it("is its run's error and end where it never ended, and its own tries", () => {
    const events = [
      started("a", { title: "Ask", at: 1 }),
      sent("node.retried", { node_execution_id: "a", retry_index: 1, error: "first", at: 2 }),
      started("a", { title: "Ask", at: 3 }),
    ];

    expect(told(...events, lost(60, { error: { code: "RUN_LOST", message: "no sign of life" } }))).toMatchObject([
      {
        nodeExecutionId: "a",
        title: "Ask",
        finishedAt: "2026-11-22T10:01:00.000000000Z",
        elapsedTime: undefined,
        attempts: 2,
        error: "RUN_LOST: no sign of life",
      },
    ]);
  });

  it("is the beginning of its run's error where that is long, whatever a try of its own said at length", () => {
    const long = (of: string) => `${of} ${"x".repeat(2000)}`;
    const retried = sent("node.retried", { node_execution_id: "a", error: long("a try"), at: 2 });
    const end = (error: string) => sent("run.finished", { status: "failed", at: 9, error });

    expect(told(started("a"), retried, end(long("the run")))).toMatchObject([{ error: long("the run").slice(0, 200) }]);
    expect(told(started("a"), retried, end("short"))).toMatchObject([{ error: "short" }]);
  });

  it.each([0.5, 120, 1800, 86_400])(
    "has one fingerprint for all runs that were lost, after %d s too",
    (idleSeconds) => {
      const lostAfter = (seconds: number) => {
        const silent = { runId: v.parse(RunId, "run-1"), appId: undefined, epoch: 1, lastSignAt: ZERO };
        return { actor: "service", event: lostRunEvent({ ...silent, idleSeconds: seconds }) } as const;
      };
      const [one] = told(started("a"), lostAfter(idleSeconds));
      const [other] = told(started("a"), lostAfter(600));

      expect(one?.error).toBe(`RUN_LOST: no sign of life for ${idleSeconds} seconds`);
      expect(one?.fingerprint).toEqual(other?.fingerprint);
      expect(one?.fingerprint.text).toMatch(/^RUN_LOST: no sign of life for/);
    },
  );

  it("never depends on the order or repetition of events", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        expect(told(...events.toReversed(), ...events)).toEqual(told(...events));
      }),
    );
  });
});
