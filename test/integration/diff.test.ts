import { readFileSync } from "node:fs";
import { join } from "node:path";
import { at } from "../support/builders.ts";
import { eventText, json as jsonText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { pagesOf } from "../support/pages.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type HttpCall, postEvents, type Reply, type Service, startService } from "../support/service.ts";

const DIFF = "/v1/runs/{run_id}/diff";

let service: Service;
const clock = manualClock();
beforeAll(async () => {
  service = await startService(undefined, clock);
});
afterAll(() => service.stop());

const diff = (run: string, other: string, more: Partial<HttpCall> = {}): Promise<Reply> =>
  service.get({ resource: DIFF, path: { run_id: run }, ...more, query: { with: other, ...more.query } });

const sample = (name: string): string[] =>
  readFileSync(join(__dirname, `../../events/runs/${name}.ndjson`), "utf8")
    .trim()
    .split("\n");

const record = async (events: readonly string[], tenant = "demo"): Promise<void> => {
  expect((await postEvents(service, events, tenant)).status).toBe(200);
};

type Members = Record<string, Parameters<typeof jsonText>[0] | number | boolean | null | undefined | object>;

/** A run of nodes that went well, each with its outputs. */
const simple = async (runId: string, nodes: Record<string, Members>, of: { start?: Members; end?: Members } = {}) => {
  const text = (type: Parameters<typeof eventText>[0], members: Members) =>
    eventText(type, members as Parameters<typeof eventText>[1]);
  await record([
    text("run.started", { run_id: runId, app_id: "diffs", workflow_version: "1", ...of.start }),
    ...Object.entries(nodes).map(([node, members], index) =>
      text("node.finished", {
        run_id: runId,
        node_execution_id: `${runId}-${node}`,
        node_id: node,
        at: at(index + 1),
        ...members,
      }),
    ),
    text("run.finished", { run_id: runId, at: at(60), ...of.end }),
  ]);
};

describe("two sample runs", () => {
  beforeAll(async () => {
    const events = sample("nested-loop");
    await record(events);
    const changed = events
      .filter((event) => !event.includes(".1.0"))
      .map((event) =>
        event
          .replace('"run_id":"sample-nested-loop"', '"run_id":"changed"')
          .replace('"workflow_version":"2026-10-30 16:45:00.000001"', '"workflow_version":"2026-11-01"')
          .replace('"since":null', '"since":"yesterday"')
          .replaceAll(/"checksum":18446744073709551600/g, '"checksum":7'),
      );
    await record(changed);
  });

  it("tell what differs between them, and where their paths part", async () => {
    const { status, json } = await diff("sample-nested-loop", "changed");

    expect(status).toBe(200);
    expect(json.run).toMatchObject({ run_id: "sample-nested-loop", workflow_version: "2026-10-30 16:45:00.000001" });
    expect(json.with).toMatchObject({ run_id: "changed", workflow_version: "2026-11-01" });
    expect(json.differs).toEqual(["workflow_version", "inputs", "path"]);
    expect(json.inputs).toEqual([
      { name: "since", compared: "value", run: { value: null }, with: { value: "yesterday" } },
    ]);
    expect(json.outputs).toEqual([]);
    expect(json.path).toMatchObject({ same: false, only_in_with: 0, parts_at: { ran_in: "run" } });
    expect(json.path.run[0]).toBe("start");
    expect(json.path.run.length - json.path.with.length).toBe(json.path.only_in_run);
    expect(json.path.only_in_run).toBeGreaterThan(0);
  });

  it("show each node of both, in its round, with what its outputs differ by", async () => {
    const { nodes } = (await diff("sample-nested-loop", "changed")).json;

    const store = nodes.filter(({ node_id }: { node_id: string }) => node_id === "store");
    expect(store[0]).toMatchObject({
      node_id: "store",
      occurrence: 1,
      rounds: [
        { kind: "iteration", container_id: "suppliers", index: 0 },
        { kind: "loop", container_id: "pages", index: 0 },
      ],
      title: "Store",
      run: { node_execution_id: "sync-store.0.0", status: "succeeded", elapsed_time: 0.035, error: null },
      with: { node_execution_id: "sync-store.0.0" },
      difference: { elapsed_time: 0, total_tokens: 0 },
      differs: ["outputs"],
      outputs: [{ name: "checksum", compared: "value", with: { value: 7 } }],
    });
    const gone = nodes.filter((node: { with: unknown }) => node.with === null);
    expect(gone.length).toBeGreaterThan(0);
    for (const node of gone) expect(node).not.toHaveProperty("differs");
  });

  it("are shown the other way round from the other one", async () => {
    const { json } = await diff("changed", "sample-nested-loop");

    expect(json.path).toMatchObject({ only_in_run: 0, parts_at: { ran_in: "with" } });
    expect(json.inputs).toEqual([
      { name: "since", compared: "value", run: { value: "yesterday" }, with: { value: null } },
    ]);
  });

  it.each(["agent", "chat", "failure", "human-pause", "parallel", "rag"])(
    "%s and itself differ in nothing",
    async (name) => {
      await record(sample(name));
      const { status, json } = await diff(`sample-${name}`, `sample-${name}`);

      expect(status).toBe(200);
      expect(json).toMatchObject({
        differs: [],
        inputs: [],
        outputs: [],
        difference: { total_tokens: 0 },
        path: { same: true, parts_at: null, only_in_run: 0, only_in_with: 0 },
      });
      expect(json.nodes.length).toBeGreaterThan(1);
      for (const node of json.nodes) expect(node).toMatchObject({ differs: [], outputs: [] });
    },
  );
});

describe("what differs", () => {
  it("is told in numbers: time and tokens, of the runs and of each node", async () => {
    const llm = (tokens: number, elapsed_time: number) => ({
      llm: { elapsed_time, execution_metadata: { total_tokens: tokens, total_price: "0.1" } },
    });
    await simple("fast", llm(100, 1.2), { end: { elapsed_time: 2, total_tokens: 100 } });
    await simple("slow", llm(350, 3.5), { end: { elapsed_time: 4.25 } });

    const { json } = await diff("fast", "slow");

    expect(json.difference).toEqual({ elapsed_time: 2.25, total_tokens: 250 });
    expect(json.differs).toEqual(["elapsed_time", "total_tokens"]);
    expect(json.nodes).toMatchObject([
      {
        differs: ["elapsed_time", "total_tokens"],
        run: { elapsed_time: 1.2, total_tokens: 100 },
        with: { elapsed_time: 3.5, total_tokens: 350 },
        difference: { elapsed_time: 2.3, total_tokens: 250 },
      },
    ]);
  });

  it("is told of statuses and errors", async () => {
    const node = (status: string, error: string | null) => ({ llm: { status, error } });
    await simple("good", node("succeeded", null));
    await simple("bad", node("failed", "boom"), { end: { status: "failed", error: "boom" } });

    const { json } = await diff("good", "bad");

    expect(json.differs).toEqual(["status", "error"]);
    expect(json.nodes).toMatchObject([
      { differs: ["status", "error"], run: { error: null }, with: { status: "failed", error: "boom" } },
    ]);
  });

  it("is told of versions and errors that begin alike, however long they are", async () => {
    const long = "x".repeat(230);
    const told = (end: string) => ({
      start: { workflow_version: `${long}${end}` },
      end: { status: "failed", error: `${long}${long}${end}` },
    });
    await simple("long-a", { llm: { status: "failed", error: `${long}a` } }, told("a"));
    await simple("long-b", { llm: { status: "failed", error: `${long}b` } }, told("b"));

    const { json } = await diff("long-a", "long-b");

    expect(json.run.workflow_version).toBe(json.with.workflow_version);
    expect(json.differs).toEqual(["workflow_version", "error"]);
    expect(json.nodes[0].differs).toEqual(["error"]);
    expect((await diff("long-a", "long-a")).json.differs).toEqual([]);
  });

  it("is no difference of spelling", async () => {
    await simple(
      "spelled",
      { llm: { outputs: jsonText('{"a":1.0,"b":"\\u0061"}') } },
      { start: { inputs: jsonText("[1, 2]") } },
    );
    await simple(
      "otherwise",
      { llm: { outputs: jsonText('{ "b":"a","a":1 }') } },
      { start: { inputs: jsonText("[1,2]") } },
    );

    const { json } = await diff("spelled", "otherwise");

    expect([json.differs, json.inputs, json.nodes[0].outputs]).toEqual([[], [], []]);
  });

  it("is told of integers that no double tells apart, in inputs, outputs and outputs of nodes", async () => {
    const [one, other] = ["12345678901234567890", "12345678901234567891"];
    for (const [runId, order] of [
      ["big", one],
      ["bigger", other],
    ] as const) {
      const order_id = jsonText(`{"order_id":${order}}`);
      await simple(runId, { llm: { outputs: order_id } }, { start: { inputs: order_id }, end: { outputs: order_id } });
    }

    const { json } = await diff("big", "bigger");
    const { text } = await diff("big", "bigger");

    expect(json.differs).toEqual(["inputs", "outputs"]);
    expect(json.nodes[0].differs).toEqual(["outputs"]);
    expect(json.inputs[0].name).toBe("order_id");
    expect(text.split(`"run":{"value":${one}},"with":{"value":${other}}`)).toHaveLength(4);
  });

  it("is shown as it arrived where it is small, and by its size where it is not", async () => {
    await simple("digits", { llm: { outputs: jsonText('{"n":12345678901234567890,"text":"a"}') } });
    await simple("large", { llm: { outputs: jsonText(`{"n":1.0,"text":"${"b".repeat(2000)}"}`) } });

    const { text, json } = await diff("digits", "large");

    expect(text).toContain('"run":{"value":12345678901234567890},"with":{"value":1.0}');
    expect(json.nodes[0].outputs[1]).toEqual({
      name: "text",
      compared: "value",
      run: { value: "a" },
      with: { size: 2002 },
    });
  });

  it("is told of values as a whole where they are no objects", async () => {
    await simple("list", { llm: { outputs: jsonText("[1]") } }, { start: { inputs: { a: 1 } } });
    await simple("object", { llm: { outputs: jsonText('{"a":1}') } });

    const { json } = await diff("list", "object");

    expect(json.nodes[0].outputs).toEqual([
      { name: null, compared: "value", run: { value: [1] }, with: { value: { a: 1 } } },
    ]);
    expect(json.inputs).toEqual([{ name: null, compared: "value", run: { value: { a: 1 } }, with: null }]);
  });

  it("is compared by size where values are too large to be read", async () => {
    const large = (letter: string, count: number) => jsonText(`"${letter.repeat(count)}"`);
    await simple("heavy", { a: { outputs: large("a", 1_500_000) }, b: { outputs: 1 } });
    await simple("heavier", { a: { outputs: large("a", 1_600_000) }, b: { outputs: 1 } });

    const { json } = await diff("heavy", "heavier");

    expect(json.nodes).toMatchObject([
      { outputs: [{ name: null, compared: "size", run: { size: 1_500_002 }, with: { size: 1_600_002 } }] },
      { outputs: [] },
    ]);
    expect((await diff("heavy", "heavy")).json.nodes[0]).toMatchObject({ outputs: [], differs: [], not_compared: [] });
  });

  it("is not known of values of one size that are too large to be read", async () => {
    const large = (letter: string) => jsonText(`"${letter.repeat(1_500_000)}"`);
    await simple("sized", { a: { outputs: large("c") } }, { end: { outputs: large("d") } });
    await simple("sized-too", { a: { outputs: large("e") } }, { end: { outputs: large("f") } });

    const { json } = await diff("sized", "sized-too");

    expect(json).toMatchObject({ differs: [], outputs: [], not_compared: ["outputs"] });
    expect(json.nodes).toMatchObject([{ differs: [], outputs: [], not_compared: ["outputs"] }]);
  });

  it("is listed up to a number, with the number of the others", async () => {
    const members = (value: number) =>
      Object.fromEntries(Array.from({ length: 130 }, (_, index) => [`m${index}`, value]));
    await simple("ones", { llm: { outputs: members(1) } });
    await simple("twos", { llm: { outputs: members(2) } });

    const { json } = await diff("ones", "twos");

    expect(json.nodes[0].outputs).toHaveLength(100);
    expect(json.nodes[0].outputs_more).toBe(30);
  });

  it("is said of runs that are still at work, or of which only a part has arrived", async () => {
    await record([
      eventText("run.started", { run_id: "open", app_id: "diffs" }),
      eventText("node.started", { run_id: "open", node_id: "llm" }),
    ]);
    await record([eventText("node.finished", { run_id: "partial", node_id: "llm", outputs: 1 })]);

    const { status, json } = await diff("open", "partial");

    expect(status).toBe(200);
    expect(json.difference.elapsed_time).toBeNull();
    expect(json.nodes).toMatchObject([{ node_id: "llm", run: { status: "running" }, with: { status: "succeeded" } }]);
  });
});

describe("a long diff", () => {
  beforeAll(async () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, { outputs: { index, count } }]));
    await simple("many", many(24));
    await simple("more", many(30));
  });

  it.each(["1", "7", "29", "30", "1000"])("comes in pages of %s, each with what is said of the runs", async (limit) => {
    const pages = await pagesOf(service, {
      resource: DIFF,
      path: { run_id: "many" },
      query: { with: "more", limit },
    });

    const nodes = pages.flatMap(({ json }) => json.nodes.map(({ node_id }: { node_id: string }) => node_id));
    expect(nodes).toEqual(Array.from({ length: 30 }, (_, index) => `n${index}`));
    for (const { json } of pages) expect(json.path).toMatchObject({ only_in_with: 6, parts_at: { node_id: "n24" } });
  });

  it("is cut by what must be read, and by its bytes", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
    const heavy = (letter: string) =>
      Object.fromEntries(names.map((name) => [name, { outputs: { text: letter.repeat(1_000_000) } }]));
    for (const [runId, letter] of [
      ["as", "a"],
      ["bs", "b"],
    ] as const) {
      await record([eventText("run.started", { run_id: runId, app_id: "diffs" })]);
      for (const [node, members] of Object.entries(heavy(letter))) {
        await record([
          eventText("node.finished", { run_id: runId, node_execution_id: node, node_id: node, ...members }),
        ]);
      }
    }

    const pages = await pagesOf(service, { resource: DIFF, path: { run_id: "as" }, query: { with: "bs" } });

    expect(pages.length).toBeGreaterThan(1);
    const nodes = pages.flatMap(({ json }) => json.nodes);
    expect(nodes.map(({ node_id }) => node_id).sort()).toEqual([...names].sort());
    for (const node of nodes) {
      expect(node.outputs).toEqual([
        { name: "text", compared: "value", run: { size: 1_000_002 }, with: { size: 1_000_002 } },
      ]);
    }
  });

  it("shows each node once, and both runs as the first page did, while they go on", async () => {
    const node = (type: "node.started" | "node.finished", id: number, seconds: number, more: Members = {}) => {
      const members = {
        run_id: "going-on",
        node_execution_id: `on-${id}`,
        node_id: `n${id}`,
        at: at(seconds),
        ...more,
      };
      return eventText(type, members as Parameters<typeof eventText>[1]);
    };
    await simple("gone", Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`n${index}`, {}])));
    await record([eventText("run.started", { run_id: "going-on", app_id: "diffs" })]);
    await record([node("node.started", 0, 1), node("node.started", 3, 4), node("node.started", 6, 7)]);
    const whole = (await diff("going-on", "gone")).json;
    const meanwhile = [
      () => [node("node.started", 9, 0.5), node("node.started", 1, 8)],
      () => [node("node.finished", 3, 9), node("node.started", 20, 0.1)],
      () => [node("node.started", 11, 3), eventText("run.finished", { run_id: "going-on", at: at(90) })],
      () => [node("node.finished", 6, 2, { status: "failed", error: "boom" })],
    ];

    const pages: Reply[] = [];
    for (let after: Record<string, string> = {}; ; clock.advance(20_000)) {
      const page = await diff("going-on", "gone", { query: { limit: "2", ...after } });
      pages.push(page);
      if (!page.json.has_more) break;
      after = { after: page.json.next_cursor };
      await record(meanwhile[pages.length - 1]?.() ?? [eventText("run.heartbeat", { run_id: "going-on" })]);
    }

    expect(pages).toHaveLength(6);
    expect(pages.flatMap(({ json }) => json.nodes)).toEqual(whole.nodes);
    for (const { json } of pages) {
      const { nodes, has_more, next_cursor, ...said } = json;
      expect(said).toMatchObject({ run: { status: "running", version: whole.run.version }, path: whole.path });
      expect(said.differs).toEqual(whole.differs);
    }
    const now = (await diff("going-on", "gone")).json;
    expect(now.run).toMatchObject({ status: "succeeded", version: whole.run.version + 1 });
    expect(now.path.run).toEqual(["n20", "n9", "n0", "n11", "n3", "n6", "n1"]);
  });

  it("names a thousand steps of each path, and tells how many more there are", async () => {
    const finished = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => {
        const id = `s${String(from + index).padStart(4, "0")}`;
        return eventText("node.finished", { run_id: "long", node_execution_id: id, node_id: id });
      });
    await record([eventText("run.started", { run_id: "long", app_id: "diffs" }), ...finished(0, 999)]);
    await record(finished(999, 8));
    await simple("brief", { s0000: {} });

    const { path } = (await diff("long", "brief", { query: { limit: "1" } })).json;

    expect(path).toMatchObject({ only_in_run: 1006, run_more: 7, with: ["s0000"] });
    expect(path.run).toHaveLength(1000);
    expect(path).not.toHaveProperty("with_more");
    expect((await diff("brief", "long", { query: { limit: "1" } })).json.path).toMatchObject({ with_more: 7 });
  });

  it("stays below what Lambda carries, whatever is in it", async () => {
    const text = '\\"\\u0001'.repeat(120);
    const outputs = (letter: string) =>
      jsonText(
        `{${Array.from({ length: 100 }, (_, index) => `"${"n".repeat(300)}${index}":"${letter}${text}"`).join()}}`,
      );
    for (const letter of ["a", "b"]) {
      const runId = `wide-${letter}`;
      const ends = { start: { inputs: outputs(letter) }, end: { outputs: outputs(letter) } };
      await simple(runId, {}, ends);
      for (let index = 0; index < 30; index++) {
        const node = { node_execution_id: `n${index}`, node_id: `n${index}`, outputs: outputs(letter) };
        await record([eventText("node.finished", { run_id: runId, ...node })]);
      }
    }

    const pages = await pagesOf(service, { resource: DIFF, path: { run_id: "wide-a" }, query: { with: "wide-b" } });

    expect(pages.flatMap(({ json }) => json.nodes)).toHaveLength(30);
    for (const page of pages) expect(Buffer.byteLength(page.text)).toBeLessThan(4.3 * 1024 * 1024);
  });
});

describe("payload, for want of its scope", () => {
  it("is neither shown nor compared", async () => {
    const secret = "s3cret-of-the-payload";
    const hiding = { inputs: { secret }, outputs: { secret } };
    await simple("hidden", { llm: hiding }, { start: { inputs: { secret } }, end: { outputs: [secret] } });
    await simple("other", { llm: { outputs: 1 } }, { start: { inputs: 2 } });

    const { text, json } = await diff("hidden", "other", { scopes: "read" });

    expect(text).not.toContain(secret);
    expect(text).not.toMatch(/"(inputs|outputs|size|value)"/);
    expect(json).toMatchObject({ payload_hidden: true, differs: [], nodes: [{ payload_hidden: true, differs: [] }] });
    const own = await diff("hidden", "other", { scopes: "read payload" });
    expect(own.text).toContain(secret);
    expect(own.text).not.toContain("payload_hidden");
  });
});

describe("a run that cannot be compared", () => {
  beforeAll(async () => {
    await simple("known", { llm: { outputs: 1 } });
    await record([eventText("run.started", { run_id: "theirs", app_id: "diffs" })], "acme");
  });

  it.each([
    ["that is not there", "known", "no-run"],
    ["of another tenant", "known", "theirs"],
    ["of another tenant, and one's own", "theirs", "known"],
    ["of another tenant with itself", "theirs", "theirs"],
  ])("is one %s", async (_what, run, other) => {
    const reply = await diff(run, other);
    const none = await diff("no-run", "no-run");

    expectProblem(reply, 404, "NOT_FOUND");
    expect({ ...reply.json, request_id: "" }).toEqual({ ...none.json, request_id: "" });
  });

  it.each<[string, Record<string, string | string[]>, string]>([
    ["an id that can be none", { with: "a#b" }, "with"],
    ["two of them", { with: ["known", "other"] }, "with"],
    ["a limit of none", { with: "known", limit: "0" }, "limit"],
    ["a parameter that there is not", { with: "known", node_id: "llm" }, "node_id"],
  ])("is refused: %s", async (_what, query, path) => {
    const reply = await service.get({ resource: DIFF, path: { run_id: "known" }, query });

    expectProblem(reply, 400, "INVALID_REQUEST");
    expect(reply.json.errors).toContainEqual({ path, message: expect.any(String) });
  });

  it("is refused where it is not named", async () => {
    const reply = await service.get({ resource: DIFF, path: { run_id: "known" } });

    expectProblem(reply, 400, "INVALID_REQUEST");
    expect(reply.json.errors).toEqual([{ path: "with", message: "required" }]);
  });

  it("is refused with a cursor of another diff", async () => {
    await simple("first", { a: { outputs: 1 }, b: { outputs: 2 } });
    const { next_cursor } = (await diff("first", "known", { query: { limit: "1" } })).json;

    expectProblem(await diff("known", "first", { query: { after: next_cursor } }), 400, "CURSOR_MISMATCH");
    expectProblem(await diff("first", "first", { query: { after: next_cursor } }), 400, "CURSOR_MISMATCH");
    expectProblem(await diff("first", "known", { query: { after: "x" } }), 400, "CURSOR_INVALID");
  });

  it("is one that has expired, at that instant", async () => {
    await record([eventText("run.started", { run_id: "short", app_id: "diffs" })]);
    expect((await diff("known", "short")).status).toBe(200);
    clock.advance(40 * 86_400_000);

    expectProblem(await diff("known", "short"), 404, "NOT_FOUND");
    expectProblem(await diff("short", "known"), 404, "NOT_FOUND");
  });
});
