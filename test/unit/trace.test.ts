import fc from "fast-check";
import { flattened, prunedTo, type TraceNode, traceOf } from "../../shared/domain/fold/trace.ts";
import { anyEvents, errorText, instant, run, type Saying, type Sent, sent } from "../support/builders.ts";
import { json } from "../support/event-text.ts";

type Shape = string | { [node: string]: Readonly<Record<number, Shape[]>> };

const shapeOf = (trace: TraceNode): Shape => {
  const id = `${trace.node.nodeExecutionId}${trace.isUnplaced ? " unplaced" : ""}`;
  if (trace.groups.length === 0) return id;
  return { [id]: Object.fromEntries(trace.groups.map(({ index, nodes }) => [index, nodes.map(shapeOf)])) };
};

const traced = (...events: readonly Sent[]): TraceNode[] => traceOf(run(...events).nodes);
const shapes = (...events: readonly Sent[]): Shape[] => traced(...events).map(shapeOf);

/** A node execution that has begun; its node id is its own id unless it says otherwise. */
const began = (id: string, saying: Saying = {}): Sent =>
  sent("node.started", { node_execution_id: id, node_id: id, ...saying });
const finished = (id: string, saying: Saying = {}): Sent =>
  sent("node.finished", { node_execution_id: id, node_id: id, at: 9, ...saying });
const inRound = (container: string, index: number | undefined, saying: Saying = {}): Saying => ({
  iteration_id: container,
  iteration_index: index,
  ...saying,
});

const idsIn = (trace: readonly TraceNode[]): string[] =>
  trace.flatMap(({ node, groups }) => [node.nodeExecutionId, ...groups.flatMap(({ nodes }) => idsIn(nodes))]);

describe("the trace", () => {
  it("of plain nodes is their list", () => {
    expect(shapes(began("b", { index: 2 }), began("a", { index: 1 }))).toEqual(["a", "b"]);
  });

  it("holds the rounds of a container in the order of their index, siblings in theirs", () => {
    expect(
      shapes(
        began("box", { index: 1 }),
        began("d", inRound("box", 1, { index: 3 })),
        began("c", inRound("box", 1, { index: 2 })),
        began("a", inRound("box", 0, { index: 2 })),
        began("end", { index: 9 }),
      ),
    ).toEqual([{ box: { 0: ["a"], 1: ["c", "d"] } }, "end"]);
  });

  it("says whether a container is an iteration or a loop", () => {
    const [iteration] = traced(began("box"), began("a", inRound("box", 0)));
    const [loop] = traced(began("box"), began("a", { loop_id: "box", loop_index: 0 }));

    expect([iteration?.kind, loop?.kind]).toEqual(["iteration", "loop"]);
  });

  it("holds a round of which some are missing", () => {
    expect(shapes(began("box"), began("a", inRound("box", 7)))).toEqual([{ box: { 7: ["a"] } }]);
  });

  it("nests containers", () => {
    expect(
      shapes(
        began("outer"),
        began("inner-0", inRound("outer", 0, { node_id: "inner", at: 1 })),
        began("inner-1", inRound("outer", 1, { node_id: "inner", at: 2 })),
        began("x", { ...inRound("outer", 0), loop_id: "inner", loop_index: 3, at: 3 }),
        began("y", { ...inRound("outer", 1), loop_id: "inner", loop_index: 4, at: 3 }),
      ),
    ).toEqual([{ outer: { 0: [{ "inner-0": { 3: ["x"] } }], 1: [{ "inner-1": { 4: ["y"] } }] } }]);
  });

  it("finds the execution of a container that was at work when its child began", () => {
    expect(
      shapes(
        began("first", { node_id: "box", at: 1 }),
        began("second", { node_id: "box", at: 5 }),
        began("a", inRound("box", 0, { at: 2 })),
        began("b", inRound("box", 0, { at: 6 })),
      ),
    ).toEqual([{ first: { 0: ["a"] } }, { second: { 0: ["b"] } }]);
  });

  it("takes an execution of a container for at work from the moment that it began", () => {
    expect(
      shapes(
        began("first", { node_id: "box", at: 1 }),
        began("second", { node_id: "box", at: 5 }),
        began("a", inRound("box", 0, { at: 5 })),
        began("b", inRound("box", 1, { at: 0 })),
      ),
    ).toEqual([{ first: { 1: ["b"] } }, { second: { 0: ["a"] } }]);
  });

  it("takes the smaller id of two executions of a container that began together", () => {
    expect(
      shapes(
        began("box-2", { node_id: "box", at: 1 }),
        began("box-1", { node_id: "box", at: 1 }),
        began("a", inRound("box", 0, { at: 2 })),
      ),
    ).toEqual([{ "box-1": { 0: ["a"] } }, "box-2"]);
  });

  it("takes an execution of a container that could be the one before one that ran in another round", () => {
    expect(
      shapes(
        began("outer"),
        began("elsewhere", inRound("outer", 0, { node_id: "inner", at: 5 })),
        began("unknown", { node_id: "inner", at: 1 }),
        began("x", { ...inRound("outer", 1), loop_id: "inner", loop_index: 0, at: 9 }),
      ),
    ).toEqual([{ outer: { 0: ["elsewhere"] } }, { unknown: { 0: ["x"] } }]);
  });

  it("takes the inner of two containers for a node's own, whichever began first", () => {
    const rounds = { iteration_index: 0, loop_index: 0 };
    const both = { iteration_id: "i", loop_id: "l", ...rounds, at: 9 };

    expect(
      shapes(began("i", { at: 5 }), began("l", { iteration_id: "i", ...rounds, at: 1 }), began("x", both)),
    ).toEqual([{ i: { 0: [{ l: { 0: ["x"] } }] } }]);
    expect(shapes(began("l", { at: 5 }), began("i", { loop_id: "l", ...rounds, at: 1 }), began("x", both))).toEqual([
      { l: { 0: [{ i: { 0: ["x"] } }] } },
    ]);
  });

  it("takes the place of a node from its `execution_metadata` where no field tells it", () => {
    const metadata = json('{"iteration_id":"box","iteration_index":2}');

    expect(shapes(began("box"), began("a"), finished("a", { execution_metadata: metadata }))).toEqual([
      { box: { 2: ["a"] } },
    ]);
  });

  it("puts a child that has no index yet with the last round", () => {
    expect(
      shapes(
        began("box"),
        began("a", inRound("box", 0)),
        began("b", inRound("box", 3)),
        began("c", inRound("box", undefined)),
      ),
    ).toEqual([{ box: { 0: ["a"], 3: ["b", "c"] } }]);
  });

  it("or in a new one, where the last holds the same node", () => {
    expect(
      shapes(
        began("box"),
        began("a", inRound("box", 0, { node_id: "x" })),
        began("b", inRound("box", undefined, { node_id: "x" })),
        began("c", inRound("box", undefined, { node_id: "y" })),
      ),
    ).toEqual([{ box: { 0: ["a"], 1: ["b", "c"] } }]);
  });

  it("or in a new one, where the last holds the same node, whatever rounds before it hold", () => {
    expect(
      shapes(
        began("box"),
        began("a", inRound("box", 0, { node_id: "x" })),
        began("b", inRound("box", 3, { node_id: "y" })),
        began("c", inRound("box", undefined, { node_id: "y" })),
        began("d", inRound("box", undefined, { node_id: "x" })),
      ),
    ).toEqual([{ box: { 0: ["a"], 3: ["b"], 4: ["c", "d"] } }]);
  });

  it("puts the first child without an index in round 0", () => {
    expect(shapes(began("box"), began("a", inRound("box", undefined)))).toEqual([{ box: { 0: ["a"] } }]);
  });

  it("keeps what it cannot place at top level, and says so", () => {
    expect(shapes(began("a", inRound("box", 0)))).toEqual(["a unplaced"]);
    expect(shapes(began("a", inRound("a", 0)))).toEqual(["a unplaced"]);
    expect(shapes(began("box"), began("b"))).toEqual(["b", "box"]);
  });

  it("cuts containers that hold each other", () => {
    const trace = traced(began("a", inRound("b", 0)), began("b", inRound("a", 0)), began("c", inRound("a", 1)));

    expect(idsIn(trace).sort()).toEqual(["a", "b", "c"]);
    expect(trace.some(({ isUnplaced }) => isUnplaced)).toBe(true);
  });

  it("holds a chain of containers of any depth, what is below the deepest at top level", () => {
    const chain = Array.from({ length: 120 }, (_, depth) =>
      began(`n${depth}`, depth === 0 ? {} : inRound(`n${depth - 1}`, 0)),
    );

    expect(idsIn(traced(...chain)).sort()).toEqual(
      chain.map(({ event }) => String(event.fields.get("node_id"))).sort(),
    );
  });

  it("holds every node execution exactly once, whatever is missing", () => {
    const id = fc.constantFrom("a", "b", "c", "d", "e", "f");
    const placed = fc
      .record(
        {
          node_execution_id: id,
          node_id: fc.constantFrom("a", "b", "c", "d"),
          at: fc.integer({ min: 0, max: 3 }),
          index: fc.integer({ min: 0, max: 3 }),
          iteration_id: fc.constantFrom("a", "b", "c", "d", "z"),
          iteration_index: fc.integer({ min: 0, max: 2 }),
          loop_id: fc.constantFrom("a", "b", "c", "d", "z"),
          loop_index: fc.integer({ min: 0, max: 2 }),
          execution_metadata: fc.constantFrom(json('{"iteration_id":"a"}'), json('{"loop_id":"b","loop_index":1}')),
        },
        { requiredKeys: ["node_execution_id", "at"] },
      )
      .chain((saying) => fc.constantFrom(sent("node.started", saying), sent("node.finished", saying)));
    fc.assert(
      fc.property(fc.array(placed, { maxLength: 12 }), anyEvents, (nodes, others) => {
        const { nodes: all } = run(...nodes, ...others);

        expect(idsIn(traceOf(all)).sort()).toEqual(all.map(({ nodeExecutionId }) => nodeExecutionId).sort());
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a container reads", () => {
  const box = finished("box", { status: "succeeded" });
  const child = (id: string, index: number, saying: Saying) => finished(id, inRound("box", index, saying));
  const statusOf = (...children: readonly Sent[]) => {
    const [trace] = traced(began("box"), box, ...children);
    return [trace?.status, trace?.groups.map(({ status }) => status)];
  };

  it("failed with the first error of its children, when one of them failed", () => {
    const [trace] = traced(
      began("box"),
      box,
      child("a", 0, {}),
      child("c", 2, { status: "failed", error: "second" }),
      child("b", 1, { status: "failed", error: "first" }),
    );

    expect(trace).toMatchObject({ status: "failed", error: { value: json('"first"') } });
    expect(trace?.node.status).toBe("succeeded");
    expect(trace?.groups.map(({ status, error }) => [status, error.value])).toEqual([
      ["succeeded", null],
      ["failed", json('"first"')],
      ["failed", json('"second"')],
    ]);
  });

  it("failed when a child of a child failed", () => {
    const [trace] = traced(
      began("outer"),
      finished("outer"),
      finished("inner", inRound("outer", 0)),
      finished("a", { loop_id: "inner", loop_index: 0, status: "failed", error: "deep" }),
    );

    expect(trace).toMatchObject({ status: "failed", error: { value: json('"deep"') } });
  });

  it("as it ended, when a child ended by exception", () => {
    expect(statusOf(child("a", 0, { status: "exception", error: "e" }))).toEqual(["succeeded", ["succeeded"]]);
  });

  it("its rounds by what is still open in them", () => {
    expect(statusOf(child("a", 0, {}), began("b", inRound("box", 0)))).toEqual(["succeeded", ["running"]]);
    expect(statusOf(began("a", inRound("box", 0)), sent("node.retried", { node_execution_id: "a", at: 1 }))).toEqual([
      "succeeded",
      ["retry"],
    ]);
    expect(statusOf(child("a", 0, { status: "stopped" }), child("b", 0, {}))).toEqual(["succeeded", ["stopped"]]);
    expect(statusOf(began("a", inRound("box", 0)), child("b", 0, { status: "failed" }))).toEqual([
      "failed",
      ["failed"],
    ]);
  });

  it("failed with the error of its child, however long that is and whatever its own", () => {
    const reason = JSON.stringify("x".repeat(3000));
    const [trace] = traced(
      finished("box", { status: "failed", error: "own" }),
      child("a", 0, { status: "failed", error: json(reason) }),
    );

    expect(trace && [errorText(trace.error), ...trace.groups.map(({ error }) => errorText(error))]).toEqual([
      reason,
      reason,
    ]);
  });

  it("its own error where a failed child gives none", () => {
    const [trace] = traced(finished("box", { status: "failed", error: "own" }), child("a", 0, { status: "failed" }));

    expect(trace).toMatchObject({ status: "failed", error: { value: json('"own"') } });
  });

  it("its rounds' times from its own measurement, else from first start to last end", () => {
    const times = (...events: readonly Sent[]) => traced(...events)[0]?.groups.map(({ elapsedTime }) => elapsedTime);
    const children = [
      began("a", inRound("box", 0, { at: 1 })),
      finished("a", { at: 3 }),
      began("b", inRound("box", 0, { at: 2 })),
      finished("b", { at: 4.5 }),
      began("c", inRound("box", 1, { at: 5 })),
    ];
    const measured = finished("box", { execution_metadata: json('{"iteration_duration_map":{"1":2.25}}') });

    expect(times(began("box"), ...children)).toEqual([3.5, undefined]);
    expect(times(began("box"), measured, ...children)).toEqual([3.5, 2.25]);
  });
});

describe("the retries of a node in the trace", () => {
  const retried = (retry_index: number, at: number) =>
    sent("node.retried", { retry_index, at, error: `e${retry_index}` });
  const retriesOf = (...events: readonly Sent[]) =>
    traced(...events)[0]?.retries.map(({ number, error, finishedAt }) => [number, error, finishedAt]);

  it("are its failed attempts in order, its outcome not among them", () => {
    expect(
      retriesOf(sent("node.started"), retried(2, 2), retried(1, 1), sent("node.finished", { status: "failed", at: 3 })),
    ).toEqual([
      [1, json('"e1"'), instant(1)],
      [2, json('"e2"'), instant(2)],
    ]);
  });

  it("are there while it tries again", () => {
    expect(retriesOf(sent("node.started"), retried(1, 1))).toEqual([[1, json('"e1"'), instant(1)]]);
  });

  it("are none of a node that went well at once", () => {
    expect(retriesOf(sent("node.started"), sent("node.finished", { at: 1 }))).toEqual([]);
  });
});

describe("a part of a trace", () => {
  const trace = traced(began("box"), began("a", inRound("box", 0)), began("c", inRound("box", 1)), began("b"));
  const ids = (nodes: readonly TraceNode[]) => nodes.map(({ node }) => node.nodeExecutionId);

  it("comes in the order of reading: each node before what is below it", () => {
    const read = ids(flattened(trace).map(({ node }) => node));

    expect(read.toSorted()).toEqual(["a", "b", "box", "c"]);
    expect(read.slice(read.indexOf("box"), read.indexOf("box") + 3)).toEqual(["box", "a", "c"]);
  });

  it("keeps the containers that its nodes stand in, and nothing else", () => {
    const kept = flattened(trace)
      .map(({ node }) => node)
      .filter(({ node }) => node.nodeExecutionId === "c");

    const pruned = prunedTo(trace, new Set(kept));

    expect(pruned.map(shapeOf)).toEqual([{ box: { 1: ["c"] } }]);
    expect(prunedTo(trace, new Set())).toEqual([]);
  });
});
