import { compressHarder, compressQuickly, ITEM_OVERHEAD_BYTES, totalBytes } from "../../shared/dynamodb/compression.ts";
import { writeEvents } from "../../shared/dynamodb/event-codec.ts";
import type { PackedEvent } from "../../shared/dynamodb/packed-event.ts";
import { MOST_INLINE_BYTES, packEntry, unpackEntry, unpackTexts } from "../../shared/dynamodb/packing.ts";
import { APP, comparable, eventOf, expectedOf, expectRoundTrip, hexOf, isShort, NODE, nodeStarted, runOf, textsOf, uuidOf } from "../support/packed-events.ts";

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

