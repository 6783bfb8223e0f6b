import { by, claimed, lost, run, type Sent, sent } from "../support/builders.ts";

const conflicts = (...events: readonly Sent[]) =>
  run(...events).conflicts.map(({ reason, nodeExecutionId, kept, others }) => ({
    reason,
    node: nodeExecutionId,
    kept: kept.digest,
    others: others.map(({ digest }) => digest),
  }));
const digest = ({ event }: Sent): string => event.digest;
const digests = (events: readonly Sent[]): string[] => events.map(digest).sort();

describe("conflicts", () => {
  it("are none in a run that contradicts itself nowhere", () => {
    expect(
      conflicts(
        sent("run.started", { id: "a" }),
        sent("node.started", { id: "a" }),
        sent("node.finished", { node_execution_id: "node-1", id: "b" }),
        sent("node.finished", { node_execution_id: "node-2", id: "c" }),
        sent("run.finished", { id: "a" }),
      ),
    ).toEqual([]);
  });

  it("are none where an event comes twice", () => {
    const end = sent("run.finished", { id: "a" });

    expect(conflicts(end, end)).toEqual([]);
  });

  it("list one type and id with several digests as one group, the highest-ranked kept", () => {
    const [one, two, three] = [1, 2, 3].map((at) => sent("run.paused", { id: "a", at })) as [Sent, Sent, Sent];

    expect(conflicts(two, one, three)).toEqual([
      { reason: "same_id", node: undefined, kept: digest(three), others: [digest(two), digest(one)] },
    ]);
  });

  it("list one type and id of events that decide nothing too", () => {
    const beats = [sent("run.heartbeat", { id: "a", at: 1 }), sent("run.heartbeat", { id: "a", at: 2 })];
    const logs = [sent("agent.logged", { id: "a", label: "x" }), sent("agent.logged", { id: "a", label: "y" })];

    expect(conflicts(...beats)).toHaveLength(1);
    expect(conflicts(...logs)).toMatchObject([{ reason: "same_id", node: "node-1" }]);
  });

  it("are none between types that share an id", () => {
    expect(conflicts(sent("run.paused", { id: "a" }), sent("run.resumed", { id: "a" }))).toEqual([]);
  });

  it("list several ends of a run: the one that decides, and those that lost", () => {
    const ends = [
      sent("run.finished", { at: 2 }),
      sent("run.finished", { at: 3 }),
      sent("run.finished", { at: 4 }),
    ] as const;

    expect(conflicts(ends[2], ends[0], ends[1])).toEqual([
      { reason: "several_ends", node: undefined, kept: digest(ends[0]), others: [digest(ends[1]), digest(ends[2])] },
    ]);
  });

  it("list the service's own end that the engine's has overruled", () => {
    const [closed, late] = [lost(5), sent("run.finished", { at: 9 })];

    expect(conflicts(closed, late)).toMatchObject([{ kept: digest(late), others: [digest(closed)] }]);
    expect(conflicts(closed, by("caller", late))).toMatchObject([{ kept: digest(late), others: [digest(closed)] }]);
  });

  it("list several ends of a node execution, each node on its own", () => {
    const ends = ["node-2", "node-1"].flatMap((node_execution_id) =>
      [1, 2].map((at) => sent("node.finished", { node_execution_id, at })),
    );

    expect(conflicts(...ends).map(({ reason, node }) => [reason, node])).toEqual([
      ["several_ends", "node-1"],
      ["several_ends", "node-2"],
    ]);
  });

  it("are none between an end and one of a later epoch: the claim came between", () => {
    const again = sent("run.finished", { epoch: 2, at: 9 });

    expect(conflicts(sent("run.finished", { status: "failed", at: 1 }), claimed(2, 5), again)).toEqual([]);
  });

  it("do not hold stale ends", () => {
    expect(conflicts(sent("run.finished", { at: 1 }), claimed(2, 5), sent("run.finished", { at: 6 }))).toEqual([]);
  });

  it("hold a stale event that shares an id with another: none cancels another", () => {
    const [early, late] = [sent("run.finished", { id: "a", at: 1 }), sent("run.finished", { id: "a", at: 6 })];

    expect(conflicts(early, claimed(2, 5), late)).toMatchObject([{ reason: "same_id" }]);
  });

  it("list ends that share an id once, and a further end beside them", () => {
    const twins = [sent("run.finished", { id: "a", at: 1 }), sent("run.finished", { id: "a", at: 2 })] as const;
    const further = sent("run.finished", { id: "b", at: 3 });

    expect(conflicts(...twins)).toEqual([
      { reason: "same_id", node: undefined, kept: digest(twins[0]), others: [digest(twins[1])] },
    ]);
    expect(conflicts(...twins, further)).toEqual([
      { reason: "same_id", node: undefined, kept: digest(twins[0]), others: [digest(twins[1])] },
      { reason: "several_ends", node: undefined, kept: digest(twins[0]), others: [digest(further)] },
    ]);
  });

  it("hold every end that lost, one way or the other", () => {
    const first = sent("run.finished", { id: "z", at: 1 });
    const twins = [sent("run.finished", { id: "a", at: 2 }), sent("run.finished", { id: "a", at: 3 })];

    const listed = conflicts(first, ...twins).flatMap(({ others }) => others);
    expect([...new Set(listed)].sort()).toEqual(digests(twins));
  });

  it("come in the same order whatever order events came in: the run's first, then by node, epoch and reason", () => {
    const events = [
      ...[1, 2].map((at) => sent("node.finished", { node_execution_id: "node-1", at })),
      ...[3, 4].map((at) => sent("node.finished", { node_execution_id: "node-1", epoch: 2, at })),
      ...[1, 2].map((at) => sent("node.paused", { node_execution_id: "node-1", id: "a", at })),
      ...[5, 6].map((at) => sent("node.paused", { node_execution_id: "node-1", epoch: 2, id: "b", at })),
      ...[1, 2].map((at) => sent("run.finished", { at })),
      claimed(2, 9),
    ];

    const expected = run(...events).conflicts;
    expect(run(...events.reverse()).conflicts).toEqual(expected);
    expect(expected.map(({ reason, nodeExecutionId, kept }) => [reason, nodeExecutionId, kept.epoch])).toEqual([
      ["several_ends", undefined, 1],
      ["same_id", "node-1", 1],
      ["several_ends", "node-1", 1],
      ["same_id", "node-1", 2],
      ["several_ends", "node-1", 2],
    ]);
  });
});
