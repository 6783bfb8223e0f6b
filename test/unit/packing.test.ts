import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import type { FieldValue } from "../../shared/contract/event.ts";
import { readEvent } from "../../shared/contract/event.ts";
import { JsonText } from "../../shared/contract/json-text.ts";
import { identify } from "../../shared/domain/identity.ts";
import { previewOf } from "../../shared/domain/ledger.ts";
import { ITEM_OVERHEAD_BYTES } from "../../shared/dynamodb/compression.ts";
import { frame, PACK_VERSION, UnreadablePackError } from "../../shared/dynamodb/pack-frame.ts";
import type { PackedEvent, PackedPayload, UnpackedEvent } from "../../shared/dynamodb/packed-event.ts";
import { MOST_INLINE_BYTES, packEntry, unpackEntry, unpackTexts } from "../../shared/dynamodb/packing.ts";

const APP = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const NODE = "e67ab195-4256-4055-a9f9-2ba619b0d94f";

const hexOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const uuidOf = (text: string): string => hexOf(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");

/** Some words that are not easily compressed, the same for the same number. */
const wordsOf = (seed: number, characters: number): string => {
  let text = "";
  for (let part = 0; text.length < characters; part++) text += `${hexOf(`${seed} ${part}`).slice(0, 7)} `;
  return text.slice(0, characters);
};

const packedEventOf = (text: string): PackedEvent => {
  const value = JSON.parse(text) as Record<string, unknown>;
  const reading = readEvent({ text, value }, { now: Date.parse("2026-11-22T10:00:00Z"), isFromQueue: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.errors));
  const { runId: _, ...event } = identify(reading.event, { text, value });
  return event;
};

/** An event as a producer sends it; `json` is more of it, as text. */
const eventOf = (members: Record<string, unknown>, json = ""): PackedEvent => {
  const text = JSON.stringify({ run_id: "run-1", at: "2026-11-22T10:00:00Z", ...members });
  return packedEventOf(json === "" ? text : `${text.slice(0, -1)},${json}}`);
};

const nodeStarted = (members: Record<string, unknown> = {}, json = ""): PackedEvent =>
  eventOf({ type: "node.started", node_execution_id: NODE, ...members }, json);

/** What should come back: fields as a list, for their order counts. */
const expectedOf = (events: readonly PackedEvent[], isShowing: (payload: PackedPayload) => boolean) => {
  let position = 0;
  return events.map(({ payload, fields, ...event }) => ({
    ...event,
    fields: fieldsOf(fields),
    payload: payload.map((value) => {
      const place = { ...value, position: position++ };
      if ("ref" in value) return place;
      const shown = { sizeBytes: Buffer.byteLength(value.text), preview: previewOf(value.text) };
      const { text, ...names } = { ...place, ...shown, text: value.text };
      return isShowing(value) ? { ...names, text } : names;
    }),
  }));
};
const fieldsOf = (fields: ReadonlyMap<string, FieldValue>) =>
  [...fields].map(([name, value]) => [name, value instanceof Map ? [...value] : value]);
const comparable = (events: readonly UnpackedEvent[]) =>
  events.map((event) => ({ ...event, fields: fieldsOf(event.fields) }));

const isShort = (payload: PackedPayload): boolean => "text" in payload && payload.text === previewOf(payload.text);
const textsOf = (events: readonly PackedEvent[]): Map<number, string> =>
  new Map(
    events
      .flatMap(({ payload }) => payload)
      .flatMap((value, position) => ("text" in value ? [[position, value.text]] : [])),
  );

const expectRoundTrip = (...events: PackedEvent[]): void => {
  const packed = packEntry(events);
  const bytes = packed.kind === "outside" ? packed.payload : packed.pack;
  const isShowing = packed.kind === "split" ? isShort : () => true;
  expect(comparable(unpackEntry(bytes))).toStrictEqual(expectedOf(events, isShowing));
  expect(unpackTexts(packed.kind === "inline" ? packed.pack : packed.payload)).toEqual(textsOf(events));
};

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
      nodeStarted({ title: `${low}\n\u007f0041` }),
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

/** A run of some nodes in the manner of an agent: each event with payload of so many characters. */
const runOf = (nodes: number, characters: number, from = 0): PackedEvent[] => {
  const times = Array.from({ length: nodes + 1 }, (_, node) => Date.parse("2026-11-22T09:00:00Z") + node * 777);
  const at = (node: number, offset = 0): string => new Date((times[node] ?? 0) + offset).toISOString();
  const events = [eventOf({ type: "run.started", app_id: APP, at: at(0), workflow_type: "chat", inputs: {} })];
  for (let node = from; node < from + nodes; node++) {
    const description = {
      node_execution_id: uuidOf(`node ${node}`),
      node_id: `17300001${node}`,
      node_type: node % 2 === 0 ? "llm" : "tool",
      title: `Step ${node}`,
      index: node,
      predecessor_node_id: node === from ? null : `17300001${node - 1}`,
    };
    const text = (kind: number): unknown =>
      characters === 0 ? {} : { "#context#": wordsOf(3 * node + kind, characters) };
    const common = { app_id: APP, ...description };
    const index = node - from;
    events.push(eventOf({ type: "node.started", at: at(index), ...common, inputs: text(0) }));
    events.push(
      eventOf({
        type: "node.finished",
        at: at(index, 500),
        ...common,
        status: "succeeded",
        process_data: text(1),
        outputs: text(2),
        error: null,
        elapsed_time: 0.5,
        execution_metadata: { total_tokens: 1000 + node, total_price: "0.0012", currency: "USD" },
      }),
    );
  }
  return events;
};

const bytesOf = (events: readonly PackedEvent[]): number => {
  const packed = packEntry(events);
  return packed.kind === "outside" ? Number.POSITIVE_INFINITY : packed.pack.length;
};

describe("a small entry", () => {
  it("holds its payload in the item", () => {
    const events = runOf(4, 300);

    const packed = packEntry(events);

    expect(packed.kind).toBe("inline");
    expect(bytesOf(events) + ITEM_OVERHEAD_BYTES).toBeLessThanOrEqual(MOST_INLINE_BYTES);
    expectRoundTrip(...events);
  });

  it("needs no object where previews show all there is, however many events", () => {
    const events = runOf(200, 0);

    expect(packEntry(events).kind).toBe("inline");
    expectRoundTrip(...events);
  });

  it("is the smallest that fits: a harder compression brings it within the limit", () => {
    const kinds = Array.from({ length: 12 }, (_, step) => packEntry(runOf(6, 380 + 20 * step)));

    const inline = kinds.filter((packed) => packed.kind === "inline").map(({ pack }) => pack.length);
    expect(Math.max(...inline) + ITEM_OVERHEAD_BYTES).toBeGreaterThan(0.9 * MOST_INLINE_BYTES);
    expect(Math.max(...inline) + ITEM_OVERHEAD_BYTES).toBeLessThanOrEqual(MOST_INLINE_BYTES);
  });
});

describe("a large entry", () => {
  const events = runOf(30, 1300);

  it("shows its events without their payload, and gives texts by position", () => {
    const packed = packEntry(events);

    if (packed.kind !== "split") throw new Error(`came ${packed.kind}`);
    expect(comparable(unpackEntry(packed.pack))).toStrictEqual(expectedOf(events, isShort));
    expect(unpackTexts(packed.payload)).toEqual(textsOf(events));
  });

  it("gives a short text from the item: its preview is all of it", () => {
    const packed = packEntry(events);

    if (packed.kind !== "split") throw new Error(`came ${packed.kind}`);
    expect(unpackTexts(packed.pack)).toEqual(new Map([[0, "{}"]]));
  });

  it("is all outside where even its events are too many for an item", () => {
    const many = runOf(1100, 80);

    const packed = packEntry(many);

    expect(packed.kind).toBe("outside");
    expectRoundTrip(...many);
  });
});

describe("the size of packed events", () => {
  const slimBytes = (events: readonly PackedEvent[]): number => bytesOf(events);

  it("is near what their random parts take: digests, ids, previews", () => {
    const events = runOf(30, 1300);
    const digests = 16 * events.length;
    const ids = 16 * 31;
    // 90 previews show 50 characters of hexadecimal digits and spaces each, of about 4 bits.
    const previews = 90 * 50 * 0.5;

    expect(slimBytes(events)).toBeLessThan(digests + ids + previews + 650);
  });

  it("of a further event without payload is its digest and a few bytes", () => {
    const of = (nodes: number): number => slimBytes(runOf(nodes, 0));

    expect((of(120) - of(60)) / 120).toBeLessThan(16 + 8 + 4);
  });

  it("does not grow with an app that every event names", () => {
    const events = runOf(30, 0);
    const once = events.map((event, index) => (index === 0 ? event : { ...event, appId: undefined }));

    expect(slimBytes(events)).toBeLessThanOrEqual(slimBytes(once) + 2);
  });

  it("does not grow with what a finish repeats of its start", () => {
    const events = runOf(30, 0);
    const repeated = new Set(["node_id", "node_type", "title", "index", "predecessor_node_id"]);
    const plain = events.map((event) =>
      event.type === "node.finished"
        ? { ...event, fields: new Map([...event.fields].filter(([name]) => !repeated.has(name))) }
        : event,
    );

    expect(slimBytes(events) - slimBytes(plain)).toBeLessThan(40);
  });
});

describe("bytes that cannot be read", () => {
  const inline = packEntry(runOf(3, 200));
  const split = packEntry(runOf(30, 1300));
  const blobs: [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
    ["an item with payload", inline.kind === "inline" ? inline.pack : new Uint8Array(), unpackEntry],
    ["an item without payload", split.kind === "split" ? split.pack : new Uint8Array(), unpackEntry],
    ["payload", split.kind === "split" ? split.payload : new Uint8Array(), unpackTexts],
  ];

  it.each(blobs)("%s of another version: the fault says which", (_, bytes, unpack) => {
    const newer = Uint8Array.from(bytes);
    newer[0] = 9;

    expect(() => unpack(newer)).toThrow(UnreadablePackError);
    expect(() => unpack(newer)).toThrow(`expected packed events of version ${PACK_VERSION}, came version 9`);
  });

  it.each(blobs)("%s that was cut anywhere", (_, bytes, unpack) => {
    for (let length = 0; length < bytes.length; length += length < 64 ? 1 : 97) {
      expect(() => unpack(bytes.subarray(0, length))).toThrow(UnreadablePackError);
    }
  });

  it.each(blobs)("%s with one bit turned", (_, bytes, unpack) => {
    for (let at = 0; at < bytes.length; at += at < 64 ? 1 : 97) {
      const turned = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 4 : byte));
      expect(() => unpack(turned)).toThrow(UnreadablePackError);
    }
  });

  it("payload where events are expected", () => {
    expect(() => unpackEntry(blobs[2]?.[1] ?? new Uint8Array())).toThrow("expected packed events, came their payload");
  });

  it("bytes that unpack to more than an entry can hold", () => {
    const bomb = frame("texts", [zstdCompressSync(Buffer.alloc(65 * 1024 * 1024))]);

    expect(() => unpackTexts(bomb)).toThrow(UnreadablePackError);
  });

  it.each(["", "S\n", "S\n9|\n\nS", "a\n\n\n0"])("a structure that is none: %j", (structure) => {
    const document = zstdCompressSync(Buffer.from(`${structure}\n\n`));
    const bytes = frame("outside", [Buffer.alloc(16), Buffer.alloc(0), document]);

    expect(() => unpackEntry(bytes)).toThrow(UnreadablePackError);
  });
});

it("refuses a digest that is not 16 bytes in hex", () => {
  expect(() => packEntry([{ ...nodeStarted(), digest: "ABC" }])).toThrow("expected a digest of 32 hex characters");
});

describe("any events", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 90 }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 90 }).map((units) => String.fromCharCode(...units)),
    fc.json({ maxDepth: 2 }),
    fc.uuid(),
    fc.constantFrom("", "\n", "\n\n", "__proto__", "1", "\u007f", "\ud800", "_id", hexOf("x"), "llm", "succeeded"),
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
