import type { FieldValue } from "../../contract/event.ts";
import { JsonText } from "../../contract/json-text.ts";
import type { ColumnReader, ColumnWriter } from "./columns.ts";
import { UnreadablePackError } from "./pack-frame.ts";

/** Longer literals go with the long texts. */
const LONGEST_LITERAL = 40;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HEX = /^[0-9a-f]+$/;
const isUuid = (text: string): boolean => text.length === 36 && UUID.test(text);
const isHex = (text: string): boolean => (text.length === 32 || text.length === 64) && HEX.test(text);

/** A value's kind, one upper-case letter, and its text: equal for equal values only. */
export const formOf = (value: FieldValue): string => {
  if (value === null) return "_";
  if (typeof value === "number") return Object.is(value, -0) ? "N-0" : `N${value}`;
  if (value instanceof JsonText) return value.text.length > LONGEST_LITERAL ? `K${value.text}` : `J${value.text}`;
  if (typeof value === "object") return `T${JSON.stringify(value)}`;
  if (isUuid(value)) return `U${value.replaceAll("-", "")}`;
  if (isHex(value)) return value.length === 32 ? `H${value}` : `D${value}`;
  return value.length > LONGEST_LITERAL ? `L${value}` : `S${value}`;
};

/** Reads a value of this kind. */
export const readValue = (columns: ColumnReader, column: string, kind: string): FieldValue => {
  switch (kind) {
    case "N":
      return Number(columns.literal(column));
    case "J":
      return new JsonText(columns.literal(column));
    case "K":
      return new JsonText(columns.text());
    case "T":
      return JSON.parse(columns.literal(column)) as string[];
    case "U":
      return columns.raw(16).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    case "H":
      return columns.raw(16);
    case "D":
      return columns.raw(32);
    case "L":
      return columns.text();
    case "S":
      return columns.literal(column);
    default:
      throw new UnreadablePackError(`expected a known kind of value in packed events, came ${JSON.stringify(kind)}`);
  }
};

/** Writes a value by its form, its kind being the token. */
export const writeValue = (columns: ColumnWriter, column: string, form: string): void => {
  const kind = form.charAt(0);
  const text = form.slice(1);
  columns.token(column, kind);
  if (kind === "U" || kind === "H" || kind === "D") columns.raw(text);
  else if (kind === "K" || kind === "L") columns.text(text);
  else columns.literal(column, text);
};
