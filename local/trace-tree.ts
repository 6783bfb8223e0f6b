/** A run's trace as a tree to read in a terminal. */
import { styleText } from "node:util";

/** What is printed of the answer to `GET /v1/runs/{run_id}/trace`. */
export interface Trace {
  readonly run: {
    readonly run_id: string;
    readonly app_id: string | null;
    readonly status: string;
    readonly elapsed_time: number | null;
    readonly total_tokens: number | null;
    readonly error: unknown;
    readonly incomplete: boolean;
  };
  readonly nodes: readonly TraceNode[];
}

/** A node of a trace as the API answers it. */
export interface TraceNode extends Timed {
  readonly node_execution_id: string;
  readonly node_id: string | null;
  readonly node_type: string | null;
  readonly title: string | null;
  readonly unplaced?: boolean;
  readonly retries: readonly (Timed & { readonly number: number })[];
  readonly iterations?: readonly TraceGroup[];
  readonly loops?: readonly TraceGroup[];
  readonly branches?: readonly {
    readonly start_node_id: string;
    readonly title: string | null;
    readonly nodes: readonly TraceNode[];
  }[];
}

interface TraceGroup extends Timed {
  readonly index: number;
  readonly nodes: readonly TraceNode[];
}

interface Timed {
  readonly status: string;
  readonly elapsed_time: number | null;
  readonly error: unknown;
}

type Colour = "green" | "red" | "yellow" | "cyan" | "dim" | "bold";
type Paint = (colour: Colour, text: string) => string;

/** A line and what stands below it. */
interface Branch {
  readonly line: string;
  readonly children: readonly Branch[];
}

const MARKS: Readonly<Record<string, readonly [mark: string, colour: Colour]>> = {
  succeeded: ["✓", "green"],
  "partial-succeeded": ["✓", "yellow"],
  failed: ["✗", "red"],
  exception: ["!", "yellow"],
  stopped: ["■", "yellow"],
  paused: ["‖", "cyan"],
  running: ["▸", "cyan"],
  retry: ["↻", "yellow"],
  scheduled: ["◦", "cyan"],
};

/** A line for the run, and below it one for each node execution, failed attempt and round, in the order of the trace. */
export function renderTrace(trace: Trace, options: { hasColours: boolean }): string {
  const paint: Paint = (colour, text) =>
    options.hasColours ? styleText(colour, text, { validateStream: false }) : text;
  const { run } = trace;
  const facts = [
    run.status,
    run.incomplete ? "incomplete" : undefined,
    duration(run.elapsed_time),
    run.total_tokens ? `${run.total_tokens} tokens` : undefined,
    run.app_id ?? undefined,
  ];
  const line = [
    mark(run.status, paint),
    paint("bold", clean(run.run_id)),
    paint("dim", clean(facts.filter(Boolean).join(", "))),
    ...reason(run.error, paint),
  ].join(" ");
  return [
    line,
    ...renderBranches(
      trace.nodes.map((node) => nodeBranch(node, paint)),
      paint,
    ),
  ].join("\n");
}

function renderBranches(branches: readonly Branch[], paint: Paint): string[] {
  return branches.flatMap(({ line, children }, position) => {
    const isLast = position === branches.length - 1;
    const below = renderBranches(children, paint).map((text) => paint("dim", isLast ? "   " : "│  ") + text);
    return [paint("dim", isLast ? "└─ " : "├─ ") + line, ...below];
  });
}

function nodeBranch(node: TraceNode, paint: Paint): Branch {
  const name = node.title ?? node.node_id ?? node.node_execution_id;
  const facts = [node.node_type ?? undefined, duration(node.elapsed_time), node.unplaced ? "unplaced" : undefined];
  return {
    line: [mark(node.status, paint), clean(name), ...dim(facts, paint), ...reason(node.error, paint)].join(" "),
    children: [
      ...node.retries.map((attempt) => ({ line: attemptLine(attempt, paint), children: [] })),
      ...(node.iterations ?? []).map((group) => groupBranch("iteration", group, paint)),
      ...(node.loops ?? []).map((group) => groupBranch("loop", group, paint)),
      ...(node.branches ?? []).map((branch) => ({
        line: `branch ${clean(branch.title ?? branch.start_node_id)}`,
        children: branch.nodes.map((child) => nodeBranch(child, paint)),
      })),
    ],
  };
}

function attemptLine(attempt: TraceNode["retries"][number], paint: Paint): string {
  const name = `attempt ${attempt.number} failed`;
  return [
    paint("yellow", "↻"),
    name,
    ...dim([duration(attempt.elapsed_time)], paint),
    ...reason(attempt.error, paint),
  ].join(" ");
}

function groupBranch(kind: string, group: TraceGroup, paint: Paint): Branch {
  return {
    line: [mark(group.status, paint), `${kind} ${group.index}`, ...dim([duration(group.elapsed_time)], paint)].join(
      " ",
    ),
    children: group.nodes.map((node) => nodeBranch(node, paint)),
  };
}

function mark(status: string, paint: Paint): string {
  const [text, colour] = MARKS[status] ?? ["?", "yellow"];
  return paint(colour, text);
}

const dim = (facts: readonly (string | undefined)[], paint: Paint): string[] => {
  const known = facts.filter((fact) => fact !== undefined);
  return known.length === 0 ? [] : [paint("dim", clean(`(${known.join(", ")})`))];
};

/** `1.25 s`, `5 min 12 s`, `1 h 32 min` */
function duration(elapsed: number | null): string | undefined {
  if (elapsed === null) return undefined;
  if (elapsed < 60) return `${elapsed.toFixed(2)} s`;
  const minutes = Math.floor(elapsed / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(elapsed % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const LONGEST_REASON = 90;

/** What an error says in one line: of a stack trace that is the last. */
function reason(error: unknown, paint: Paint): string[] {
  const message = typeof error === "object" && error !== null && "message" in error ? error.message : error;
  if (typeof message !== "string") return [];
  const line = clean(message.trimEnd().split("\n").at(-1) ?? "");
  return [paint("red", line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON - 1)}…` : line)];
}

/** Without control characters: titles and errors come from outside, and a terminal obeys what it prints. */
const clean = (text: string): string => text.replace(/\p{Cc}/gu, " ");
