import type { FieldValue } from "../../contract/event.ts";
import { remembered } from "../remembered.ts";
import { formOf, readValue, writeValue } from "./cell-values.ts";
import { columnReader, columnWriter, type Sections } from "./columns.ts";
import { KNOWN_VALUES } from "./known-words.ts";
import { UnreadablePackError } from "./pack-frame.ts";

type Value = FieldValue | undefined;

/** What a value is likely to be. Where it is, its cell is one character that repeats. */
export interface Expectation {
  readonly same?: Value;
  readonly elapsed?: number;
}

/**
 * Writes or reads the cells of columns: a writer takes a value and gives it back, a reader ignores what it is given and
 * gives back what was written. So one walk over the events, with either, describes the format both ways.
 */
export interface CellCoder {
  cell(column: string, value: Value, expected?: Expectation): Value;
  /** A text that hardly ever repeats. */
  literal(column: string, text: string): string;
  token(column: string, token: string): string;
  /** A long text. */
  text(text: string): string;
  /** A text of a length that a reader knows, and plain (see isPlain). */
  exactText(text: string, length: number): string;
}

const ALL_IDS = "_id";

/** Values that a column has held. Ids name each other, so all share one, counted back from the newest. */
interface Dictionary {
  readonly values: FieldValue[];
  readonly places: Map<string, number>;
  readonly isCountedBack: boolean;
}

const dictionaries = (): ((column: string) => Dictionary) => {
  const dictionaryOf = remembered((name: string): Dictionary => {
    const values = Object.hasOwn(KNOWN_VALUES, name) ? [...(KNOWN_VALUES[name] ?? [])] : [];
    const places = new Map(values.map((value, place) => [formOf(value), place]));
    return { values, places, isCountedBack: name === ALL_IDS };
  });
  return (column) => dictionaryOf(column.endsWith("_id") ? ALL_IDS : column);
};

/** From a value's place to its count and back. */
const turned = ({ values, isCountedBack }: Dictionary, place: number): number =>
  isCountedBack ? values.length - 1 - place : place;

/** A count as one character: a to z, then from U+0100 to below the surrogates. */
export const characterOf = (count: number): string | undefined =>
  count < 26 ? String.fromCharCode(97 + count) : count < 0xd000 ? String.fromCharCode(0x100 + count) : undefined;

/** The count that {@link characterOf} made this character of, undefined for any other. */
export const countOf = (character: string): number | undefined => {
  const code = character.charCodeAt(0);
  if (code >= 0x100) return code - 0x100;
  return code >= 97 && code < 123 ? code - 97 : undefined;
};

const NOT_SENT = "-";
const SAME = "=";
const NULL = "_";
const ELAPSED = "~";
const NEXT = "+";

const isSame = (one: Value, other: Value): boolean => {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  return formOf(one) === formOf(other);
};

/** A coder that writes. */
export const cellWriter = (): CellCoder & { finish(): Sections } => {
  const columns = columnWriter();
  const dictionaryOf = dictionaries();
  const lastNumbers = new Map<string, number>();
  /** The token of a value that needs no literal. */
  const knownToken = (column: string, value: Value, expected: Expectation): string | undefined => {
    if (value === undefined) return NOT_SENT;
    if (isSame(value, expected.same)) return SAME;
    if (value === null) return NULL;
    if (typeof value === "number" && Object.is(value, expected.elapsed)) return ELAPSED;
    if (Object.is(value, (lastNumbers.get(column) ?? Number.NaN) + 1)) return NEXT;
    const dictionary = dictionaryOf(column);
    const place = dictionary.places.get(formOf(value));
    return place === undefined ? undefined : characterOf(turned(dictionary, place));
  };
  const writeNew = (column: string, value: FieldValue): void => {
    const { places, values } = dictionaryOf(column);
    const form = formOf(value);
    places.set(form, values.length);
    values.push(value);
    writeValue(columns, column, form);
  };
  return {
    cell(column, value, expected = {}) {
      const token = knownToken(column, value, expected);
      if (typeof value === "number") lastNumbers.set(column, value);
      if (token !== undefined) columns.token(column, token);
      else if (value !== undefined) writeNew(column, value);
      return value;
    },
    literal(column, text) {
      columns.literal(column, text);
      return text;
    },
    token(column, token) {
      columns.token(column, token);
      return token;
    },
    text(text) {
      columns.text(text);
      return text;
    },
    exactText(text) {
      columns.exactText(text);
      return text;
    },
    finish: columns.finish,
  };
};

/** A coder that reads. Throws UnreadablePackError where the sections do not hold what is read. */
export const cellReader = (sections: Sections): CellCoder => {
  const columns = columnReader(sections);
  const dictionaryOf = dictionaries();
  const lastNumbers = new Map<string, number>();
  const read = (column: string, expected: Expectation): Value => {
    const token = columns.token(column);
    if (token === NOT_SENT) return undefined;
    if (token === SAME) return expected.same;
    if (token === NULL) return null;
    if (token === ELAPSED) return expected.elapsed;
    if (token === NEXT) return (lastNumbers.get(column) ?? Number.NaN) + 1;
    const dictionary = dictionaryOf(column);
    const count = countOf(token);
    if (count === undefined) {
      const value = readValue(columns, column, token);
      dictionary.values.push(value);
      return value;
    }
    const known = dictionary.values[turned(dictionary, count)];
    if (known === undefined) throw new UnreadablePackError(`expected a value that ${column} has held, came ${count}`);
    return known;
  };
  return {
    cell(column, _value, expected = {}) {
      const value = read(column, expected);
      if (typeof value === "number") lastNumbers.set(column, value);
      return value;
    },
    literal: (column) => columns.literal(column),
    token: (column) => columns.token(column),
    text: () => columns.text(),
    exactText: (_, length) => columns.exactText(length),
  };
};
