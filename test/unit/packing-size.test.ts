import {
  compressHarder,
  compressQuickly,
  ITEM_OVERHEAD_BYTES,
  totalBytes,
} from "../../shared/dynamodb/packing/compression.ts";
import { writeEvents } from "../../shared/dynamodb/packing/event-codec.ts";
import type { PackedEvent } from "../../shared/dynamodb/packing/packed-event.ts";
import { MOST_INLINE_BYTES, packEntry, unpackEntry, unpackTexts } from "../../shared/dynamodb/packing/packing.ts";
import {
  comparable,
  expectedOf,
  expectRoundTrip,
  isShort,
  nodeStarted,
  runOf,
  textsOf,
} from "../support/packed-events.ts";

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

  it("is compressed harder where that brings it within the limit", () => {
    const runs = Array.from({ length: 30 }, (_, step) => runOf(6, 300 + 20 * step));
    const largest = runs.filter((events) => packEntry(events).kind === "inline").at(-1) ?? [];

    const { structure, texts, raw } = writeEvents(largest, "texts");
    const quick = totalBytes(compressQuickly([Buffer.from(`${structure}\0\0${texts}`)]));

    expect(16 * largest.length + raw.length + quick + ITEM_OVERHEAD_BYTES).toBeGreaterThan(MOST_INLINE_BYTES);
    expect(bytesOf(largest) + ITEM_OVERHEAD_BYTES).toBeLessThanOrEqual(MOST_INLINE_BYTES);
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
  it("is near what their random parts take: digests, ids, previews", () => {
    const events = runOf(30, 1300);
    const digests = 16 * events.length;
    const ids = 16 * 31;
    // 90 previews show 50 characters of hexadecimal digits and spaces each, of about 4 bits.
    const previews = 90 * 50 * 0.5;

    expect(bytesOf(events)).toBeLessThan(digests + ids + previews + 650);
  });

  it("of a further event without payload is its digest and a few bytes", () => {
    const of = (nodes: number): number => bytesOf(runOf(nodes, 0));

    expect((of(120) - of(60)) / 120).toBeLessThan(16 + 8 + 4);
  });

  it("does not grow with an app that every event names", () => {
    const events = runOf(30, 0);
    const once = events.map((event, index) => (index === 0 ? event : { ...event, appId: undefined }));

    expect(bytesOf(events)).toBeLessThanOrEqual(bytesOf(once) + 2);
  });

  const without = (events: readonly PackedEvent[], type: string, names: readonly string[]): PackedEvent[] =>
    events.map((event) => {
      const fields = new Map([...event.fields].filter(([name]) => event.type !== type || !names.includes(name)));
      return { ...event, fields };
    });

  it.each([
    ["what a finish repeats of its start", "node.finished", ["node_id", "node_type", "title", "index"]],
    ["the node before", "node.started", ["predecessor_node_id"]],
    ["an elapsed time that the events' own times give", "node.finished", ["elapsed_time"]],
    ["a count", "node.started", ["index"]],
  ])("hardly grows with %s", (_, type, names) => {
    const events = runOf(60, 0);

    expect(bytesOf(events) - bytesOf(without(events, type, names))).toBeLessThan(30);
  });
});

describe("a harder compression", () => {
  const stream = [
    Buffer.from(
      runOf(10, 400)
        .flatMap(({ payload }) => JSON.stringify(payload))
        .join(),
    ),
  ];
  const quick = compressQuickly(stream);
  const harder = (fixedBytes: number) => compressHarder(stream, quick, fixedBytes);
  const inUnit = (bytes: number): number => (1024 * 100 - ITEM_OVERHEAD_BYTES - totalBytes(quick) + bytes) % 1024;

  it("is chosen where it may save a write unit", () => {
    expect(totalBytes(harder(inUnit(1)))).toBeLessThan(totalBytes(quick));
  });

  it("is not tried where it cannot", () => {
    const small = compressQuickly([Buffer.from("x".repeat(100))]);
    expect(compressHarder([Buffer.from("x".repeat(100))], small, 300)).toBe(small);
  });

  it("is not tried on much", () => {
    const much = [Buffer.from("some text ".repeat(4000))];
    const quickly = compressQuickly(much);
    expect(compressHarder(much, quickly, 1024 - ITEM_OVERHEAD_BYTES - totalBytes(quickly) + 1)).toBe(quickly);
  });
});

it("refuses more text than could be read back", () => {
  const payload = [{ field: "data", text: "x".repeat(64 * 1024 * 1024 + 1) }];

  expect(() => packEntry([{ ...nodeStarted(), payload }])).toThrow("expected at most 67108864 bytes in one entry");
});

it("keeps what a request may hold, though it be line breaks only", () => {
  const payload = [{ field: "data", text: `[${"\n".repeat(32 * 1024 * 1024)}]` }];

  const packed = packEntry([{ ...nodeStarted(), payload }]);

  expect(packed.kind).toBe("split");
});
