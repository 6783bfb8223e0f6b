/**
 * The codec of one ledger entry. Size is what it is for: an entry in the table is billed by the KB, written and read.
 */
import { previewOf } from "../../domain/fold/ledger.ts";
import type { Sections } from "./columns.ts";
import {
  compressForObject,
  compressHarder,
  compressQuickly,
  decompressFromItem,
  decompressFromObject,
  ITEM_OVERHEAD_BYTES,
  leastBytesOf,
  totalBytes,
} from "./compression.ts";
import { readEvents, writeEvents } from "./event-codec.ts";
import { type FrameKind, frame, UnreadablePackError, unframe } from "./pack-frame.ts";
import type { PackedEvent, UnpackedEvent } from "./packed-event.ts";
import { BLOCK_END, fromLine, LINE_END, toLine } from "./text-lines.ts";

/**
 * The largest item that holds its payload. To write, one object costs what 8 KB in the table cost, so up to here the
 * item is always the cheaper place; a few KB more would still be, but they cost ten times as much to keep, and every
 * reader of the run pays for them.
 */
export const MOST_INLINE_BYTES = 6 * 1024;

/** The largest pack without payload; above, the whole entry goes to the object. An item ends at 400 KB. */
const MOST_SLIM_BYTES = 64 * 1024;

/** Texts of more characters hardly ever compress to {@link MOST_INLINE_BYTES}. To try takes about 55 µs a KB. */
const MOST_INLINE_CHARACTERS = 48 * 1024;

/** How an entry is kept: `pack` in its item, `payload` in its object. */
export type PackedEntry =
  | { readonly kind: "inline"; readonly pack: Uint8Array }
  | { readonly kind: "split"; readonly pack: Uint8Array; readonly payload: Uint8Array }
  | { readonly kind: "outside"; readonly payload: Uint8Array };

const digestsOf = (events: readonly PackedEvent[]): Buffer => {
  for (const { digest } of events) {
    if (!/^[0-9a-f]{32}$/.test(digest)) throw new TypeError(`expected a digest of 32 hex characters, came ${digest}`);
  }
  return Buffer.from(events.map(({ digest }) => digest).join(""), "hex");
};

/** Every payload value's text in order of position, undefined for a shared one. */
const textsOf = (events: readonly PackedEvent[]): (string | undefined)[] =>
  events.flatMap(({ payload }) => payload.map((value) => ("text" in value ? value.text : undefined)));

/** Structure, an empty line, texts. One stream compresses best where texts are most of it, two where they are not. */
const documentOf = ({ structure, texts }: { structure: string; texts: string }): Buffer =>
  Buffer.from(`${structure}${BLOCK_END}${texts}`);

/** Undefined where it does not stay within so many bytes. */
const packForItem = (kind: "inline" | "slim", events: readonly PackedEvent[], mostBytes: number) => {
  const sections = writeEvents(events, kind === "inline" ? "texts" : "previews");
  const streams =
    kind === "inline" ? [documentOf(sections)] : [Buffer.from(sections.structure), Buffer.from(sections.texts)];
  const fixed = [digestsOf(events), sections.raw];
  const quick = compressQuickly(streams);
  const fixedBytes = frame(kind, [...fixed, ...quick]).length - totalBytes(quick);
  if (fixedBytes + leastBytesOf(quick, streams) > mostBytes) return undefined;
  const pack = frame(kind, [...fixed, ...compressHarder(streams, quick, fixedBytes)]);
  return pack.length <= mostBytes ? pack : undefined;
};

/** A line for each position; a shared value's is empty. */
const packTexts = (texts: readonly (string | undefined)[]): Buffer => {
  const lines = texts.map((text) => (text === undefined ? "" : toLine(text)));
  return frame("texts", [compressForObject(Buffer.from(lines.join(LINE_END)))]);
};

const packOutside = (events: readonly PackedEvent[]): Buffer => {
  const sections = writeEvents(events, "texts");
  return frame("outside", [digestsOf(events), sections.raw, compressForObject(documentOf(sections))]);
};

/**
 * Packs the events of one entry. In the item where that stays within {@link MOST_INLINE_BYTES}, or where previews show
 * all there is; else payload to an object. Throws for more than 64 MiB of text, which could not be read back.
 */
export const packEntry = (events: readonly PackedEvent[]): PackedEntry => {
  const texts = textsOf(events);
  const isShownWhole = texts.every((text) => text === undefined || text === previewOf(text));
  const characters = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  if (!isShownWhole && characters <= MOST_INLINE_CHARACTERS) {
    const pack = packForItem("inline", events, MOST_INLINE_BYTES - ITEM_OVERHEAD_BYTES);
    if (pack !== undefined) return { kind: "inline", pack };
  }
  const pack = packForItem("slim", events, MOST_SLIM_BYTES);
  if (pack === undefined) return { kind: "outside", payload: packOutside(events) };
  return isShownWhole ? { kind: "inline", pack } : { kind: "split", pack, payload: packTexts(texts) };
};

const readable = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadablePackError) throw error;
    throw new UnreadablePackError("expected packed events, came bytes that do not unpack", { cause: error });
  }
};

const sectionsOf = (kind: FrameKind, [raw, first, second]: readonly Buffer[]): Sections => {
  if (raw === undefined || first === undefined) throw new UnreadablePackError("expected streams in packed events");
  if (kind === "slim") {
    const texts = second === undefined ? "" : decompressFromItem(second);
    return { raw, structure: decompressFromItem(first), texts };
  }
  const document = kind === "inline" ? decompressFromItem(first) : decompressFromObject(first);
  const end = document.lastIndexOf(BLOCK_END);
  return { raw, structure: document.slice(0, end), texts: document.slice(end + BLOCK_END.length) };
};

/**
 * The events of an entry, from `pack` of an inline or split entry, or from `payload` of an outside one. Payload values
 * come with their texts where the bytes hold them. Throws UnreadablePackError.
 */
export const unpackEntry = (bytes: Uint8Array): UnpackedEvent[] =>
  readable(() => {
    const { kind, sections } = unframe(bytes);
    if (kind === "texts") throw new UnreadablePackError("expected packed events, came their payload");
    const [digests = Buffer.alloc(0), ...others] = sections;
    return readEvents(sectionsOf(kind, others), {
      digests: digests.toString("hex").match(/.{32}/g) ?? [],
      depth: kind === "slim" ? "previews" : "texts",
    });
  });

/** Payload texts by position, from `payload` of a split entry, or from what {@link unpackEntry} reads. Throws UnreadablePackError. */
export const unpackTexts = (bytes: Uint8Array): ReadonlyMap<number, string> =>
  readable(() => {
    const { kind, sections } = unframe(bytes);
    if (kind === "texts") {
      const lines = decompressFromObject(sections[0] ?? Buffer.alloc(0)).split(LINE_END);
      return new Map(lines.flatMap((line, position) => (line === "" ? [] : [[position, fromLine(line)]])));
    }
    const values = unpackEntry(bytes).flatMap(({ payload }) => payload);
    return new Map(values.flatMap(({ position, text }) => (text === undefined ? [] : [[position, text]])));
  });
