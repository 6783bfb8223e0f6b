import fc from "fast-check";
import type { FieldValue } from "../../shared/contract/event.ts";
import { JsonText } from "../../shared/contract/json-text.ts";
import { previewOf } from "../../shared/domain/fold/ledger.ts";
import type { PackedEvent, PackedPayload } from "../../shared/dynamodb/packing/packed-event.ts";
import { APP, eventOf, expectRoundTrip, hexOf, NODE, nodeStarted, runOf, uuidOf } from "../support/packed-events.ts";

describe("an entry gives back", () => {
  it("no events where it got none", () => expectRoundTrip());

  it("the order of fields, and what was not sent apart from null", () =>
    expectRoundTrip(
      nodeStarted({ title: null, index: 3, node_type: "llm" }),
      nodeStarted({ node_type: "llm", index: 4 }),
      nodeStarted({ node_type: null, index: null, title: "" }),
    ));

  it.each([
    "1.0",
    "0E-7",
    '"0E-7"',
    "1e400",
    "-0",
    "123456789012345678901234567890",
    '{"a": 1}',
    '{\n  "pretty": "\\n"\n}',
    '"\\ud800"',
    '"caf\\u00e9 \u{1f600} \u007f"',
    "true",
    "[]",
  ])("the JSON text %s as payload and as metadata", (json) =>
    expectRoundTrip(
      nodeStarted({}, `"inputs":${json},"execution_metadata":{"total_price":${json},"x":${json}}`),
      nodeStarted({}, `"inputs":${json},"execution_metadata":{"x":${json},"y":${json}}`),
    ),
  );

  it("metadata without keys, and with keys of any kind in their order", () =>
    expectRoundTrip(
      nodeStarted({ execution_metadata: {} }),
      nodeStarted({}, '"execution_metadata":{"b":1,"__proto__":2,"10":3,"9":4,"":5,"a.b_id":6,"\\"{|}":7}'),
      nodeStarted({}, `"execution_metadata":{"long":"${"x".repeat(1500)}","short":1}`),
    ));

  it("payload under names of any kind", () =>
    expectRoundTrip(
      nodeStarted({}, '"__proto__":{},"1":[],"":0,"ключ":{"a":1},"{|}.&\\"\\n":1,"constructor":2,"\\ud800":3'),
    ));

  it("half of a surrogate pair in a text, which UTF-8 cannot hold", () => {
    const [high, low] = ["\ud83d", "\ude00"];
    expectRoundTrip(
      nodeStarted({ title: `a${high}` }),
      nodeStarted({ title: `${low}\n\0\u00010041` }),
      { ...nodeStarted(), payload: [{ field: "data", text: `${high}${"x".repeat(70)}${low}` }] },
      { ...nodeStarted(), payload: [{ field: "data", text: `"${"y".repeat(62)}${high}${low}"` }] },
      { ...nodeStarted(), payload: [{ field: "data", text: "" }] },
    );
  });

  it("instants with nine digits, out of order and far apart", () =>
    expectRoundTrip(
      ...["2026-11-22T10:00:00.000000001Z", "2026-11-22T09:59:59.999999999Z", "0001-01-01T00:00:00.120Z"].map((at) =>
        nodeStarted({ at }),
      ),
    ));

  it("epochs, ids and apps, where sent and where not", () =>
    expectRoundTrip(
      nodeStarted({ epoch: 7 }),
      nodeStarted({ epoch: Number.MAX_SAFE_INTEGER, id: "evt-1", app_id: APP }),
      nodeStarted({ id: NODE, app_id: "chat" }),
      nodeStarted({ id: hexOf("a"), app_id: "chat" }),
      nodeStarted({ id: hexOf("b").slice(0, 32) }),
    ));

  it("numbers of every kind, where they count up and where they do not", () =>
    expectRoundTrip(
      ...[1, 2, 3, 3, 0, -0, 1, Number.MAX_SAFE_INTEGER].map((index) => ({
        ...nodeStarted(),
        fields: new Map([["index", index]]),
      })),
      ...[0.1, 1e-9, 123456.789, 5e-324].map((seconds) =>
        eventOf({ type: "run.finished", status: "failed", elapsed_time: seconds }),
      ),
    ));

  it("an elapsed time that the events' own times give, and one that they do not", () => {
    const finished = (at: string, seconds: number) =>
      eventOf({ type: "node.finished", at, node_execution_id: NODE, status: "succeeded", elapsed_time: seconds });
    expectRoundTrip(
      nodeStarted({ at: "2026-11-22T10:00:00.100Z" }),
      finished("2026-11-22T10:00:00.580Z", 0.48),
      finished("2026-11-22T10:00:00.580000001Z", 0.480000001),
      finished("2026-11-22T10:00:00.580Z", 0.4800001),
    );
  });

  it("tags, errors and ids of the run and its parents", () =>
    expectRoundTrip(
      eventOf({ type: "run.started", app_id: APP, tags: ["a", "\ud800", ""], parent_run_id: uuidOf("parent") }),
      eventOf({ type: "run.started", app_id: APP, tags: [], parent_run_id: uuidOf("parent") }),
      eventOf({ type: "run.finished", status: "failed", error: { code: 1.5, message: "x".repeat(500) } }),
      eventOf({ type: "run.finished", status: "failed", error: "no" }),
    ));

  it("a claim, whatever its fields", () => {
    const { payload: _, ...started } = nodeStarted();
    const fields = new Map<string, FieldValue>([
      ["anything", "x"],
      ["execution_metadata", new Map([["a", new JsonText("1.0")]])],
      ["another", new Map()],
      ["at", 5],
      ["shape", ["y"]],
      ["size", new JsonText("{}")],
    ]);
    expectRoundTrip({ ...started, type: "run.claimed", fields, payload: [] }, nodeStarted());
  });

  it("a payload that is kept as a shared object, by its name", () => {
    const graph = { field: "graph", ref: hexOf("graph"), sizeBytes: 28_579, preview: '{"nodes":[]' };
    const started = eventOf({ type: "run.started", app_id: APP }, '"inputs":{"query":"x"},"more":1');
    const [inputs, more] = started.payload;
    const event = { ...started, payload: [inputs, graph, more].filter((value) => value !== undefined) };
    expectRoundTrip(event, { ...event, payload: [{ ...graph, ref: "another", preview: "", sizeBytes: 0 }] });
  });
});

describe("any events", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 90 }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 90 }).map((units) => String.fromCharCode(...units)),
    fc.json({ maxDepth: 2 }),
    fc.uuid(),
    fc.constantFrom(
      "",
      "\n",
      "\n\n",
      "__proto__",
      "1",
      "\0",
      "\u0001",
      "\ud800",
      "_id",
      hexOf("x"),
      "llm",
      "succeeded",
    ),
  );
  const jsonText = text.map((value) => new JsonText(value));
  const number = fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.maxSafeNat(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  const value: fc.Arbitrary<FieldValue> = fc.oneof(
    text,
    number,
    fc.constant(null),
    fc.array(text, { maxLength: 3 }),
    jsonText,
    fc.array(fc.tuple(text, jsonText), { maxLength: 3 }).map((members) => new Map(members)),
  );
  const name = fc.oneof(fc.constantFrom("node_execution_id", "node_type", "elapsed_time", "status", "index"), text);
  const payload: fc.Arbitrary<PackedPayload> = fc.oneof(
    fc.record({
      field: name,
      text: fc.oneof(
        text,
        text.map((part) => `${part} ${"long ".repeat(20)}`),
      ),
    }),
    fc.record({ field: name, key: text, text }),
    fc.record({ field: name, ref: text, sizeBytes: fc.nat(), preview: text.map(previewOf) }),
  );
  const fraction = fc.oneof(fc.constantFrom("000000000", "500000000"), fc.stringMatching(/^[0-9]{9}$/));
  const at = fc
    .tuple(fc.date({ min: new Date("0001-01-01"), max: new Date("2026-11-22"), noInvalidDate: true }), fraction)
    .map(([date, digits]) => `${date.toISOString().slice(0, 19)}.${digits}Z`);
  const head = fc
    .record({ at, app: fc.constantFrom(undefined, APP, "chat"), epoch: fc.integer({ min: 1, max: 3 }) })
    .map(({ at: instant, app, epoch }) => nodeStarted({ at: instant, app_id: app, epoch }));
  const event: fc.Arbitrary<PackedEvent> = fc
    .record({
      head,
      type: fc.constantFrom<PackedEvent["type"]>("run.claimed", "run.started", "node.started", "node.finished"),
      id: fc.option(text, { nil: undefined }),
      fields: fc.array(fc.tuple(name, value), { maxLength: 8 }).map((members) => new Map(members)),
      payload: fc.array(payload, { maxLength: 4 }),
      digest: fc.stringMatching(/^[0-9a-f]{32}$/),
    })
    .map(({ head: started, ...members }) => ({ ...started, ...members }));

  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), (events) => expectRoundTrip(...events)),
      { numRuns: 300 },
    );
  });

  it("come back as they were from a large entry", () => {
    const large = runOf(10, 3000);
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), (events) => expectRoundTrip(...large, ...events)),
      { numRuns: 30 },
    );
  });
});
