import { remembered } from "../remembered.ts";
import { UnreadablePackError } from "./pack-frame.ts";
import { BLOCK_END, fromLine, LINE_END, toLine } from "./text-lines.ts";

/**
 * The parts of packed events, which compress best apart. `structure` holds the columns in the order of their first use,
 * which a reader repeats, so their names are not written: a line of tokens, one character for each cell, and a line for
 * each literal; an empty line ends the column. `texts` holds long texts, a line each, but for those whose length a reader
 * knows. `raw` holds what compresses to nothing: ids that are random.
 */
export interface Sections {
  readonly structure: string;
  readonly texts: string;
  readonly raw: Buffer;
}

/** `tokens` without the repetitions at its end: a reader goes on with the last. */
const withoutTail = (tokens: string): string => {
  let end = tokens.length;
  while (end > 1 && tokens[end - 1] === tokens[end - 2]) end--;
  return tokens.slice(0, end);
};

/** Takes tokens and literals in any order of columns. */
export interface ColumnWriter {
  token(column: string, token: string): void;
  literal(column: string, text: string): void;
  text(text: string): void;
  /** A text of known length, plain (see isPlain). */
  exactText(text: string): void;
  /** Bytes in hex. */
  raw(hex: string): void;
  finish(): Sections;
}

/** A writer that has written nothing yet. */
export const columnWriter = (): ColumnWriter => {
  const columns: { tokens: string; literals: string[] }[] = [];
  const texts: string[] = [];
  const raw: string[] = [];
  const columnOf = remembered((_name: string) => {
    const column = { tokens: "", literals: [] as string[] };
    columns.push(column);
    return column;
  });
  return {
    token(column, token) {
      columnOf(column).tokens += token;
    },
    literal(column, text) {
      columnOf(column).literals.push(toLine(text));
    },
    text(text) {
      texts.push(`${toLine(text)}${LINE_END}`);
    },
    exactText(text) {
      texts.push(text);
    },
    raw(hex) {
      raw.push(hex);
    },
    finish() {
      const blocks = columns.map(({ tokens, literals }) => [withoutTail(tokens), ...literals].join(LINE_END));
      return { structure: blocks.join(BLOCK_END), texts: texts.join(""), raw: Buffer.from(raw.join(""), "hex") };
    },
  };
};

/** Gives tokens and literals in the order in which each column got them. */
export interface ColumnReader {
  token(column: string): string;
  literal(column: string): string;
  text(): string;
  exactText(length: number): string;
  /** So many bytes, in hex. */
  raw(bytes: number): string;
}

/** Reads back, in the same order, what a {@link columnWriter} was given. Throws UnreadablePackError past the end. */
export const columnReader = (sections: Sections): ColumnReader => {
  const blocks = sections.structure.split(BLOCK_END).values();
  let textsRead = 0;
  let rawRead = 0;
  const next = (lines: Iterator<string>, what: string): string => {
    const { value, done } = lines.next();
    if (done === true) throw new UnreadablePackError(`expected another ${what} in packed events, came their end`);
    return value;
  };
  const columnOf = remembered((_name: string) => {
    const [tokens = "", ...literals] = next(blocks, "column").split(LINE_END);
    return { tokens, read: 0, literals: literals.values() };
  });
  return {
    token(name) {
      const column = columnOf(name);
      return column.tokens.charAt(Math.min(column.read++, column.tokens.length - 1));
    },
    literal: (name) => fromLine(next(columnOf(name).literals, "literal")),
    text() {
      const end = sections.texts.indexOf(LINE_END, textsRead);
      if (end === -1) throw new UnreadablePackError("expected another text in packed events, came their end");
      const line = sections.texts.slice(textsRead, end);
      textsRead = end + 1;
      return fromLine(line);
    },
    exactText(length) {
      const text = sections.texts.slice(textsRead, textsRead + length);
      if (text.length < length) throw new UnreadablePackError("expected another text in packed events, came their end");
      textsRead += length;
      return text;
    },
    raw(bytes) {
      const hex = sections.raw.toString("hex", rawRead, rawRead + bytes);
      rawRead += bytes;
      if (hex.length < 2 * bytes) throw new UnreadablePackError("expected another id in packed events, came their end");
      return hex;
    },
  };
};
