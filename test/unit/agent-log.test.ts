import { claimed, instant, run, type Sent, sent, shown } from "../support/builders.ts";
import { json } from "../support/event-text.ts";

const logs = (...events: readonly Sent[]) => run(...events).agentLogs;

describe("an agent's log", () => {
  it("has a line for each log id of a node execution", () => {
    const found = logs(
      sent("agent.logged", { log_id: "a", at: 1 }),
      sent("agent.logged", { log_id: "b", at: 2 }),
      sent("agent.logged", { log_id: "a", at: 3, node_execution_id: "node-2" }),
    );

    expect(found.map(({ logId, nodeExecutionId, at }) => [logId, nodeExecutionId, at])).toEqual([
      ["a", "node-1", instant(1)],
      ["b", "node-1", instant(2)],
      ["a", "node-2", instant(3)],
    ]);
  });

  it("merges events of one log id: the latest first, null passed over, since when it was first written", () => {
    const [line, ...others] = logs(
      sent("agent.logged", { at: 3, status: "success", data: 3, label: null }),
      sent("agent.logged", {
        at: 1,
        status: "start",
        label: "Thought",
        data: json("1.0"),
        metadata: json('{"n": 1}'),
        note: 1,
      }),
      sent("agent.logged", { at: 2, data: null, parent_log_id: "p" }),
    );

    expect(others).toEqual([]);
    expect(line?.at).toBe(instant(1));
    const names = ["status", "data", "label", "metadata", "parent_log_id", "note"];
    expect(line && names.map((name) => shown(line, name))).toEqual([
      '"success"',
      "3",
      '"Thought"',
      '{"n": 1}',
      '"p"',
      "1",
    ]);
  });

  it("shows a long value of the latest event rather than a short one before it", () => {
    const long = JSON.stringify("x".repeat(3000));
    const [line] = logs(sent("agent.logged", { label: "short" }), sent("agent.logged", { label: json(long), at: 1 }));

    expect(line && shown(line, "label")).toBe(long);
  });

  it("is in the order its lines were first written, then by node and log id", () => {
    const found = logs(
      ...[
        ["node-2", "a", 1],
        ["node-1", "c", 1],
        ["node-1", "b", 1],
        ["node-1", "d", 0],
      ].map(([node_execution_id, log_id, at]) => sent("agent.logged", { node_execution_id, log_id, at })),
    );

    expect(found.map(({ logId }) => logId)).toEqual(["d", "b", "c", "a"]);
  });

  it("holds nothing of a worker that was given up", () => {
    expect(logs(claimed(2, 5), sent("agent.logged", { at: 6 }))).toEqual([]);
  });

  it("makes no node execution of its own", () => {
    expect(run(sent("agent.logged")).nodes).toEqual([]);
  });
});
