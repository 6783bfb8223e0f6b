import {
  brotliCompressSync,
  brotliDecompressSync,
  constants as z,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";

/** The most that one stream unpacks to. A request is smaller; bytes that claim more are not ours. */
const MOST_STREAM_BYTES = 64 * 1024 * 1024;

/**
 * What an entry's item weighs beside its packed bytes, with some room: names of attributes, parts of keys and numbers
 * are 74 bytes, the ids of tenant and run 36 each where they are UUIDs. Too low a guess costs a write unit now and then,
 * too high a one a few milliseconds.
 */
export const ITEM_OVERHEAD_BYTES = 200;

/** What writing an item with this many packed bytes costs: one unit for each KiB begun. */
const writeUnitsOf = (packedBytes: number): number => Math.ceil((packedBytes + ITEM_OVERHEAD_BYTES) / 1024);

const QUICK = 5;
const HARD = 10;
/** What quality 10 may save of quality 5: on the reference runs 9 to 13 % without payload, 11 to 23 % with it. */
const HARD_GAIN = 0.16;
const MOST_HARD_BYTES = 32 * 1024;

const brotli = (stream: Buffer, quality: number): Buffer =>
  brotliCompressSync(stream, {
    params: {
      [z.BROTLI_PARAM_QUALITY]: quality,
      [z.BROTLI_PARAM_LGWIN]: 18,
      [z.BROTLI_PARAM_SIZE_HINT]: stream.length,
    },
  });

/** How long these are together. */
export const totalBytes = (streams: readonly Uint8Array[]): number =>
  streams.reduce((sum, { length }) => sum + length, 0);

/** The size that {@link compressHarder} may bring these streams to, in bytes. */
export const leastBytesOf = (quick: readonly Buffer[], raw: readonly Buffer[]): number =>
  totalBytes(raw) > MOST_HARD_BYTES ? totalBytes(quick) : Math.floor(totalBytes(quick) * (1 - HARD_GAIN));

const assertBounded = (stream: Buffer): void => {
  if (stream.length > MOST_STREAM_BYTES) {
    throw new RangeError(`expected at most ${MOST_STREAM_BYTES} bytes in one entry, came ${stream.length}`);
  }
};

/** Compresses the streams of an item with brotli 5. */
export const compressQuickly = (streams: readonly Buffer[]): Buffer[] =>
  streams.map((stream) => {
    assertBounded(stream);
    return brotli(stream, QUICK);
  });

/**
 * Compresses the same with brotli 10 where that may save a write unit, `fixedBytes` being beside the streams in the
 * item. A write unit ($0.625 per million) costs what 46 ms of Lambda with 1 GB cost; quality 10 takes about 0.6 ms per
 * raw KB. Gives the smaller of both.
 */
export const compressHarder = (raw: readonly Buffer[], quick: Buffer[], fixedBytes: number): Buffer[] => {
  const quickBytes = totalBytes(quick);
  const leastBytes = leastBytesOf(quick, raw);
  if (writeUnitsOf(fixedBytes + leastBytes) === writeUnitsOf(fixedBytes + quickBytes)) return quick;
  const hard = raw.map((stream) => brotli(stream, HARD));
  return totalBytes(hard) < quickBytes ? hard : quick;
};

/** Compresses for an object: its bytes are nearly free, processor time is not. */
export const compressForObject = (stream: Buffer): Buffer => {
  assertBounded(stream);
  return zstdCompressSync(stream, { params: { [z.ZSTD_c_compressionLevel]: 3 } });
};

/** The text of a stream of an item. Throws what zlib throws, and for more than 64 MiB. */
export const decompressFromItem = (stream: Buffer): string =>
  brotliDecompressSync(stream, { maxOutputLength: MOST_STREAM_BYTES }).toString();

/** The text of a stream of an object. Throws like {@link decompressFromItem}. */
export const decompressFromObject = (stream: Buffer): string =>
  zstdDecompressSync(stream, { maxOutputLength: MOST_STREAM_BYTES }).toString();
