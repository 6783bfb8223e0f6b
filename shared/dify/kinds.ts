import type { EventType } from "../contract/event-fields.ts";

/**
 * Where the time of an event is. `start`: `created_at`. `end`: `finished_at`, else the start and `elapsed_time`. `pause`:
 * `created_at` is the run's start, so the pause is `elapsed_time` after it. `expiry`: `expiration_time`. `anchor`: the
 * frame has none, and takes the start of the node execution it speaks of. `resumption`: none either, and takes that of the
 * resumption before it.
 */
type DifyTime = "start" | "end" | "pause" | "expiry" | "anchor" | "resumption";

/**
 * How an event names its node execution. `own`: under `id`. `container`: `<node_id>:<created_at of the container's
 * start>`. `latest`: by `node_id` only, which means its latest execution. `log`: under `node_execution_id`. `none`: it
 * speaks of the run.
 */
type DifySubject = "none" | "own" | "container" | "latest" | "log";

/** What becomes of one kind of frame. */
export interface DifyKind {
  readonly type: EventType;
  readonly subject: DifySubject;
  readonly time: DifyTime;
  /** Dify's name to ours; a name that is not here stays, unless it clashes (then it gets the prefix `dify_`). */
  readonly renames?: Readonly<Record<string, string>>;
  /** What the frame means and does not say; a member of the frame goes first. */
  readonly adds?: Readonly<Record<string, string>>;
}

const started = (nodeType: string): DifyKind => ({
  type: "node.started",
  subject: "container",
  time: "start",
  adds: { node_type: nodeType },
});
const next: DifyKind = {
  type: "node.checkpointed",
  subject: "container",
  time: "start",
  renames: { index: "sequence" },
};
const completed = (nodeType: string): DifyKind => ({
  type: "node.finished",
  subject: "container",
  time: "end",
  adds: { node_type: nodeType },
});

/**
 * An edge into the branch's first node. Only engines before September 2025 send these, and their node events carry the
 * branch themselves: the trace needs nothing of it, so the frame is kept where it can change no state.
 */
const branch = (kind: string): DifyKind => ({
  type: "edge.taken",
  subject: "none",
  time: "start",
  renames: { parallel_branch_id: "target_node_id" },
  adds: { dify_event: kind },
});

/** The run goes on with the `workflow_started` (resumption) beside it; the answer itself is progress of its node. */
const answered = (kind: string, time: DifyTime): DifyKind => ({
  type: "node.checkpointed",
  subject: "latest",
  time,
  adds: { dify_event: kind },
});

/** The run keeps the inputs it started with, so those of a resumption go by another name. */
export const RESUMPTION: DifyKind = {
  type: "run.resumed",
  subject: "none",
  time: "start",
  renames: { inputs: "dify_inputs" },
};

/** The kinds of frame that carry execution state; every other kind is ignored. */
export const DIFY_KINDS: ReadonlyMap<string, DifyKind> = new Map<string, DifyKind>([
  ["workflow_started", { type: "run.started", subject: "none", time: "start" }],
  ["workflow_paused", { type: "run.paused", subject: "none", time: "pause" }],
  ["workflow_finished", { type: "run.finished", subject: "none", time: "end" }],
  ["node_started", { type: "node.started", subject: "own", time: "start" }],
  ["node_retry", { type: "node.retried", subject: "own", time: "end" }],
  ["node_finished", { type: "node.finished", subject: "own", time: "end" }],
  ["iteration_started", started("iteration")],
  ["iteration_next", next],
  ["iteration_completed", completed("iteration")],
  ["loop_started", started("loop")],
  ["loop_next", next],
  ["loop_completed", completed("loop")],
  [
    "agent_log",
    { type: "agent.logged", subject: "log", time: "anchor", renames: { id: "log_id", parent_id: "parent_log_id" } },
  ],
  [
    "human_input_required",
    {
      type: "node.paused",
      subject: "latest",
      time: "anchor",
      // The form's inputs are questions; the node's own inputs are not to be covered by them.
      renames: { inputs: "dify_inputs" },
      adds: { reason: "human_input_required" },
    },
  ],
  ["human_input_form_filled", answered("human_input_form_filled", "resumption")],
  ["human_input_form_timeout", answered("human_input_form_timeout", "expiry")],
  ["parallel_branch_started", branch("parallel_branch_started")],
  ["parallel_branch_finished", branch("parallel_branch_finished")],
]);
