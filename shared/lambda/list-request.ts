import * as v from "valibot";
import type { JsonOutput } from "../contract/json-text.ts";
import type { Refusal } from "./answer.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { readQuery } from "./query-parameters.ts";
import type { Request } from "./request.ts";

/** Where a list goes on; both names are taken. */
const CURSOR_PARAMETERS = { after: v.optional(v.string()), cursor: v.optional(v.string()) };

/** What a request to a list asks for: its own parameters, and the position where the page before ended. */
export const readListRequest = <E extends v.ObjectEntries, P extends v.GenericSchema>(
  request: Request,
  parameters: E,
  position: P,
): { query: v.InferOutput<v.ObjectSchema<E, undefined>>; position: v.InferOutput<P> | undefined } | Refusal => {
  const read = readQuery(request, { ...parameters, ...CURSOR_PARAMETERS });
  if ("code" in read) return read;
  const cursor = readCursor(request, position);
  if ("code" in cursor) return cursor;
  return { query: read.query as v.InferOutput<v.ObjectSchema<E, undefined>>, position: cursor.position };
};

/** The members that end every list's answer. Undefined: there is no more. */
export const endOfPage = (request: Request, next: unknown): { has_more: boolean; next_cursor: JsonOutput } => ({
  has_more: next !== undefined,
  next_cursor: next === undefined ? null : writeCursor(request, next),
});
