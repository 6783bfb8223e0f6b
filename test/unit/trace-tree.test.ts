import { stripVTControlCharacters } from "node:util";
import { renderTrace, type Trace, type TraceNode } from "../../local/trace-tree.ts";

const node = (title: string, more: Partial<TraceNode> = {}): TraceNode => ({
  node_execution_id: `x-${title}`,
  node_id: title.toLowerCase(),
  node_type: "code",
  title,
  status: "succeeded",
  elapsed_time: 0.5,
  error: null,
  retries: [],
  ...more,
});

const trace = (nodes: TraceNode[], run: Partial<Trace["run"]> = {}): Trace => ({
  run: {
    run_id: "run-1",
    app_id: "shop",
    status: "succeeded",
    elapsed_time: 1.25,
    total_tokens: 300,
    error: null,
    incomplete: false,
    ...run,
  },
  nodes,
});

const render = (nodes: TraceNode[], run: Partial<Trace["run"]> = {}): string[] =>
  renderTrace(trace(nodes, run), { hasColours: false }).split("\n");

test("begins with the run, its status, time, tokens and app", () => {
  expect(render([])).toEqual(["✓ run-1 succeeded, 1.25 s, 300 tokens, shop"]);
});

test("says of a run why it failed, and that parts of it are missing", () => {
  const error = { code: "NODE_FAILED", message: "Parse: bad line" };

  expect(render([], { status: "failed", error, incomplete: true, elapsed_time: null, total_tokens: null })).toEqual([
    "✗ run-1 failed, incomplete, shop Parse: bad line",
  ]);
});

test("lists nodes in order with status, title, type and time", () => {
  expect(
    render([node("Start"), node("Ask", { status: "paused", elapsed_time: null, node_type: null })]).slice(1),
  ).toEqual(["├─ ✓ Start (code, 0.50 s)", "└─ ‖ Ask"]);
});

test.each([
  [0, "0.00 s"],
  [59.9, "59.90 s"],
  [312.4, "5 min 12 s"],
  [5521.43, "1 h 32 min"],
])("writes %d seconds as %s", (elapsed, text) => {
  expect(render([node("Wait", { elapsed_time: elapsed })])[1]).toBe(`└─ ✓ Wait (code, ${text})`);
});

test("names a node without a title by its node id, else by its execution", () => {
  const lines = render([node("A", { title: null }), node("B", { title: null, node_id: null, unplaced: true })]);

  expect(lines.slice(1)).toEqual(["├─ ✓ a (code, 0.50 s)", "└─ ✓ x-B (code, 0.50 s, unplaced)"]);
});

test("shows failed attempts below their node, before its rounds", () => {
  const retries = [
    { number: 1, status: "failed", elapsed_time: 0.31, error: "HTTP 429: slow down" },
    { number: 2, status: "failed", elapsed_time: null, error: null },
  ];

  expect(render([node("Search", { retries }), node("End")]).slice(1)).toEqual([
    "├─ ✓ Search (code, 0.50 s)",
    "│  ├─ ↻ attempt 1 failed (0.31 s) HTTP 429: slow down",
    "│  └─ ↻ attempt 2 failed",
    "└─ ✓ End (code, 0.50 s)",
  ]);
});

test("nests rounds of iterations and loops to any depth", () => {
  const inner = node("Each item", {
    loops: [
      { index: 0, status: "running", elapsed_time: null, error: null, nodes: [node("Work", { status: "running" })] },
    ],
  });
  const outer = node("Each city", {
    status: "failed",
    error: "it broke",
    iterations: [
      { index: 0, status: "succeeded", elapsed_time: 2, error: null, nodes: [inner] },
      {
        index: 1,
        status: "failed",
        elapsed_time: 1,
        error: "it broke",
        nodes: [node("Last", { status: "exception" })],
      },
    ],
  });

  expect(render([outer]).slice(1)).toEqual([
    "└─ ✗ Each city (code, 0.50 s) it broke",
    "   ├─ ✓ iteration 0 (2.00 s)",
    "   │  └─ ✓ Each item (code, 0.50 s)",
    "   │     └─ ▸ loop 0",
    "   │        └─ ▸ Work (code, 0.50 s)",
    "   └─ ✗ iteration 1 (1.00 s)",
    "      └─ ! Last (code, 0.50 s)",
  ]);
});

test("shows parallel branches", () => {
  const branches = [
    { start_node_id: "left", title: "Left", nodes: [node("L")] },
    { start_node_id: "right", title: null, nodes: [] },
  ];

  expect(render([node("Fork", { branches })]).slice(1)).toEqual([
    "└─ ✓ Fork (code, 0.50 s)",
    "   ├─ branch Left",
    "   │  └─ ✓ L (code, 0.50 s)",
    "   └─ branch right",
  ]);
});

test("shows the last line of a stack trace, cut where it is long", () => {
  const error = `Traceback (most recent call last):\n  File "main.py"\n${"E".repeat(200)}\n`;

  const [, line = ""] = render([node("Parse", { status: "failed", error })]);

  expect(line).toBe(`└─ ✗ Parse (code, 0.50 s) ${"E".repeat(89)}…`);
});

test("lets nothing that comes from outside command the terminal", () => {
  const lines = render([node("\u001b[2JGone\r\n", { error: "\u001b]0;title\u0007" })], { run_id: "a\u009bb" });

  expect(lines).toHaveLength(2);
  expect(lines.join("")).not.toMatch(/\p{Cc}/u);
});

test("has colours only where they are wanted, and the same text with them", () => {
  const sample = trace([node("Start"), node("End", { status: "failed", error: "no" })]);

  const plain = renderTrace(sample, { hasColours: false });
  const coloured = renderTrace(sample, { hasColours: true });

  expect(plain).not.toContain("\u001b");
  expect(coloured).toContain("\u001b[31m");
  expect(stripVTControlCharacters(coloured)).toBe(plain);
});
