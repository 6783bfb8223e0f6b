import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { AT, eventText, json, ofTenant } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { postEvents, type Reply, readRun, type Service, startService } from "../support/service.ts";
import { objectsOf } from "../support/stored.ts";

// Machines that run much else at once take their time over megabytes.
jest.setTimeout(60_000);

/** How many cases properties are tried with; undefined: as many as each says. */
const CASES =
  process.env["RUNSTONE_PROPERTY_CASES"] === undefined ? undefined : Number(process.env["RUNSTONE_PROPERTY_CASES"]);

let service: Service;
beforeAll(async () => {
  service = await startService(undefined, manualClock());
});
afterAll(() => service.stop());

let runs = 0;
const newRun = (): string => `run-${++runs}`;

/** A JSON string that no compression makes shorter. */
const noise = (bytes: number): string =>
  `"${randomBytes(bytes)
    .toString("base64")
    .slice(0, bytes - 2)}"`;

const record = async (events: readonly string[], tenant = "demo"): Promise<void> => {
  const reply = await postEvents(service, events, tenant);
  expect(reply.json).toMatchObject({ accepted: events.length });
};

/** What the routes that show payload answer of a run and of its node `node-1`. */
const repliesOf = async (run_id: string): Promise<Record<"run" | "nodes" | "node" | "events", Reply>> => {
  const path = { run_id };
  return {
    run: await readRun(service, run_id),
    nodes: await service.get({ resource: "/v1/runs/{run_id}/nodes", path, query: { include: "payload" } }),
    node: await service.get({
      resource: "/v1/runs/{run_id}/nodes/{node_execution_id}",
      path: { run_id, node_execution_id: "node-1" },
    }),
    events: await service.get({ resource: "/v1/runs/{run_id}/events", path }),
  };
};

/** That a reply has a member of this name whose value is exactly this text. */
const expectMember = (reply: Reply, name: string, text: string): void => {
  const member = `${JSON.stringify(name)}:${text}`;
  for (let at = reply.text.indexOf(member); at >= 0; at = reply.text.indexOf(member, at + 1)) {
    if (/[,}]/.test(reply.text.charAt(at + member.length))) return;
  }
  const came = reply.text.slice(Math.max(0, reply.text.indexOf(`${JSON.stringify(name)}:`))).slice(0, 200);
  throw new Error(`expected ${member.slice(0, 200)}, came ${came}`);
};

const TEXTS: Readonly<Record<string, string>> = {
  "a big integer": "123456789012345678901234567890",
  "a big negative integer": "-9223372036854775809",
  "a whole number with a fraction": "1.0",
  "trailing zeros": "0.10000",
  "more digits than a double has": "0.1234567890123456789012345",
  "a number beyond doubles": "1e400",
  "a number too small for doubles": "-1E-400",
  "minus zero": "-0",
  "minus zero with a fraction": "-0.0",
  "a capital exponent": "1E5",
  "a signed exponent": "1e+5",
  "keys that look like integers, out of order": '{"10":1,"9":2,"b":3,"1":4,"a":5,"0":6}',
  "a lone high surrogate": '"\\ud800"',
  "a lone low surrogate": '"a\\uDC00b"',
  "surrogates the wrong way round": '"\\udc00\\ud800"',
  "an escaped pair": '"\\ud83d\\ude00"',
  "a pair as it is": '"😀"',
  "escapes of ASCII": '"\\u0061\\u0062\\u002f\\u0041"',
  "an escaped slash": '"<\\/script>"',
  "every short escape": '"\\b\\f\\n\\r\\t\\"\\\\\\/"',
  "an escaped null": '"\\u0000"',
  "the delete character": '"\u007f000a \u007f"',
  "separators of lines": '"\u2028\u2029\u0085"',
  "the longest UTF-8": '"\u{10ffff}\ufffd\uffff\ufeff"',
  "nested nulls": "[null,{},null]",
  "an empty string": '""',
  "a string of white space": '" \\n "',
  "a string that looks like JSON": '"{\\"a\\":[1}\\\\"',
  false: "false",
  "an empty list": "[]",
  "an empty object": "{}",
  "white space inside": '[ 1 ,\t2\r\n,\n {  "a"  :\n\n [ ] } ]',
  "empty lines inside": "[\n\n1\n\n\n]",
  "the same key twice": '{"a":1,"a":2,"b":{"c":1,"c":1.0}}',
  "odd keys": '{"":1,"__proto__":2,"constructor":3,"a.b":4,"\\u0061":5,"\\ud800":6}',
  "deep nesting": `${"[".repeat(198)}1.0${"]".repeat(198)}`,
  "deep objects": `${'{"a":'.repeat(198)}-0${"}".repeat(198)}`,
};
const NAMES = Object.keys(TEXTS);
const payload = NAMES.map((name) => [`x ${name}`, json(TEXTS[name] as string)] as const);

/** Beside them: what makes the entry one that stays in the table, or one that has its payload, or all, in an object. */
const KINDS: readonly (readonly [string, () => readonly (readonly [string, ReturnType<typeof json>])[]])[] = [
  ["in the entry", () => []],
  ["in an object", () => [["noise", json(noise(20_000))]]],
  [
    "in an object with all that is small",
    () => [
      ["execution_metadata", json(`{${Array.from({ length: 120 }, (_, n) => `"k${n}":${noise(1000)}`).join(",")}}`)],
    ],
  ],
];

describe.each(KINDS)("payload kept %s", (_where, beside) => {
  let replies: Awaited<ReturnType<typeof repliesOf>>;
  beforeAll(async () => {
    const run_id = newRun();
    const known = ["inputs", "outputs", "process_data"].map((name, index) => {
      const text = Object.values(TEXTS)[index * 7] as string;
      return [name, json(text)] as const;
    });
    await record([
      eventText("run.started", [["run_id", run_id], ...payload]),
      eventText("node.finished", [["run_id", run_id], ...payload, ...known, ...beside()]),
    ]);
    replies = await repliesOf(run_id);
  });

  test.each(NAMES)("comes back as it was sent on every route: %s", (name) => {
    for (const reply of Object.values(replies)) expectMember(reply, `x ${name}`, TEXTS[name] as string);
  });

  test.each(["inputs", "outputs", "process_data"])("comes back as it was sent where its name is known: %s", (name) => {
    const text = Object.values(TEXTS)[["inputs", "outputs", "process_data"].indexOf(name) * 7] as string;

    for (const reply of [replies.nodes, replies.node, replies.events]) expectMember(reply, name, text);
  });
});

describe("payload of every kind of event", () => {
  const text = '{ "b" : 1.0, "a":12345678901234567890 }';

  test.each([
    ["run.scheduled", "inputs"],
    ["run.started", "graph"],
    ["run.paused", "reasons"],
    ["run.paused", "outputs"],
    ["run.resumed", "custom"],
    ["run.heartbeat", "custom"],
    ["run.finished", "outputs"],
    ["node.started", "inputs"],
    ["node.checkpointed", "process_data"],
    ["node.retried", "outputs"],
    ["node.paused", "custom"],
    ["node.finished", "process_data"],
    ["agent.logged", "data"],
    ["edge.taken", "custom"],
    ["edge.skipped", "data"],
  ] as const)("is in the ledger as it was sent: %s with %s", async (type, name) => {
    const run_id = newRun();

    await record([eventText(type, { run_id, [name]: json(text) })]);

    const { events } = await repliesOf(run_id);
    expectMember(events, name, text);
  });

  test.each([
    ["run.started", "inputs"],
    ["run.started", "graph"],
    ["run.paused", "reasons"],
    ["run.finished", "outputs"],
    ["run.resumed", "custom"],
  ] as const)("is shown by the run as it was sent: %s with %s", async (type, name) => {
    const run_id = newRun();

    await record([eventText(type, { run_id, [name]: json(text) })]);

    expectMember((await repliesOf(run_id)).run, name, text);
  });

  test.each([
    ["node.started", "inputs"],
    ["node.checkpointed", "process_data"],
    ["node.finished", "outputs"],
    ["node.paused", "custom"],
  ] as const)("is shown by the node as it was sent: %s with %s", async (type, name) => {
    const run_id = newRun();

    await record([eventText(type, { run_id, [name]: json(text) })]);

    const { nodes, node } = await repliesOf(run_id);
    expectMember(nodes, name, text);
    expectMember(node, name, text);
  });

  test("is shown by each attempt as it was sent", async () => {
    const run_id = newRun();
    const events = [1, 2].map((retry_index) =>
      eventText("node.retried", { run_id, retry_index, inputs: json(`[ ${retry_index}.0 ]`), outputs: json("1E5") }),
    );

    await record([...events, eventText("node.finished", { run_id, inputs: json("[3.00]") })]);

    const { attempts } = (await repliesOf(run_id)).node.json;
    expect(attempts).toHaveLength(3);
    const { node } = await repliesOf(run_id);
    for (const inputs of ["[ 1.0 ]", "[ 2.0 ]", "[3.00]"]) expectMember(node, "inputs", inputs);
  });

  test("is the same where it came by queue", async () => {
    const run_id = newRun();
    const event = eventText("node.finished", { run_id, outputs: json(text), other: json("-0.0") });

    const { batchItemFailures } = await service.deliver([`[ ${ofTenant("demo", event)} ]`]);

    expect(batchItemFailures).toEqual([]);
    const { nodes, node, events } = await repliesOf(run_id);
    for (const reply of [nodes, node, events]) {
      expectMember(reply, "outputs", text);
      expectMember(reply, "other", "-0.0");
    }
  });

  test("keeps its own spelling in each delivery, and the run shows the smaller one", async () => {
    const run_id = newRun();
    const spellings = ['{"a": 1.0}', '{"a":1}', '{"a":1e0}'];

    for (const inputs of spellings) await record([eventText("run.started", { run_id, inputs: json(inputs) })]);

    const { run, events } = await repliesOf(run_id);
    expect(new Set(events.json.data.map(({ id }: { id: string }) => id)).size).toBe(1);
    for (const spelling of spellings) expectMember(events, "inputs", spelling);
    expectMember(run, "inputs", '{"a":1}');
  });
});

describe("fields of odd names", () => {
  const names = [
    ...[
      "",
      " ",
      "constructor",
      "__proto__",
      "toString",
      "1",
      "10",
      "9",
      "a.b",
      'a"b',
      "a\\b",
      "a\nb",
      "\u0000",
      "\ud800",
    ],
    ...["ünï", "😀", "名前", "$ref", "#", "x".repeat(2000), "_preview", "inputs_preview", "inputs_size", "custom_size"],
    ...[
      "\u0000k1",
      "unknown\u0000inputs",
      "pk",
      "sk",
      "ref",
      "text",
      "type ",
      "Type",
      "run id",
      "n",
      "pack",
      "received_at",
      "digest ",
    ],
  ];
  const odd = names.map((name, index) => [name, json(`[${index}.0]`)] as const);

  test.each(KINDS)("come back with their values on every route, payload kept %s", async (_where, beside) => {
    const run_id = newRun();

    await record([
      eventText("run.started", [["run_id", run_id], ...odd]),
      eventText("node.finished", [["run_id", run_id], ...odd, ...beside()]),
    ]);

    const { run, nodes, node, events } = await repliesOf(run_id);
    for (const [name, { text }] of odd) {
      for (const reply of [run, nodes, node, events]) expectMember(reply, name, text);
    }
  });

  test("that the run computes are shown computed by the run, and as sent by the ledger", async () => {
    const run_id = newRun();
    const computed = [
      ...["version", "status", "incomplete", "started_at", "finished_at", "elapsed_time", "active_time", "paused_time"],
      ...["node_counts", "conflicts", "requested_action", "holder", "lease_expires_at", "expires_at", "total_tokens"],
    ];
    const sent = computed.map((name) => [name, json(`"sent ${name}"`)] as const);

    await record([eventText("run.started", [["run_id", run_id], ...sent])]);

    const { run, events } = await repliesOf(run_id);
    expect(run.json).toMatchObject({ status: "running", version: 1, started_at: AT, conflicts: [], holder: null });
    expect(run.text).not.toContain('"sent ');
    for (const [name, { text }] of sent) expectMember(events, name, text);
  });

  test("that the ledger says itself are shown under `sent` as well", async () => {
    const run_id = newRun();
    const names = ["digest", "received_at", "actor", "source", "sent"];
    const sent = names.map((name) => [name, json(`"sent ${name}"`)] as const);

    await record([eventText("run.started", [["run_id", run_id], ...sent])]);

    const { events } = await repliesOf(run_id);
    const [delivery] = events.json.data;
    expect(delivery).toMatchObject({
      actor: "engine",
      source: "http",
      digest: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(delivery.sent).toEqual(Object.fromEntries(names.map((name) => [name, `sent ${name}`])));
  });

  test("that a node computes are shown computed by the node, and as sent by the ledger", async () => {
    const run_id = newRun();
    const names = ["status", "started_at", "finished_at", "attempts"];
    const sent = names.map((name) => [name, json(`"sent ${name}"`)] as const);

    await record([eventText("node.started", [["run_id", run_id], ...sent])]);

    const { node, nodes, events } = await repliesOf(run_id);
    expect(node.json).toMatchObject({ status: "running", started_at: AT, finished_at: null });
    expect(node.json.attempts).toHaveLength(1);
    expect(nodes.json.data[0].status).toBe("running");
    for (const [name, { text }] of sent) expectMember(events, name, text);
  });
});

describe("small fields of free JSON", () => {
  test("in execution_metadata come back key by key as they were sent", async () => {
    const run_id = newRun();
    const toolInfo = `{ "steps":[${Array.from({ length: 200 }, (_, n) => `{"n":${n}.0}`).join(", ")}] }`;
    const metadata = `{"total_price":"0E-7","ratio":1.0,"big":18446744073709551616,"":-0,"__proto__":"p","10":1E5,"9":[ ],"tool_info":${toolInfo}}`;

    await record([eventText("node.finished", { run_id, execution_metadata: json(metadata) })]);

    const { nodes, node, events } = await repliesOf(run_id);
    expect(toolInfo.length).toBeGreaterThan(1024);
    for (const reply of [nodes, node, events]) {
      expectMember(reply, "total_price", '"0E-7"');
      expectMember(reply, "ratio", "1.0");
      expectMember(reply, "big", "18446744073709551616");
      expectMember(reply, "", "-0");
      expectMember(reply, "__proto__", '"p"');
      expectMember(reply, "10", "1E5");
      expectMember(reply, "9", "[ ]");
      expectMember(reply, "tool_info", toolInfo);
    }
    expect(Object.keys(node.json.execution_metadata).sort()).toEqual(Object.keys(JSON.parse(metadata)).sort());
  });

  test.each([
    ["a string", `"${"boom ".repeat(400)}"`],
    ["an object", `{"code":"E1", "trace":"${"at x\\n".repeat(300)}","n":1.0}`],
    ["a short object", '{ "code":"E1","n":1.0 }'],
  ])("an error comes back as it was sent: %s", async (_what, error) => {
    const run_id = newRun();
    const failed = { run_id, status: "failed", error: json(error) };

    await record([eventText("run.finished", failed), eventText("node.finished", failed)]);

    const { run, nodes, node, events } = await repliesOf(run_id);
    for (const reply of [run, nodes, node, events]) expectMember(reply, "error", error);
  });

  test("a title, a reason and tags come back however long they are", async () => {
    const run_id = newRun();
    const [title, reason] = ["Title ".repeat(400), "Reason ".repeat(400)];
    const tags = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(256, "t"));

    await record([
      eventText("run.started", { run_id, tags }),
      eventText("run.resumed", { run_id, reason }),
      eventText("node.finished", { run_id, title }),
    ]);

    const { run, nodes, node, events } = await repliesOf(run_id);
    expect(run.json).toMatchObject({ reason, tags });
    for (const reply of [nodes, node, events]) expectMember(reply, "title", JSON.stringify(title));
    expectMember(events, "tags", JSON.stringify(tags));
  });
});

describe("large payload", () => {
  test("that does not compress goes to one object, and comes back", async () => {
    const run_id = newRun();
    const [inputs, outputs, other] = [noise(8_000), noise(7_000), noise(64)];

    await record([
      eventText("run.started", { run_id, inputs: json(inputs), other: json(other) }),
      eventText("node.finished", { run_id, inputs: json(inputs), outputs: json(outputs) }),
    ]);

    const { run, nodes, node, events } = await repliesOf(run_id);
    expect(objectsOf(service).filter((path) => path.startsWith(`65d/runs/t-demo/r-${run_id}/`))).toHaveLength(1);
    expectMember(run, "inputs", inputs);
    expectMember(run, "other", other);
    for (const reply of [nodes, node, events]) expectMember(reply, "outputs", outputs);
  });

  test("of one megabyte comes back", async () => {
    const run_id = newRun();
    const [inputs, outputs] = [noise(1_000_000), `[${"1.0,\n".repeat(200_000)}0]`];

    await record([
      eventText("run.started", { run_id, inputs: json(inputs) }),
      eventText("run.finished", { run_id, outputs: json(outputs) }),
    ]);

    const { run, events } = await repliesOf(run_id);
    for (const reply of [run, events]) {
      expectMember(reply, "inputs", inputs);
      expectMember(reply, "outputs", outputs);
    }
  });

  test("has a preview of 64 characters, no half of a pair, and a size in bytes", async () => {
    const run_id = newRun();
    const [inputs, outputs, short] = [`"${"x".repeat(62)}😀${"y".repeat(9_000)}"`, noise(9_000), '{ "a":1.0 }'];

    await record([
      eventText("node.finished", { run_id, inputs: json(inputs), outputs: json(outputs), custom: json(short) }),
    ]);
    const light = await service.get({ resource: "/v1/runs/{run_id}/nodes", path: { run_id } });

    expect(light.json.data).toMatchObject([
      {
        inputs_preview: inputs.slice(0, 63),
        inputs_size: Buffer.byteLength(inputs),
        outputs_preview: outputs.slice(0, 64),
        outputs_size: 9_000,
        custom_preview: short,
        custom_size: short.length,
      },
    ]);
    for (const name of ["inputs", "outputs", "custom"]) expect(light.json.data[0]).not.toHaveProperty(name);
  });

  test("that is a graph over 1 KB is kept once for an app, however many runs send it", async () => {
    const graph = `{ "nodes":[${Array.from({ length: 100 }, (_, n) => `{"id":"n${n}","x":${n}.0}`).join(",")}] }`;
    const [one, two, other] = [newRun(), newRun(), newRun()];
    const started = (run_id: string, app_id: string) =>
      eventText("run.started", { run_id, app_id, graph: json(graph), inputs: json("1.0") });

    await record([started(one, "graphs")]);
    await record([started(two, "graphs"), started(other, "other-graphs")]);

    const objects = objectsOf(service).filter((path) => path.startsWith("96d/graphs/"));
    expect(objects.filter((path) => path.startsWith("96d/graphs/t-demo/a-graphs/"))).toHaveLength(1);
    expect(objects.filter((path) => path.startsWith("96d/graphs/t-demo/a-other-graphs/"))).toHaveLength(1);
    for (const run_id of [one, two, other]) {
      const { run, events } = await repliesOf(run_id);
      for (const reply of [run, events]) {
        expectMember(reply, "graph", graph);
        expectMember(reply, "inputs", "1.0");
      }
    }
  });
});

/** White space between any two tokens of JSON. */
const space = fc.constantFrom("", "", "", " ", "\n", "\t", "\r\n  ", "\n\n");

const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,24})$/);
const number = fc
  .tuple(
    fc.constantFrom("", "-"),
    digits,
    fc.constantFrom("", ".0", ".50", ".123456789012345678"),
    fc.constantFrom("", "e5", "E-7", "e+400"),
  )
  .map((parts) => parts.join(""));

const SHORT: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "/": "\\/" };
const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
const character = fc
  .tuple(
    fc.oneof(
      fc.string({ minLength: 1, maxLength: 1 }),
      fc.constantFrom("\u0000", "\u007f", "\n", "/", '"', "\\", "é", "\u2028", "名", "\ud800", "\udfff", "{", "]", ","),
    ),
    fc.boolean(),
  )
  .map(([unit, isEscaped]) => {
    if (unit in SHORT && !isEscaped) return SHORT[unit] as string;
    return isEscaped || unit < " " || !unit.isWellFormed() ? escaped(unit) : unit;
  });
const string = fc.array(character, { maxLength: 12 }).map((units) => `"${units.join("")}"`);

const joined = (open: string, close: string, parts: readonly string[], blank: string): string =>
  `${open}${blank}${parts.join(`${blank},${blank}`)}${blank}${close}`;

const { value: jsonText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(number, string, fc.constantFrom("true", "false", "[null]")),
    fc.tuple(fc.array(tie("value"), { maxLength: 4 }), space).map(([items, blank]) => joined("[", "]", items, blank)),
    fc.tuple(fc.array(fc.tuple(string, space, tie("value")), { maxLength: 4 }), space).map(([members, blank]) =>
      joined(
        "{",
        "}",
        members.map(([name, gap, text]) => `${name}${gap}:${gap}${text}`),
        blank,
      ),
    ),
  ),
}));

describe("any JSON with any white space", () => {
  test("comes back as it was sent on every route", async () => {
    const fields = fc.uniqueArray(fc.tuple(string, jsonText), {
      minLength: 1,
      maxLength: 5,
      selector: ([name]) => JSON.parse(name) as string,
    });
    const large = fc.constantFrom("", "", `,"noise":${noise(9_000)}`);

    await fc.assert(
      fc.asyncProperty(fields, space, large, async (given, blank, beside) => {
        const run_id = newRun();
        const members = given
          .map(([name, text]) => `${blank},${blank}"f ${name.slice(1)}${blank}:${blank}${text}`)
          .join("");
        const events = ["run.started", "node.finished"].map((type) => {
          const head = `{${blank}"type":"${type}","run_id":"${run_id}","at":"${AT}","app_id":"app-1"`;
          return `${head}${type === "node.finished" ? ',"node_execution_id":"node-1","status":"succeeded"' : beside}${members}${blank}}`;
        });

        await record(events.map((event) => `${blank}${event}${blank}`));

        const { run, nodes, node, events: ledger } = await repliesOf(run_id);
        for (const [name, text] of given) {
          const decoded = `f ${JSON.parse(name)}`;
          for (const reply of [run, nodes, node, ledger]) expectMember(reply, decoded, text);
        }
      }),
      { numRuns: CASES ?? 80 },
    );
  }, 600_000);
});

describe("fields that are easily lost", () => {
  test.each([
    "title",
    "label",
    "index",
    "sequence",
    "node_id",
    "metadata",
    "execution_metadata",
    "log_id",
    "edge_id",
    "error.head",
  ])("a run shows the field %s that its type does not know", async (name) => {
    const run_id = newRun();

    await record([eventText("run.started", { run_id, [name]: json('{ "a":1.0 }') })]);

    const { run, events } = await repliesOf(run_id);
    expectMember(events, name, '{ "a":1.0 }');
    expectMember(run, name, '{ "a":1.0 }');
  });

  test.each([
    "total_tokens",
    "tags",
    "workflow_id",
    "parent_run_id",
    "label",
    "sequence",
    "metadata",
    "triggered_from",
  ])("a node shows the field %s that its type does not know", async (name) => {
    const run_id = newRun();

    await record([eventText("node.finished", { run_id, [name]: json('{ "a":1.0 }') })]);

    const { node, nodes, events } = await repliesOf(run_id);
    expectMember(events, name, '{ "a":1.0 }');
    for (const reply of [node, nodes]) expectMember(reply, name, '{ "a":1.0 }');
  });

  test.each(["created_by", "workflow_version", "workflow_type", "triggered_from"])(
    "a run shows %s however its characters were escaped",
    async (name) => {
      const run_id = newRun();

      await record([eventText("run.started", { run_id, [name]: json(`"${"\\u540d".repeat(200)}"`) })]);

      expect((await repliesOf(run_id)).run.json[name]).toBe("名".repeat(200));
    },
  );

  test("a run and a node show a field whose name the service uses inside", async () => {
    const run_id = newRun();
    const field = { run_id, "error\u0000head": json('{ "a":1.0 }') };

    await record([eventText("run.started", field), eventText("node.started", field)]);

    for (const reply of Object.values(await repliesOf(run_id))) expectMember(reply, "error\u0000head", '{ "a":1.0 }');
  });

  test("a node shows its type however its characters were escaped", async () => {
    const run_id = newRun();

    await record([eventText("node.finished", { run_id, node_type: json(`"${"\\u540d".repeat(200)}"`) })]);

    expect((await repliesOf(run_id)).node.json.node_type).toBe("名".repeat(200));
  });

  test("an entry holds a request of 32 MB whose payload is mostly line breaks", async () => {
    const run_id = newRun();
    const events = Array.from({ length: 4 }, (_, index) =>
      eventText("node.started", {
        run_id,
        node_execution_id: `node-${index}`,
        inputs: json(`[${"\n".repeat(3_450_000)}]`),
      }),
    );
    const body = gzipSync(`{"events":[${events.join(",")}]}`);

    const reply = await service.post({ resource: "/v1/events", body, headers: { "content-encoding": "gzip" } });

    expect(reply.status).toBe(200);
  });
});
