import {
  brotliCompressSync,
  brotliDecompressSync,
  constants as z,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";

/** The most that one stream unpacks to. A request is smaller; bytes that claim more are not ours. */
export const MOST_STREAM_BYTES = 64 * 1024 * 1024;

/**
 * What an entry's item weighs beside its packed bytes: names of attributes, keys with ids of usual length, number and
 * size attributes. The store owns this number and checks it by a test.
 */
export const ITEM_OVERHEAD_BYTES = 200;

/** What writing an item with this many packed bytes costs: one unit for each KiB begun. */
export const writeUnitsOf = (packedBytes: number): number => Math.ceil((packedBytes + ITEM_OVERHEAD_BYTES) / 1024);

const QUICK = 5;
const HARD = 10;
/** What quality 10 saves of quality 5, at best (measured on the reference runs: 7 to 14 %). */
const HARD_GAIN = 0.13;
const MOST_HARD_BYTES = 32 * 1024;

const brotli = (stream: Buffer, quality: number): Buffer =>
  brotliCompressSync(stream, {
    params: {
      [z.BROTLI_PARAM_QUALITY]: quality,
      [z.BROTLI_PARAM_LGWIN]: 18,
      [z.BROTLI_PARAM_SIZE_HINT]: stream.length,
    },
  });

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

export const decompressFromItem = (stream: Buffer): string =>
  brotliDecompressSync(stream, { maxOutputLength: MOST_STREAM_BYTES }).toString();

export const decompressFromObject = (stream: Buffer): string =>
  zstdDecompressSync(stream, { maxOutputLength: MOST_STREAM_BYTES }).toString();
