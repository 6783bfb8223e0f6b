import fc from "fast-check";
import type { NodeState } from "../../shared/domain/fold/node-fold.ts";
import { anySent, claimed, instant, lost, node, run, type Sent, sent, shown } from "../support/builders.ts";
import { json } from "../support/event-text.ts";

const INTERRUPTED = expect.objectContaining({ text: expect.stringContaining('"code":"INTERRUPTED"') });
const started = sent("node.started");

describe("a node execution reads", () => {
  it.each([
    ["node.started", "running"],
    ["node.checkpointed", "running"],
    ["node.retried", "retry"],
    ["node.paused", "paused"],
  ] as const)("after %s alone: %s", (type, status) => {
    expect(node(sent(type)).status).toBe(status);
  });

  it.each(["succeeded", "failed", "exception", "stopped"])("how its end says: %s", (status) => {
    expect(node(started, sent("node.finished", { status, at: 1 }))).toMatchObject({ status, finishedAt: instant(1) });
  });

  it("what the higher epoch says, whatever its time", () => {
    const again = sent("node.started", { epoch: 2, at: 1 });

    expect(node(sent("node.finished", { at: 3 }), claimed(2, 5), again)).toMatchObject({ status: "running", epoch: 2 });
  });

  it("as it ended before a claim, until the new holder runs it again", () => {
    expect(node(started, sent("node.finished", { at: 3 }), claimed(2, 5)).status).toBe("succeeded");
  });

  it("as it ended, whatever comes after", () => {
    expect(node(sent("node.finished", { at: 1 }), sent("node.started", { at: 9 })).status).toBe("succeeded");
  });

  it("the earlier of two ends", () => {
    expect(node(sent("node.finished", { at: 4, status: "failed" }), sent("node.finished", { at: 3 })).status).toBe(
      "succeeded",
    );
  });

  it("running again, where another attempt has begun after one that failed", () => {
    expect(node(started, sent("node.retried", { at: 1 }), sent("node.started", { at: 2 })).status).toBe("running");
  });

  it.each([
    ["node.checkpointed", "node.started", "running"],
    ["node.retried", "node.checkpointed", "retry"],
    ["node.paused", "node.retried", "paused"],
  ] as const)("at one moment the later phase: %s rather than %s", (winner, loser, status) => {
    expect(node(sent(winner), sent(loser))).toMatchObject({ status, ranked: [{ type: winner }, { type: loser }] });
  });

  it("nothing of a worker that was given up: what it did after the claim is stale", () => {
    const late = sent("node.finished", { at: 6, outputs: "late", title: "late" });
    const state = node(started, claimed(2, 5), late);

    expect(state).toMatchObject({ status: "stopped", finishedAt: undefined });
    expect([shown(state, "outputs"), shown(state, "title")]).toEqual([undefined, undefined]);
  });

  it("not at all, where all of its events are stale", () => {
    expect(run(claimed(2, 5), sent("node.started", { at: 6 })).nodes).toEqual([]);
  });
});

describe("a node that has not finished", () => {
  const ended = (status: string) => sent("run.finished", { status, at: 9, error: json('{"code":"E1"}') });

  it.each(["stopped", "succeeded", "partial-succeeded"])("reads stopped, INTERRUPTED, when its run %s", (status) => {
    expect(node(started, ended(status))).toMatchObject({
      status: "stopped",
      error: INTERRUPTED,
      finishedAt: undefined,
    });
    expect(node(sent("node.retried", { error: "try" }), ended(status))).toMatchObject({
      status: "stopped",
      error: INTERRUPTED,
    });
  });

  it("reads failed with the run's reason when the run failed", () => {
    expect(node(started, ended("failed"))).toMatchObject({ status: "failed", error: json('{"code":"E1"}') });
    expect(node(sent("node.retried", { error: "try" }), ended("failed")).error).toEqual(json('{"code":"E1"}'));
  });

  it("reads failed with RUN_LOST when the run was lost, and as before when the engine comes back", () => {
    expect(node(started, lost(9))).toMatchObject({ status: "failed", error: json('{"code":"RUN_LOST"}') });
    expect(node(started, lost(9), sent("node.finished", { at: 3 })).status).toBe("succeeded");
    expect(node(started, lost(9), sent("run.finished", { at: 99 }))).toMatchObject({ status: "stopped" });
  });

  it("reads failed with a reason too long to be a small field", () => {
    const reason = JSON.stringify("x".repeat(3000));
    const state = node(started, sent("run.finished", { status: "failed", error: json(reason), at: 9 }));

    expect(state.status).toBe("failed");
    expect(shown(state, "error")).toBe(reason);
  });

  it("reads failed without a reason where the run gave none", () => {
    expect(node(started, sent("run.finished", { status: "failed", at: 9 }))).toMatchObject({
      status: "failed",
      error: null,
    });
  });

  it("reads stopped, INTERRUPTED, when a later epoch has begun", () => {
    expect(node(started, claimed(2, 5))).toMatchObject({ status: "stopped", error: INTERRUPTED });
    expect(node(sent("node.retried"), claimed(2, 5))).toMatchObject({ status: "stopped", error: INTERRUPTED });
  });

  it("stays paused when a later epoch has begun: what it waits for can still come", () => {
    expect(node(started, sent("node.paused", { at: 1 }), claimed(2, 5))).toMatchObject({
      status: "paused",
      error: null,
    });
  });

  it("reads stopped in a paused state too, when its run has ended without it", () => {
    expect(node(sent("node.paused"), ended("succeeded"))).toMatchObject({ status: "stopped", error: INTERRUPTED });
    expect(node(sent("node.paused"), ended("failed"))).toMatchObject({ status: "failed" });
  });

  it("of an earlier epoch was interrupted, also when the run failed afterwards", () => {
    const failed = sent("run.finished", { epoch: 2, status: "failed", error: "boom", at: 9 });

    expect(node(started, claimed(2, 5), failed)).toMatchObject({ status: "stopped", error: INTERRUPTED });
  });

  it("of the epoch that holds the run is at work", () => {
    expect(node(claimed(2, 5), sent("node.started", { epoch: 2, at: 6 })).status).toBe("running");
  });

  it("is left alone while its run is open, and when it has finished", () => {
    expect(node(started, sent("run.paused", { at: 1 })).status).toBe("running");
    expect(node(sent("node.finished"), ended("failed"))).toMatchObject({ status: "succeeded", error: null });
  });
});

describe("a node execution shows", () => {
  it("outputs, error and time of the end that decides, and nothing of one that lost", () => {
    const end = sent("node.finished", { at: 3, outputs: 1, error: "e", elapsed_time: 2 });
    const other = sent("node.finished", { at: 4, status: "failed", outputs: 2, title: "B", process_data: 2 });
    const state = node(started, end, other);

    expect(state).toMatchObject({ status: "succeeded", error: json('"e"'), elapsedTime: 2, startedAt: instant(0) });
    expect(["outputs", "title", "process_data"].map((name) => shown(state, name))).toEqual(["1", undefined, undefined]);
  });

  it("nothing of an end that a later epoch has overruled", () => {
    const old = sent("node.finished", { at: 3, outputs: 1, title: "old", process_data: 1 });
    const state = node(old, claimed(2, 5), sent("node.started", { epoch: 2, at: 6 }));

    expect(["outputs", "title", "process_data"].map((name) => shown(state, name))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(state).toMatchObject({ finishedAt: undefined, elapsedTime: undefined });
  });

  it("the error of its last failed attempt while it tries again, and no outputs of it", () => {
    const tries = [1, 2].map((index) =>
      sent("node.retried", { retry_index: index, at: index, error: `e${index}`, outputs: index }),
    );
    const state = node(started, ...tries);

    expect(state).toMatchObject({ status: "retry", error: json('"e2"') });
    expect(shown(state, "outputs")).toBeUndefined();
  });

  it("no error once another attempt has begun", () => {
    expect(node(sent("node.retried", { error: "e" }), sent("node.started", { at: 1 })).error).toBeNull();
    expect(node(sent("node.retried", { error: "e" }), sent("node.finished", { at: 1 })).error).toBeNull();
  });

  it("a long error of an attempt that failed", () => {
    const reason = JSON.stringify("x".repeat(3000));

    expect(shown(node(sent("node.retried", { error: json(reason) })), "error")).toBe(reason);
  });

  it("every other field of the highest-ranked event that has it and not null", () => {
    const state = node(
      sent("node.started", { title: "A", node_type: "llm", index: 1, inputs: json("1.0") }),
      sent("node.finished", { title: "B", node_type: null, inputs: null, at: 1 }),
    );

    expect(["title", "node_type", "index", "inputs"].map((name) => shown(state, name))).toEqual([
      '"B"',
      '"llm"',
      "1",
      "1.0",
    ]);
  });

  it("unknown fields, also where a run's events know a field of that name", () => {
    const names = ["note", "tags", "workflow_version", "label", "total_tokens"];
    const state = node(sent("node.finished", Object.fromEntries(names.map((name) => [name, 1]))));

    expect(names.filter((name) => shown(state, name) === undefined)).toEqual([]);
  });

  it("a field that its type knows before one of that name that nobody has checked, and that one where it is all there is", () => {
    const unknown = sent("node.checkpointed", { at: 1, title: [] });

    expect(shown(node(sent("node.started", { title: "A" }), unknown), "title")).toBe('"A"');
    expect(shown(node(started, unknown), "title")).toBe("[]");
  });

  it("`execution_metadata` key by key, null passed over, long values among them", () => {
    const long = JSON.stringify("x".repeat(3000));
    const state = node(
      sent("node.started", { execution_metadata: json(`{"a":1.0,"b":1,"c":${long},"d":${long}}`) }),
      sent("node.finished", { at: 1, execution_metadata: json('{"b":2,"a":null,"d":4}') }),
    );

    expect(["a", "b", "c", "d"].map((key) => shown(state, "execution_metadata", key))).toEqual(["1.0", "2", long, "4"]);
  });

  it("no `execution_metadata` of an end that lost", () => {
    const [kept, other] = [1, 2].map((at) => sent("node.finished", { at, execution_metadata: { [`k${at}`]: at } }));
    const state = node(other as Sent, kept as Sent);

    expect(shown(state, "execution_metadata", "k1")).toBe("1");
    expect(shown(state, "execution_metadata", "k2")).toBeUndefined();
  });

  it("its earliest start, and measures its time where its end does not say", () => {
    const state = node(
      sent("node.started", { at: 2 }),
      sent("node.started", { at: 1 }),
      sent("node.finished", { at: 4 }),
    );

    expect(state).toMatchObject({ startedAt: instant(1), finishedAt: instant(4), elapsedTime: 3 });
  });
});

describe("`process_data` is that of", () => {
  const checkpoint = (sequence: number, at: number, more = {}) =>
    sent("node.checkpointed", { sequence, at, process_data: sequence, ...more });
  const retry = (retry_index: number, at: number, more = {}) =>
    sent("node.retried", { retry_index, at, process_data: `retry ${retry_index}`, ...more });
  const dataOf = (...events: readonly Sent[]) => shown(node(...events), "process_data");

  it("the finish", () => {
    expect(dataOf(checkpoint(7, 1), retry(1, 2), sent("node.finished", { at: 3, process_data: "end" }))).toBe('"end"');
  });

  it("else the checkpoint of the highest sequence, whenever it happened", () => {
    expect(dataOf(checkpoint(9, 1), checkpoint(8, 2), retry(1, 3), sent("node.finished", { at: 3 }))).toBe("9");
    expect(dataOf(checkpoint(9, 1), sent("node.finished", { at: 3, process_data: null }))).toBe("9");
  });

  it("else the checkpoint of the highest epoch before the highest sequence", () => {
    expect(dataOf(checkpoint(9, 1), claimed(2, 5), checkpoint(1, 6, { epoch: 2 }))).toBe("1");
  });

  it("else the retry of the highest number, whenever it happened", () => {
    expect(dataOf(retry(2, 1), retry(1, 2))).toBe('"retry 2"');
    expect(dataOf(retry(2, 1), retry(1, 2), sent("node.checkpointed", { at: 3 }))).toBe('"retry 2"');
  });

  it("a checkpoint without a sequence only where no other is", () => {
    const plain = sent("node.checkpointed", { at: 9, process_data: "plain" });

    expect(dataOf(plain, checkpoint(0, 1))).toBe("0");
    expect(dataOf(plain)).toBe('"plain"');
  });

  it("no finish that lost", () => {
    const ends = [sent("node.finished", { at: 3 }), sent("node.finished", { at: 4, process_data: "late" })];

    expect(dataOf(...ends, checkpoint(1, 1))).toBe("1");
  });
});

describe("the nodes of a run", () => {
  const idsOf = (...events: readonly Sent[]) => run(...events).nodes.map((state: NodeState) => state.nodeExecutionId);
  const begin = (id: string, more = {}) => sent("node.started", { node_execution_id: id, ...more });

  it("stand in the order of index, then start, then id", () => {
    expect(
      idsOf(
        begin("c", { index: 2, at: 1 }),
        begin("d", { index: 1, at: 2 }),
        begin("b", { index: 2, at: 1 }),
        begin("a", { index: 2, at: 2 }),
      ),
    ).toEqual(["d", "b", "c", "a"]);
  });

  it("without any index stand in the order of start, then id, and those without a start come last", () => {
    const end = sent("node.finished", { node_execution_id: "a", at: 9 });

    expect(idsOf(end, begin("c", { at: 2 }), begin("b", { at: 2 }), begin("d", { at: 1 }))).toEqual([
      "d",
      "b",
      "c",
      "a",
    ]);
  });

  it("without an index among such with one stand behind those that began before them", () => {
    expect(idsOf(begin("n1", { index: 1, at: 0 }), begin("n2", { index: 2, at: 5 }), begin("box", { at: 3 }))).toEqual([
      "n1",
      "box",
      "n2",
    ]);
  });

  it("are known by their own id, whatever their node id", () => {
    expect(idsOf(begin("a", { node_id: "x" }), begin("b", { node_id: "x" }))).toEqual(["a", "b"]);
  });
});

describe("the fold of a node execution", () => {
  it("absorbs: once it has ended, nothing of the same epoch that is no end changes how", () => {
    const later = fc
      .array(anySent, { maxLength: 8 })
      .map((events) => events.filter(({ event }) => event.epoch === 1 && event.type !== "node.finished"));
    fc.assert(
      fc.property(fc.constantFrom("succeeded", "failed", "exception", "stopped"), later, (status, events) => {
        const ended = sent("node.finished", {
          status,
          at: 3,
          elapsed_time: 2,
          outputs: 1,
          error: "e",
          process_data: 1,
        });

        const state = run(ended, ...events).nodes.find(({ nodeExecutionId }) => nodeExecutionId === "node-1");
        expect(state).toMatchObject({ status, finishedAt: instant(3), elapsedTime: 2, error: json('"e"') });
        expect(state && ["outputs", "process_data"].map((name) => shown(state, name))).toEqual(["1", "1"]);
      }),
    );
  });
});
