import { brotliCompressSync, constants, zstdCompressSync } from "node:zlib";
import type { FieldValue } from "../../shared/contract/event.ts";
import { JsonText } from "../../shared/contract/json-text.ts";
import { columnReader } from "../../shared/dynamodb/packing/columns.ts";
import { writeEvents } from "../../shared/dynamodb/packing/event-codec.ts";
import { frame, PACK_VERSION, UnreadablePackError } from "../../shared/dynamodb/packing/pack-frame.ts";
import type { PackedEvent } from "../../shared/dynamodb/packing/packed-event.ts";
import { packEntry, unpackEntry, unpackTexts } from "../../shared/dynamodb/packing/packing.ts";
import { BLOCK_END, LINE_END } from "../../shared/dynamodb/packing/text-lines.ts";
import {
  APP,
  comparable,
  eventOf,
  expectedOf,
  hexOf,
  NODE,
  nodeStarted,
  runOf,
  uuidOf,
  wordsOf,
} from "../support/packed-events.ts";

it("writes events as columns: a token for each cell, then literals; what repeats has no literal", () => {
  const other = uuidOf("other");
  const events = [
    nodeStarted({ at: "2026-11-22T10:00:00Z", app_id: APP, node_id: "a", node_type: "llm", title: "Ask", index: 1 }),
    nodeStarted({
      at: "2026-11-22T10:00:00.5Z",
      app_id: APP,
      node_execution_id: other,
      node_id: "b",
      node_type: "mine",
      title: null,
      index: 2,
      predecessor_node_id: "a",
    }),
    eventOf(
      { type: "node.finished", at: "2026-11-22T10:00:00.7500001Z", app_id: APP, node_execution_id: NODE },
      '"title":"Ask","status":"succeeded","elapsed_time":0.7500001,"outputs":{"text":1}',
    ),
  ];

  const { structure, texts, raw } = writeEvents(events, "previews");

  expect(structure.split(BLOCK_END).map((column) => column.split(LINE_END))).toEqual([
    // The shapes: type, fields, payload.
    ["S", "7?@ABC|", "7?@ABCD|", ";?BMO|V"],
    // Milliseconds since 1970, then steps.
    ["", "1795341600000", "500", "250.0001"],
    // Epoch: known. Id: not sent. App: new, then the same.
    ["a"],
    ["-"],
    ["Ua"],
    // Ids are counted back from the newest, whatever their column.
    ["UUd"],
    ["S", "a", "b"],
    ["dS", "mine"],
    ["S_=", "Ask"],
    ["N+", "1"],
    ["c"],
    // Status: known. Elapsed time: follows from the events' times. Preview: whole.
    ["a"],
    ["~"],
    ["."],
  ]);
  expect(texts).toBe(`{"text":1}${LINE_END}`);
  expect(raw.toString("hex")).toBe([APP, NODE, other].join("").replaceAll("-", ""));
});

it("writes of a preview and a size what differs from the last of its kind", () => {
  const payloadOf = (text: string) => [{ field: "inputs", text: `{"query":"${text.repeat(9)}"}` }];
  const events = ["how many ", "what else "].map((text) => ({ ...nodeStarted(), payload: payloadOf(text) }));

  const { structure, texts } = writeEvents(events, "previews");

  expect(structure.split(BLOCK_END).slice(-2)).toEqual(["ak", ["", "93", "9"].join(LINE_END)]);
  expect(texts).toBe(`{"query":"${"how many ".repeat(6)}${"what else ".repeat(6).slice(0, 54)}`);
});

it.each([
  ["holds the end of a line", `"\0${"x".repeat(90)}"`],
  ["ends before an emoji", `"${"x".repeat(62)}\u{1f600}"`],
  ["holds half of a surrogate pair", `"\ud800${"x".repeat(90)}"`],
])("writes a preview as a line of its own where it %s", (_, text) => {
  const { structure, texts } = writeEvents([{ ...nodeStarted(), payload: [{ field: "inputs", text }] }], "previews");

  expect(structure.split(BLOCK_END).at(-2)).toBe("!");
  expect(texts.split(LINE_END)).toEqual([expect.any(String), ""]);
});

/** What stands packed in tables already: every name and value that the format of version 1 knows, by their places. */
const NAMES_1 = [
  "run.scheduled run.started run.paused run.resumed run.heartbeat run.finished run.claimed node.started",
  "node.checkpointed node.retried node.paused node.finished agent.logged edge.taken edge.skipped node_execution_id",
  "node_id node_type title index predecessor_node_id iteration_id iteration_index loop_id loop_index parallel_id",
  "parallel_start_node_id parent_parallel_id parent_parallel_start_node_id status error elapsed_time",
  "execution_metadata total_tokens total_price currency inputs process_data outputs graph data reasons workflow_id",
  "workflow_version workflow_type triggered_from created_by created_by_role parent_run_id",
  "parent_node_execution_id tags idle_timeout total_steps exceptions_count retry_index reason sequence log_id",
  "parent_log_id label metadata edge_id source_node_id target_node_id source_handle",
].flatMap((line) => line.split(" "));
const NODE_TYPES_1 = [
  "start end answer llm knowledge-retrieval if-else code template-transform question-classifier http-request tool",
  "variable-aggregator loop iteration iteration-start loop-start loop-end parameter-extractor assigner",
  "document-extractor list-operator agent mine",
].flatMap((line) => line.split(" "));

const VALUES_1: readonly (readonly [string, readonly string[]])[] = [
  ["node_type", NODE_TYPES_1],
  ["status", ["succeeded", "failed", "exception", "stopped", "partial-succeeded", "mine"]],
  ["workflow_type", ["workflow", "chat", "mine"]],
  ["triggered_from", ["app-run", "debugging", "mine"]],
  ["created_by_role", ["account", "end_user", "mine"]],
];

const entryOfVersion1 = (): PackedEvent[] => {
  const event = (members: Partial<PackedEvent>): PackedEvent => ({
    ...nodeStarted({ at: "2026-11-22T10:00:00.1234567Z" }),
    digest: hexOf("digest").slice(0, 32),
    ...members,
  });
  const known = NODE_TYPES_1.map((_, index) =>
    event({
      type: NAMES_1[index % 15] as PackedEvent["type"],
      fields: new Map(VALUES_1.map(([column, values]) => [column, values[index % values.length] ?? null])),
    }),
  );
  const usd = new Map([["currency", new JsonText('"USD"')]]);
  return [
    ...known,
    event({ type: "run.claimed", fields: new Map(NAMES_1.map((name, place) => [name, 3 * place])), id: "one" }),
    event({ fields: new Map<string, FieldValue>([["execution_metadata", usd]]) }),
    event({ fields: new Map([["log_id", uuidOf("log")]]), payload: [{ field: "inputs", key: "a", text: "1.0" }] }),
    event({ payload: [{ field: "graph", ref: hexOf("ref"), sizeBytes: 900, preview: '{"a":"b' }] }),
    event({ payload: [{ field: "data", text: `{"a":"${"c".repeat(99)}"}` }] }),
  ];
};

/** Two events of a split entry, whose payload is too long for the item. */
const splitOfVersion1 = (): PackedEvent[] =>
  ["one", "two"].map((text) => ({
    ...nodeStarted({ index: 5, predecessor_node_id: NODE }),
    digest: hexOf(text).slice(0, 32),
    payload: [{ field: "inputs", text: `{"query":"${wordsOf(text.length, 60)} ${text.repeat(900)}"}` }],
  }));

const textsOfVersion1 = new Map([
  [0, "1.0"],
  [2, ""],
  [3, "a\0b\n"],
]);

const BYTES_1 = {
  inline: [
    "AQCea/gawAML9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epe",
    "XWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das",
    "6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/",
    "sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0",
    "dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iW",
    "NjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7QINv8YTntBseE8tf2J+h3pjmerGVQlZAVan5K6YZsNlPP/bAVyO7",
    "Bp0ZlTNAMg+pUS8L5YR0JwPmAibe0ou0OGHcAhOfBADELJtu1TrU+Ue6YwOHDQwh9P//an6XmWlRTWVZ36+d5mQlEHbCwANLdMcNQDIKnFM9M9",
    "LNhx6KZByotY8m09l8sVyt8zVQutAfjP7A3MLSytrG1s7eEUcdc9yJ52z5t/b/B7v5qwdnkzPY5F/ryv+22wDYei0VGyIWMlDaWBBOwAQI161a",
    "GKfjArAxMvPxZrvbH46np+eX17f3j1oRh81xAc2rOhncZZ1SdbbZ9k+dfiRLgcZ0obgsgggkDPyCBajhQqxfCGWwSYpbCImQgFo34lBBFVpLTU",
    "NDQwO7gHXacOfShTd6evol03UTIUi8YmYqRVsXJCnT3ilJbVIiKWlpaelkjpaB2TTAFrKycnJyckOfzEdADggB8ESA+TDNJ/c9nY9EY/FEMpXO",
    "ZHPXN7d39w+P+UKxVK5Ua/VGs9XudHv9wXA0jvN/4IDwezY5i5xN+Y/PhvLsHw==",
  ].join(""),
  outside: [
    "AQKBHTZkwAML9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epe",
    "XWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das",
    "6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/",
    "sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0",
    "dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iWNjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7C/R0iW",
    "NjUF5epeXWrOjr+wv0dIljY1BeXqXl1qzo6/sL9HSJY2NQXl6l5das6Ov7QINv8YTntBseE8tf2J+h3pjmerGVQlZAVan5K6YZsNlPP/bAVyO7",
    "Bp0ZlTNAMg+pUS8L5YR0JwPmAibe0ou0OGGRAyi1L/1goAM9DAAGEz8m0FI1B8N29wNT9B6zZ3gM/gNzV7zPgZuI7O6t6EdMM4NczSD3TAo2AD",
    "MAKwDwTVxbVd7noOz9PwoQZZk+dsImoGzVz0bm69OYi6VCkbEZPtf2malE6mj0k4NxYaGqSKFOcwahJ9mp67ctwm0r2ek9/z7Y3HZceFVrxbpn",
    "ioSAfHh0cLharA2NjNUv+VUt1yVT8p+ubw4xdvc+xJAbS8jQQYX93otONm7btu3u7q6urq6UUr64sbu1ZGbHyg0ffO+XH8FSKIyCnbDXdbLPKE",
    "wTJZJEBMRI9BACTYeGD4Onw1lQSEA4MCjYEAxoBDKYi6VCkZF/Vfkf4N/8MsZeqGFwV1JQVFCoDGtAAxnVdBJgNFNaSUFJyqgf2WsMT0kYk6Sh",
    "k66XCQBmErMtruUTwO9+S0EtS9kCBaIn8lQ79fAeAZv7rQNLF6Gyh4Zzhg0HtA9h0w92GUaphS9Yk8aZL+WrYF1hd0qAEtYGy4Bi+2qmFPpUGC",
    "UnTh0HJ5wXuHGz4zLQ0UUM",
  ].join(""),
  slim: [
    "AQFOikhFIHaSw601QLuAPAILOu5mzYg/xMz+dFhw4sDZn3HzD/BlEOZ6sZVCVkBVqfkrphmw2U87Ez4AAARCNztpSMrbIBoEaMwTXz1hBxtwmh",
    "inOQ16FgfyHUfHXP8FovaaS2xyEHAIzWewjQpu+ExSzQg5E3UAAESnU9kGoboPGLtzwIMxr0neqovzy9MDeaWKTTc8lxm+0K6lLPTHniDOmLkO",
    "dsyNVGT20S0B",
  ].join(""),
  texts: "AQMkrEB+GCi1L/0gD3kAADEuMAAAAQBhATAwMDBiCg==",
};

describe("version 1 stays readable:", () => {
  it.each(["inline", "outside"] as const)("%s", (kind) => {
    expect(comparable(unpackEntry(Buffer.from(BYTES_1[kind], "base64")))).toStrictEqual(
      expectedOf(entryOfVersion1(), () => true),
    );
  });

  it("slim", () => {
    expect(comparable(unpackEntry(Buffer.from(BYTES_1.slim, "base64")))).toStrictEqual(
      expectedOf(splitOfVersion1(), () => false),
    );
  });

  it("texts", () => {
    expect(unpackTexts(Buffer.from(BYTES_1.texts, "base64"))).toEqual(textsOfVersion1);
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
    for (let length = 0; length < bytes.length; length += length < 64 ? 1 : 997) {
      expect(() => unpack(bytes.subarray(0, length))).toThrow(UnreadablePackError);
    }
  });

  it.each(blobs)("%s with one bit turned", (_, bytes, unpack) => {
    for (let at = 0; at < bytes.length; at += at < 64 ? 1 : 997) {
      const turned = Uint8Array.from(bytes);
      turned[at] = (turned[at] ?? 0) ^ 4;
      expect(() => unpack(turned)).toThrow(UnreadablePackError);
    }
  });

  it("payload where events are expected", () => {
    expect(() => unpackEntry(blobs[2]?.[1] ?? new Uint8Array())).toThrow("expected packed events, came their payload");
  });

  it("a few bytes: the fault says how many", () => {
    expect(() => unpackEntry(new Uint8Array([PACK_VERSION, 0, 0]))).toThrow("expected packed events, came 3 bytes");
  });

  it("texts that end too early", () => {
    const reader = columnReader({ structure: "", texts: "ab", raw: Buffer.alloc(0) });

    expect(() => reader.exactText(3)).toThrow(UnreadablePackError);
    expect(() => reader.text()).toThrow(UnreadablePackError);
  });

  it("bytes that unpack to more than an entry can hold", () => {
    const much = Buffer.alloc(65 * 1024 * 1024);

    expect(() => unpackTexts(frame("texts", [zstdCompressSync(much)]))).toThrow(UnreadablePackError);
    const stream = brotliCompressSync(much, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
    const bomb = frame("inline", [Buffer.alloc(0), Buffer.alloc(0), stream]);
    expect(() => unpackEntry(bomb)).toThrow(UnreadablePackError);
  });

  it.each(["", `S${LINE_END}`, `S${LINE_END}9|${BLOCK_END}S`, `a${BLOCK_END}${LINE_END}0`])(
    "a structure that is none: %j",
    (structure) => {
      const document = zstdCompressSync(Buffer.from(`${structure}${BLOCK_END}`));
      const bytes = frame("outside", [Buffer.alloc(16), Buffer.alloc(0), document]);

      expect(() => unpackEntry(bytes)).toThrow(UnreadablePackError);
    },
  );
});

it("refuses a digest that is not 16 bytes in hex", () => {
  expect(() => packEntry([{ ...nodeStarted(), digest: "ABC" }])).toThrow("expected a digest of 32 hex characters");
});
