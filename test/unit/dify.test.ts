import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type EventReading, readEvent } from "../../shared/contract/event.ts";
import { membersOf } from "../../shared/contract/json-text.ts";
import { type DifyReading, difyEvents } from "../../shared/dify/event.ts";
import type { DifyContext } from "../../shared/dify/mapping.ts";
import { readDifyStream } from "../../shared/dify/stream.ts";
import { identify } from "../../shared/domain/fold/identity.ts";

const T = 1735256004;
const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
const NOW = (T + 3600) * 1000;
const context: DifyContext = { appId: "app-1", runId: undefined, now: NOW };

type Json = Record<string, unknown>;

const frame = (event: string, data: Json, envelope: Json = { workflow_run_id: "run-1" }): string =>
  JSON.stringify({ event, task_id: "task-1", ...envelope, data });

const map = (frames: readonly string[], more: Partial<DifyContext> = {}): DifyReading[] =>
  difyEvents(frames, { ...context, ...more });

const eventTextOf = (reading: DifyReading | undefined): string => {
  if (reading === undefined || !("event" in reading)) throw new Error(`no event: ${JSON.stringify(reading)}`);
  return reading.event;
};

const read = (reading: DifyReading | undefined): EventReading => {
  const text = eventTextOf(reading);
  return readEvent({ text, value: JSON.parse(text) }, { now: NOW, isFromQueue: false });
};

const digestOf = (reading: DifyReading | undefined): string => {
  const result = read(reading);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return identify(result.event, eventTextOf(reading)).digest;
};

/** The event of a frame as parsed JSON, after the contract has accepted it. */
const accepted = (reading: DifyReading | undefined): Json => {
  const result = read(reading);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return JSON.parse(eventTextOf(reading)) as Json;
};

const mapped = (event: string, data: Json, envelope?: Json): Json => accepted(map([frame(event, data, envelope)])[0]);
const executionsOf = (readings: readonly DifyReading[]): unknown[] =>
  readings.map((reading) => accepted(reading)["node_execution_id"]);

describe("a Dify event stream", () => {
  const frames = (body: string) => readDifyStream(body, "event-stream");

  it("gives the data of each event in order", () => {
    expect(frames('data: {"a":1}\n\ndata: {"a":2}\n\n')).toEqual(['{"a":1}', '{"a":2}']);
  });

  it("takes off one space after the colon and no more", () => {
    expect(frames("data:x\n\ndata: x\n\ndata:  x\n\n")).toEqual(["x", "x", " x"]);
  });

  it.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
    ["CR", "\r"],
  ])("ends lines with %s", (_name, end) => {
    expect(frames(["data: 1", "", "data: 2", "data: 3", "", ""].join(end))).toEqual(["1", "2\n3"]);
  });

  it("joins the data lines of one event", () => {
    expect(frames('data: {"a":\ndata: 1}\n\n')).toEqual(['{"a":\n1}']);
  });

  it("passes over comments, ids, unknown fields and empty lines", () => {
    expect(frames(": ping\n\nid: 7\nretry: 10\nevent: x\ndata: 1\nother\n\n\n\n: end\n\n")).toEqual(["1"]);
  });

  it("shows an event that is only a name, such as Dify's ping", () => {
    expect(frames("event: ping\n\ndata: 1\n\n")).toEqual(['{"event":"ping"}', "1"]);
  });

  it("accepts a last event without the empty line after it, and a byte order mark", () => {
    expect(frames("\uFEFFdata: 1\n\ndata: 2")).toEqual(["1", "2"]);
  });

  it("reads a data line without a colon as empty data", () => {
    expect(frames("data\n\n")).toEqual([""]);
  });

  it("is empty for an empty body", () => {
    expect(frames("")).toEqual([]);
    expect(frames("\n\n: ping\n\n")).toEqual([]);
  });
});

describe("Dify events line by line", () => {
  it("gives a frame a line and passes over empty ones", () => {
    expect(readDifyStream('\uFEFF{"a":1}\r\n\n  \n{"a":2}', "ndjson")).toEqual(['{"a":1}', '{"a":2}']);
  });
});

describe("the run", () => {
  const start = { id: "run-1", workflow_id: "wf-1", sequence_number: 14, inputs: { q: "hi" }, created_at: T };

  it("starts with workflow_started", () => {
    expect(mapped("workflow_started", start)).toEqual({
      type: "run.started",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T),
      workflow_id: "wf-1",
      sequence_number: 14,
      inputs: { q: "hi" },
      task_id: "task-1",
    });
  });

  it("keeps task, conversation and message on its start only", () => {
    const envelope = { workflow_run_id: "run-1", conversation_id: "c-1", message_id: "m-1", created_at: T - 1 };

    expect(mapped("workflow_started", start, envelope)).toMatchObject({
      at: at(T),
      task_id: "task-1",
      conversation_id: "c-1",
      message_id: "m-1",
    });
    const finish = mapped("workflow_finished", { id: "run-1", status: "succeeded", created_at: T }, envelope);
    expect(finish).toEqual({
      type: "run.finished",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T),
      status: "succeeded",
      created_at: T,
    });
  });

  it("keeps the reason of a first start under a name that means nothing else", () => {
    expect(mapped("workflow_started", { ...start, reason: "initial" })).toMatchObject({
      type: "run.started",
      dify_reason: "initial",
    });
  });

  it("resumes with a workflow_started whose reason is resumption, and keeps its first inputs", () => {
    expect(mapped("workflow_started", { ...start, reason: "resumption", created_at: T + 50 })).toEqual({
      type: "run.resumed",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T + 50),
      reason: "resumption",
      dify_workflow_id: "wf-1",
      sequence_number: 14,
      dify_inputs: { q: "hi" },
    });
  });

  it("pauses its elapsed time after its start", () => {
    const reasons = [{ TYPE: "human_input_required", node_id: "n-1", form_id: "f-1" }];
    const data = {
      workflow_run_id: "run-1",
      paused_nodes: ["n-1"],
      outputs: { a: 1 },
      reasons,
      status: "paused",
      created_at: T,
      elapsed_time: 12.345678,
      total_tokens: 5,
      total_steps: 2,
    };

    expect(mapped("workflow_paused", data)).toEqual({
      type: "run.paused",
      run_id: "run-1",
      app_id: "app-1",
      at: "2024-12-26T23:33:36.345678Z",
      paused_nodes: ["n-1"],
      outputs: { a: 1 },
      reasons,
      dify_status: "paused",
      created_at: T,
      dify_elapsed_time: 12.345678,
      dify_total_tokens: 5,
      dify_total_steps: 2,
    });
  });

  it("finishes with every figure, and its creator beside the contract's field", () => {
    const data = {
      id: "run-1",
      workflow_id: "wf-1",
      status: "partial-succeeded",
      outputs: { text: "ok" },
      error: null,
      elapsed_time: 18.5,
      total_tokens: 925,
      total_steps: 6,
      created_by: { id: "u-1", user: "abc" },
      created_at: T,
      finished_at: T + 19,
      exceptions_count: 1,
      files: [],
    };

    expect(mapped("workflow_finished", data)).toEqual({
      type: "run.finished",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T + 19),
      dify_workflow_id: "wf-1",
      status: "partial-succeeded",
      outputs: { text: "ok" },
      error: null,
      elapsed_time: 18.5,
      total_tokens: 925,
      total_steps: 6,
      dify_created_by: { id: "u-1", user: "abc" },
      created_at: T,
      exceptions_count: 1,
      files: [],
    });
  });

  it("finishes its elapsed time after its start where the finish has no time", () => {
    const data = { status: "failed", error: "boom", created_at: T, elapsed_time: 2.5, finished_at: null };

    expect(mapped("workflow_finished", data)).toMatchObject({ at: "2024-12-26T23:33:26.500Z" });
  });

  it("takes fractions of a second", () => {
    expect(mapped("workflow_started", { ...start, created_at: 1735256004.25 })).toMatchObject({
      at: "2024-12-26T23:33:24.250Z",
    });
  });
});

describe("a node", () => {
  const node = {
    id: "exec-1",
    node_id: "n-1",
    node_type: "llm",
    title: "LLM",
    index: 2,
    predecessor_node_id: "n-0",
    created_at: T,
  };

  it("starts with node_started, empty ids being none", () => {
    const data = { ...node, inputs: null, extras: {}, iteration_id: "", loop_id: "loop-1", parallel_run_id: null };

    expect(mapped("node_started", data)).toEqual({
      type: "node.started",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T),
      node_execution_id: "exec-1",
      node_id: "n-1",
      node_type: "llm",
      title: "LLM",
      index: 2,
      predecessor_node_id: "n-0",
      inputs: null,
      extras: {},
      iteration_id: null,
      loop_id: "loop-1",
      parallel_run_id: null,
    });
  });

  it.each(["succeeded", "failed", "exception"])("finishes as %s", (status) => {
    const data = { ...node, status, error: "e", elapsed_time: 3, execution_metadata: null, finished_at: T + 3 };

    expect(mapped("node_finished", { ...data, outputs_truncated: false, files: [] })).toEqual({
      type: "node.finished",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T + 3),
      node_execution_id: "exec-1",
      node_id: "n-1",
      node_type: "llm",
      title: "LLM",
      index: 2,
      predecessor_node_id: "n-0",
      created_at: T,
      status,
      error: "e",
      elapsed_time: 3,
      execution_metadata: null,
      outputs_truncated: false,
      files: [],
    });
  });

  it("learns its places from the metadata of its finish, where the frame does not say them", () => {
    const execution_metadata = {
      iteration_id: "it-1",
      iteration_index: 3,
      loop_id: "other",
      loop_index: 0,
      parallel_id: "p-1",
      parallel_start_node_id: "",
      parent_parallel_id: null,
    };
    const event = mapped("node_finished", {
      ...node,
      status: "succeeded",
      iteration_id: null,
      loop_id: "loop-1",
      execution_metadata,
      finished_at: T,
    });

    expect(event).toMatchObject({ iteration_id: "it-1", iteration_index: 3, loop_id: "loop-1", loop_index: 0 });
    expect(event).toMatchObject({ parallel_id: "p-1", execution_metadata });
    expect(event).not.toHaveProperty("parallel_start_node_id");
    expect(event).not.toHaveProperty("parent_parallel_id");
  });

  it("retries, its description kept apart from that of its start", () => {
    const data = { ...node, status: "retry", retry_index: 2, error: "429", elapsed_time: 1.5, finished_at: T + 4 };

    expect(mapped("node_retry", { ...data, execution_metadata: { a: 1 }, inputs: { x: 1 } })).toEqual({
      type: "node.retried",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T + 4),
      node_execution_id: "exec-1",
      node_id: "n-1",
      dify_node_type: "llm",
      dify_title: "LLM",
      dify_index: 2,
      dify_predecessor_node_id: "n-0",
      created_at: T,
      dify_status: "retry",
      retry_index: 2,
      error: "429",
      elapsed_time: 1.5,
      execution_metadata: { a: 1 },
      inputs: { x: 1 },
    });
  });

  it("loses nothing to a name that Dify gives another meaning", () => {
    const event = mapped("node_started", { ...node, node_execution_id: "second", type: 1, dify_type: 2, epoch: 9 });

    expect(event).toMatchObject({ type: "node.started", node_execution_id: "exec-1" });
    expect(event).toMatchObject({ dify_node_execution_id: "second", dify_type: 1, dify_dify_type: 2, dify_epoch: 9 });
  });

  it("is refused by the contract, with its reason, where an id cannot be one", () => {
    const result = read(map([frame("node_started", { ...node, id: "a b" })])[0]);

    expect(result).toMatchObject({ ok: false, errors: [{ path: "node_execution_id" }] });
  });
});

describe("an iteration or a loop", () => {
  const container = { id: "it-1", node_id: "it-1", node_type: "iteration", title: "Each", extras: {} };
  const started = (kind: string, seconds: number) =>
    frame(`${kind}_started`, { ...container, created_at: seconds, metadata: { iterator_length: 2 }, inputs: {} });
  const next = (kind: string, seconds: number, index: number) =>
    frame(`${kind}_next`, { ...container, created_at: seconds, index });
  const completed = (kind: string, times: Json) =>
    frame(`${kind}_completed`, { ...container, status: "succeeded", error: null, total_tokens: 9, steps: 2, ...times });

  it("is one node execution from its start to its end, though each frame has its own time", () => {
    const readings = map([
      started("iteration", T),
      next("iteration", T, 0),
      next("iteration", T + 4, 1),
      completed("iteration", { created_at: T + 9, finished_at: T + 9, elapsed_time: 9.2 }),
    ]);

    expect(executionsOf(readings)).toEqual(Array(4).fill(`it-1:${T}`));
    expect(readings.map((reading) => "isGuess" in reading && reading.isGuess)).toEqual([false, false, false, false]);
    expect(accepted(readings[0])).toMatchObject({ type: "node.started", at: at(T), metadata: { iterator_length: 2 } });
    expect(accepted(readings[2])).toEqual({
      type: "node.checkpointed",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T + 4),
      node_execution_id: `it-1:${T}`,
      dify_node_id: "it-1",
      dify_node_type: "iteration",
      dify_title: "Each",
      extras: {},
      sequence: 1,
    });
    expect(accepted(readings[3])).toMatchObject({
      type: "node.finished",
      at: at(T + 9),
      node_id: "it-1",
      node_type: "iteration",
      created_at: T + 9,
      total_tokens: 9,
      steps: 2,
    });
  });

  it("is one node execution where each frame repeats the start", () => {
    const readings = map([
      started("loop", T),
      started("loop", T + 5),
      next("loop", T, 1),
      next("loop", T + 5, 0),
      completed("loop", { created_at: T, finished_at: T + 9, elapsed_time: 9 }),
      completed("loop", { created_at: T + 5, finished_at: T + 6, elapsed_time: 1 }),
    ]);

    expect(executionsOf(readings)).toEqual([T, T + 5, T, T + 5, T, T + 5].map((seconds) => `it-1:${seconds}`));
  });

  it("keeps executions one after the other apart, by what its end took", () => {
    const readings = map([
      started("loop", T),
      next("loop", T + 2, 0),
      completed("loop", { created_at: T + 5, finished_at: T + 5, elapsed_time: 5.1 }),
      started("loop", T + 5),
      next("loop", T + 6, 0),
      completed("loop", { created_at: T + 7, finished_at: T + 7, elapsed_time: 1.9 }),
    ]);

    expect(executionsOf(readings)).toEqual([T, T, T, T + 5, T + 5, T + 5].map((seconds) => `it-1:${seconds}`));
  });

  it("finds its start in the ledger where the stream is cut", () => {
    const known = [
      { runId: "run-1", nodeId: "it-1", nodeExecutionId: `it-1:${T + 20}`, startedAt: T + 20 },
      { runId: "run-1", nodeId: "it-1", nodeExecutionId: `it-1:${T}`, startedAt: T },
      { runId: "run-2", nodeId: "it-1", nodeExecutionId: `it-1:${T + 1}`, startedAt: T + 1 },
    ];
    const piece = [
      next("loop", T + 3, 0),
      completed("loop", { created_at: T + 9, finished_at: T + 9, elapsed_time: 8.6 }),
    ];

    expect(executionsOf(map(piece, { known }))).toEqual([`it-1:${T}`, `it-1:${T}`]);
    expect(executionsOf(map([next("loop", T + 21, 0)], { known }))).toEqual([`it-1:${T + 20}`]);
  });

  it("guesses, and says so, where nothing tells its start", () => {
    const readings = map([
      next("loop", T + 3, 0),
      completed("loop", { created_at: T + 9, finished_at: T + 9, elapsed_time: 8.8 }),
    ]);

    expect(readings).toMatchObject([{ isGuess: true }, { isGuess: true }]);
    expect(executionsOf(readings)).toEqual([`it-1:${T + 3}`, `it-1:${T}`]);
  });

  it("is not its own child, and may be the child of another", () => {
    const execution_metadata = { loop_id: "it-1", loop_index: 4, iteration_id: "outer", iteration_index: 1 };
    const event = accepted(map([completed("loop", { created_at: T, finished_at: T, execution_metadata })])[0]);

    expect(event).toMatchObject({ iteration_id: "outer", iteration_index: 1 });
    expect(event).not.toHaveProperty("loop_id");
    expect(event).not.toHaveProperty("loop_index");
  });

  it.each([
    ["iteration_started", "iteration"],
    ["loop_completed", "loop"],
  ])("has the type of its frame where %s names none", (kind, type) => {
    expect(mapped(kind, { node_id: "c", created_at: T, finished_at: T, status: "failed" })).toMatchObject({
      node_type: type,
    });
  });

  it("is refused without a node id", () => {
    expect(map([frame("loop_next", { created_at: T, index: 0 })])).toEqual([
      { refused: [{ path: "data.node_id", message: "expected an id (a string)" }], runId: "run-1" },
    ]);
  });
});

describe("an agent's log", () => {
  const log = (id: string, status: string, parent_id: string | null = null) =>
    JSON.stringify({
      event: "agent_log",
      task_id: "task-1",
      data: {
        node_execution_id: "exec-1",
        id,
        label: "ROUND 1",
        parent_id,
        error: null,
        status,
        data: { tool: "x" },
        metadata: { elapsed_time: 1.0 },
        node_id: "n-1",
      },
    });
  const node = frame("node_started", { id: "exec-1", node_id: "n-1", created_at: T });

  it("belongs to the run around it and takes the time of its node, its end after its beginning", () => {
    const [, begun, ended] = map([node, log("l-1", "start"), log("l-1", "success", "l-0")]);

    expect(accepted(begun)).toEqual({
      type: "agent.logged",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T),
      node_execution_id: "exec-1",
      log_id: "l-1",
      label: "ROUND 1",
      parent_log_id: null,
      error: null,
      status: "start",
      data: { tool: "x" },
      metadata: { elapsed_time: 1 },
      node_id: "n-1",
    });
    expect(accepted(ended)).toMatchObject({ at: "2024-12-26T23:33:24.001Z", parent_log_id: "l-0", status: "success" });
  });

  it("belongs to the run of the request, else to the next that is named", () => {
    expect(accepted(map([log("l-1", "start")], { runId: "run-9" })[0])).toMatchObject({ run_id: "run-9" });
    expect(accepted(map([log("l-1", "start"), node])[0])).toMatchObject({ run_id: "run-1" });
  });

  it("is the same event in a cut stream as in a whole one, once the ledger's nodes are known", () => {
    const known = [{ runId: "run-1", nodeId: "n-1", nodeExecutionId: "exec-1", startedAt: T }];
    const [, whole] = map([node, log("l-1", "success")]);
    const [piece] = map([log("l-1", "success")], { runId: "run-1", known });

    expect(digestOf(piece)).toBe(digestOf(whole));
  });

  it("takes the clock where nothing tells a time, and says that it is a guess", () => {
    const [reading] = map([log("l-1", "start")], { runId: "run-1" });

    expect(reading).toMatchObject({ isGuess: true });
    expect(accepted(reading)).toMatchObject({ at: at(NOW / 1000) });
  });
});

describe("a human's answer", () => {
  const node = frame("node_started", { id: "exec-1", node_id: "n-1", node_type: "human-input", created_at: T });
  const form = { form_id: "f-1", node_id: "n-1", node_title: "Approve", inputs: [{ name: "c" }], actions: [] };
  const answer = { node_id: "n-1", node_title: "Approve", action_id: "yes", submitted_data: { c: "fine" } };

  it("pauses its node while it is awaited", () => {
    const [, reading] = map([node, frame("human_input_required", { ...form, expiration_time: T + 900 })]);

    expect(accepted(reading)).toEqual({
      type: "node.paused",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T),
      node_execution_id: "exec-1",
      form_id: "f-1",
      dify_node_id: "n-1",
      node_title: "Approve",
      dify_inputs: [{ name: "c" }],
      actions: [],
      expiration_time: T + 900,
      reason: "human_input_required",
    });
  });

  it("is progress of its node at the time of the resumption", () => {
    const resumed = frame("workflow_started", { reason: "resumption", created_at: T + 60 });
    const readings = map([
      node,
      frame("human_input_required", form),
      resumed,
      frame("human_input_form_filled", answer),
    ]);

    expect(accepted(readings[3])).toEqual({
      type: "node.checkpointed",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T + 60),
      node_execution_id: "exec-1",
      dify_node_id: "n-1",
      node_title: "Approve",
      action_id: "yes",
      submitted_data: { c: "fine" },
      dify_event: "human_input_form_filled",
    });
  });

  it("times out at the form's end", () => {
    const [, reading] = map([node, frame("human_input_form_timeout", { node_id: "n-1", expiration_time: T + 900 })]);

    expect(accepted(reading)).toMatchObject({
      type: "node.checkpointed",
      at: at(T + 900),
      expiration_time: T + 900,
      dify_event: "human_input_form_timeout",
    });
  });

  it("goes to the node's latest execution of the ledger where the stream is cut, else by the node's id", () => {
    const known = [{ runId: "run-1", nodeId: "n-1", nodeExecutionId: "exec-7", startedAt: T }];

    expect(accepted(map([frame("human_input_required", form)], { known })[0])).toMatchObject({
      node_execution_id: "exec-7",
    });
    const [guess] = map([frame("human_input_required", form)]);
    expect(guess).toMatchObject({ isGuess: true });
    expect(accepted(guess)).toMatchObject({ node_execution_id: "n-1" });
  });
});

describe("a parallel branch of an old engine", () => {
  it.each(["parallel_branch_started", "parallel_branch_finished"])("keeps %s whole, as an edge into it", (kind) => {
    const data = { parallel_id: "p-1", parallel_branch_id: "n-5", status: "failed", error: "e", created_at: T };

    expect(mapped(kind, data)).toEqual({
      type: "edge.taken",
      run_id: "run-1",
      app_id: "app-1",
      at: at(T),
      parallel_id: "p-1",
      target_node_id: "n-5",
      status: "failed",
      error: "e",
      dify_event: kind,
    });
  });
});

describe("a frame", () => {
  it.each(["text_chunk", "message", "message_end", "ping", "error", "tts_message", "something_new"])(
    "of kind %s is ignored and named",
    (kind) => {
      expect(map([frame(kind, { text: "hi" }), JSON.stringify({ event: kind })])).toEqual([
        { ignored: kind },
        { ignored: kind },
      ]);
    },
  );

  it("that is no event is refused in its place, and the others go on", () => {
    const readings = map(["{oops", "[1]", '{"data":{}}', frame("workflow_started", { created_at: T })]);

    expect(readings).toMatchObject([
      { refused: [{ path: "", message: expect.stringContaining("expected JSON") }] },
      { refused: [{ path: "" }] },
      { refused: [{ path: "event" }] },
      { runId: "run-1" },
    ]);
    expect(accepted(readings[3])).toMatchObject({ type: "run.started" });
  });

  it("without data or a time is refused", () => {
    const readings = map([
      '{"event":"node_started","workflow_run_id":"run-1"}',
      frame("node_started", { id: "e" }),
      frame("node_started", { id: "e", created_at: "yesterday" }),
      frame("node_started", { id: "e", created_at: T * 1000 }),
      frame("node_finished", { id: "e", created_at: T, finished_at: "now" }),
      frame("node_finished", { id: "e" }),
      frame("workflow_paused", { created_at: -1 }),
    ]);

    expect(readings.map((reading) => "refused" in reading && reading.refused.map((error) => error.path))).toEqual([
      ["data"],
      ["data.created_at"],
      ["data.created_at"],
      ["data.created_at"],
      ["data.finished_at"],
      ["data.created_at"],
      ["data.created_at"],
    ]);
  });

  it("that names a member twice is refused", () => {
    const text = `{"event":"workflow_started","workflow_run_id":"r","data":{"created_at":${T},"a":1,"a":2}}`;

    expect(map([text])).toEqual([{ refused: [{ path: "data.a", message: "expected once, came twice" }], runId: "r" }]);
  });

  it("belongs to the run it names, else to that of the request; to neither, or to two, is refused", () => {
    const data = { created_at: T };
    const without = frame("workflow_started", data, {});

    expect(accepted(map([without], { runId: "run-2" })[0])).toMatchObject({ run_id: "run-2" });
    expect(map([without])).toMatchObject([{ refused: [{ path: "workflow_run_id" }] }]);
    expect(map([frame("workflow_started", data, { workflow_run_id: "" })])).toMatchObject([
      { refused: [{ path: "workflow_run_id" }] },
    ]);
    expect(map([frame("workflow_started", data)], { runId: "run-2" })).toMatchObject([
      { refused: [{ path: "workflow_run_id" }] },
    ]);
  });

  it("sent twice is the same event", () => {
    const text = frame("node_started", { id: "e", node_id: "n", created_at: T });
    const [first, second] = map([text, text]);

    expect(digestOf(first)).toBe(digestOf(second));
  });

  it("needs no app but for the start of a run", () => {
    const readings = map(
      [frame("node_started", { id: "e", created_at: T }), frame("workflow_started", { created_at: T })],
      {
        appId: undefined,
      },
    );

    expect(accepted(readings[0])).not.toHaveProperty("app_id");
    expect(read(readings[1])).toMatchObject({ ok: false, errors: [{ path: "app_id" }] });
  });

  it("keeps its values as the text that came", () => {
    const values = {
      inputs: '{ "b": 1.0, "a": 12345678901234567890, "10": 1e400, "2": "\\ud800" }',
      outputs: '{"usage":{"total_price": "0E-7","latency":3.810139387031086}}',
      process_data: "null",
      execution_metadata: '{"total_price": "0E-7", "total_tokens":1}',
      files: '[ 1.50 , {"é":"\\u00e9"}]',
    };
    const members = Object.entries(values).map(([name, text]) => `"${name}": ${text}`);
    const text = `{"event": "node_finished", "workflow_run_id": "r", "data": {"id": "e", "status": "succeeded", "finished_at": ${T}, ${members.join(" , ")}}}`;
    const [reading] = map([text]);

    expect(read(reading)).toMatchObject({ ok: true });
    expect(Object.fromEntries(membersOf(eventTextOf(reading)).members)).toMatchObject(values);
  });
});

describe("the real stream of a recipe app", () => {
  const path = join(__dirname, "../../../shared/data/dify-recipe-run.sse");
  const itWithStream = existsSync(path) ? it : it.skip;

  itWithStream("is accepted whole (needs ../shared/data/dify-recipe-run.sse)", () => {
    const readings = map(readDifyStream(readFileSync(path, "utf8"), "event-stream"), { appId: "recipes" });
    const events = readings.filter((reading) => "event" in reading);

    expect(readings).toHaveLength(74);
    expect(events.map(accepted).map((event) => event["type"])).toEqual([
      "run.started",
      ...Array(6).fill(["node.started", "node.finished"]).flat(),
      "run.finished",
    ]);
    expect(readings.filter((reading) => "ignored" in reading && reading.ignored === "text_chunk")).toHaveLength(60);
    expect(events.map(eventTextOf).join()).toContain('"total_price": "0E-7"');
  });
});
