import { crc32 } from "node:zlib";

/** The version of the format that is written, and the only one so far that is read. */
export const PACK_VERSION = 1;

/** What packed bytes hold: whole events; events without their payload; whole events for an object; payload texts. */
export type FrameKind = "inline" | "slim" | "outside" | "texts";

const KINDS: readonly FrameKind[] = ["inline", "slim", "outside", "texts"];
const HEAD_BYTES = 6;

/** Packed bytes that cannot be read: of another version, cut, or not packed here. Reading them again gives the same. */
export class UnreadablePackError extends Error {
  override readonly name = "UnreadablePackError";
  readonly isRetryable = false;
}

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

/** Version, kind and checksum (CRC-32: brotli has none of its own), then each section with its length. */
export const frame = (kind: FrameKind, sections: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(sections.flatMap((section) => [Buffer.from(varint(section.length)), section]));
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = PACK_VERSION;
  head[1] = KINDS.indexOf(kind);
  head.writeUInt32LE(crc32(body, head[1]), 2);
  return Buffer.concat([head, body]);
};

/** Undoes {@link frame}. Throws {@link UnreadablePackError}. */
export const unframe = (bytes: Uint8Array): { readonly kind: FrameKind; readonly sections: readonly Buffer[] } => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.length < HEAD_BYTES) {
    throw new UnreadablePackError(`expected packed events, came ${buffer.length} bytes`);
  }
  if (buffer[0] !== PACK_VERSION) {
    throw new UnreadablePackError(`expected packed events of version ${PACK_VERSION}, came version ${buffer[0]}`);
  }
  const kind = KINDS[buffer.readUInt8(1)];
  const body = buffer.subarray(HEAD_BYTES);
  if (kind === undefined || crc32(body, buffer.readUInt8(1)) !== buffer.readUInt32LE(2)) {
    throw new UnreadablePackError(`expected packed events, came ${buffer.length} bytes whose checksum is another`);
  }
  const sections: Buffer[] = [];
  let at = 0;
  while (at < body.length) {
    let length = 0;
    for (let scale = 1, more = true; more; scale *= 128) {
      const byte = body.readUInt8(at++);
      length += (byte % 128) * scale;
      more = byte >= 128;
    }
    sections.push(body.subarray(at, at + length));
    at += length;
  }
  return { kind, sections };
};
