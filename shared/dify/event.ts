import type { InputError } from "../contract/event.ts";
import { type JsonOutput, JsonText, writeJson } from "../contract/json-text.ts";
import { executionOf } from "./execution.ts";
import { type DifyFrame, readFrame, textOf } from "./frame.ts";
import { DIFY_KINDS, type DifyKind, RESUMPTION } from "./kinds.ts";
import type { DifyContext, Mapping } from "./mapping.ts";
import { streamMemory } from "./memory.ts";
import { addMembers } from "./naming.ts";
import { timeOf } from "./time.ts";
import { instantText, isUnixTime } from "./unix-time.ts";

/** What a frame comes to. `event` is the JSON text of a contract event, to be read like any other. */
export type DifyReading =
  | {
      readonly event: string;
      readonly runId: string;
      /**
       * The frame leans on an earlier one that is neither in this request nor known, and its time or node execution is
       * guessed. To be mapped again with the nodes of this run as `known`.
       */
      readonly isGuess: boolean;
    }
  | { readonly ignored: string }
  | { readonly refused: readonly InputError[]; readonly runId: string | undefined };

/** The names in `data` that the event says otherwise, word for word: its time, and its run or node named once more. */
const saidOf = ({ frame, kind, runId }: Mapping): Set<string> => {
  const { values } = frame;
  const said = new Set<string>();
  if (kind.time === "start") said.add("created_at");
  if (kind.time === "end" && isUnixTime(values["finished_at"])) said.add("finished_at");
  if (kind.subject === "none" && values["id"] === runId) said.add("id");
  if (values["workflow_run_id"] === runId) said.add("workflow_run_id");
  if (kind.subject === "own") said.add("id");
  if (kind.subject === "container" && values["id"] === values["node_id"]) said.add("id");
  if (kind.subject === "log") said.add("node_execution_id");
  return said;
};

/** Takes note of what later frames rely on. */
const remember = (mapping: Mapping, nodeExecutionId: string | undefined, time: number): void => {
  const { frame, kind, runId, memory } = mapping;
  const nodeId = textOf(frame.values["node_id"]);
  const startedAt = frame.values["created_at"];
  if (kind.time !== "anchor" && kind.time !== "resumption") memory.rememberTime(runId, time);
  if (kind.type === "run.resumed") memory.rememberResumption(runId, time);
  const tellsStart = kind.subject === "own" || (kind.subject === "container" && kind.type === "node.started");
  if (tellsStart && nodeId !== undefined && nodeExecutionId !== undefined && isUnixTime(startedAt)) {
    memory.remember({ runId, nodeId, nodeExecutionId, startedAt });
  }
};

const mapFrame = (mapping: Mapping): DifyReading => {
  const { frame, kind, runId, context } = mapping;
  const refuse = (errors: readonly InputError[]): DifyReading => ({ refused: errors, runId });
  if (frame.errors.length > 0) return refuse(frame.errors);
  if (frame.data === undefined) return refuse([{ path: "data", message: "expected an object" }]);
  const needsNode = kind.subject === "container" || kind.subject === "latest";
  if (needsNode && textOf(frame.values["node_id"]) === undefined) {
    return refuse([{ path: "data.node_id", message: "expected an id (a string)" }]);
  }

  const execution = executionOf(mapping);
  const time = timeOf(mapping, execution.value);
  if ("path" in time) return refuse([time]);
  remember(mapping, execution.value, time.value);

  const members = new Map<string, JsonOutput>([
    ["type", kind.type],
    ["run_id", runId],
  ]);
  if (context.appId !== undefined) members.set("app_id", context.appId);
  members.set("at", instantText(time.value));
  const ownId = kind.subject === "log" ? frame.data.get("node_execution_id") : frame.data.get("id");
  const isOwn = kind.subject === "own" || kind.subject === "log";
  const nodeExecutionId = isOwn && ownId !== undefined ? new JsonText(ownId) : execution.value;
  if (nodeExecutionId !== undefined) members.set("node_execution_id", nodeExecutionId);
  addMembers(members, frame, { kind, said: saidOf(mapping) });
  return { event: writeJson(members), runId, isGuess: execution.isGuess || time.isGuess };
};

const kindOf = (frame: DifyFrame): DifyKind | undefined =>
  frame.kind === "workflow_started" && frame.values["reason"] === "resumption"
    ? RESUMPTION
    : DIFY_KINDS.get(frame.kind);

/**
 * Maps the frames of one request, in order, to one reading each. Pure: the same frames with the same context give the
 * same events, so a frame sent twice is one event. Frames that name no run belong to that of the request, else to that of
 * the frame before them, else of the first after them that names one.
 *
 * Limits. Starts have whole seconds, so two executions of one container that begin in the same second are one. Of
 * several executions of a container at the same time, `*_next` goes to the one begun last. A guess takes for a container's
 * start the end less `elapsed_time`, or the frame's own `created_at`; for a form's node execution its node id; for a
 * missing time that of the frame before, of the chat message, or the clock.
 */
export const difyEvents = (frames: readonly string[], context: DifyContext): DifyReading[] => {
  const read = frames.map(readFrame);
  const memory = streamMemory(context.known ?? []);
  let around = read.find((frame) => "kind" in frame && frame.runId !== undefined) as DifyFrame | undefined;
  return read.map((frame) => {
    if (!("kind" in frame)) return { refused: frame.errors, runId: context.runId };
    if (frame.runId !== undefined) around = frame;
    const kind = kindOf(frame);
    if (kind === undefined) return { ignored: frame.kind };
    const runId = frame.runId ?? context.runId ?? around?.runId;
    if (runId === undefined) {
      return { refused: [{ path: "workflow_run_id", message: "required, here or as run_id of the request" }], runId };
    }
    if (context.runId !== undefined && runId !== context.runId) {
      const message = `expected ${context.runId}, the run_id of the request, came ${runId.slice(0, 128)}`;
      return { refused: [{ path: "workflow_run_id", message }], runId };
    }
    return mapFrame({ frame, kind, runId, context, memory });
  });
};
