import { once } from "node:events";
import { createGzip } from "node:zlib";

/** A file of gzipped lines in memory, while it is written. */
export interface GzipLines {
  /** How long the lines are so far, in characters. */
  readonly length: number;
  add(line: string): Promise<void>;
  /** The file. Nothing can be added after that. */
  end(): Promise<Buffer>;
}

/** Lines are compressed so many characters at a time: a call of zlib for each would take longer. */
const BLOCK = 64 * 1024;

/** An empty file. What is kept of its lines is compressed. */
export const gzipLines = (): GzipLines => {
  const gzip = createGzip();
  const chunks: Buffer[] = [];
  gzip.on("data", (chunk: Buffer) => chunks.push(chunk));
  const isEnded = once(gzip, "end");
  let block = "";
  let length = 0;
  const flush = async (): Promise<void> => {
    const text = block;
    block = "";
    if (text !== "" && !gzip.write(text)) await once(gzip, "drain");
  };
  return {
    get length() {
      return length;
    },
    add: async (line) => {
      block += `${line}\n`;
      length += line.length + 1;
      if (block.length >= BLOCK) await flush();
    },
    end: async () => {
      await flush();
      gzip.end();
      await isEnded;
      return Buffer.concat(chunks);
    },
  };
};
