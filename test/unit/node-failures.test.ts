import fc from "fast-check";
import { errorFingerprint } from "../../shared/domain/error-fingerprint.ts";
import { failedNodes, failureOf } from "../../shared/domain/node-failures.ts";
import { anyEvents, claimed, lost, run, type Saying, type Sent, sent } from "../support/builders.ts";

const nodeIds = (...events: readonly Sent[]): string[] =>
  failedNodes(run(...events).nodes).map(({ nodeExecutionId }) => nodeExecutionId);

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
    ["reads failed only because its run failed", [started("a"), sent("run.finished", { status: "failed", at: 9 })]],
    ["reads failed only because its run was lost", [started("a"), lost(9)]],
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

describe("what is told of a failure", () => {
  const told = (...events: readonly Sent[]) => failedNodes(run(...events).nodes).map((node) => failureOf(node));

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
    const [node] = failedNodes(run(failed("a", { error: long })).nodes);
    if (node === undefined) throw new Error("expected a failure");

    expect(failureOf(node).error).toBe(long.slice(0, 200));
    expect(failureOf(node, long)).toMatchObject({ error: long, fingerprint: errorFingerprint(long) });
  });

  it("never depends on the order or repetition of events", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        expect(told(...events.toReversed(), ...events)).toEqual(told(...events));
      }),
    );
  });
});
