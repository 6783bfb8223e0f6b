import { createHash } from "node:crypto";
import * as v from "valibot";
import { type Refusal, refuse } from "./answer.ts";
import type { Request } from "./request.ts";

const MARK_BYTES = 6;

const mark = (content: string | Uint8Array): Buffer =>
  createHash("sha256").update(content).digest().subarray(0, MARK_BYTES);

/** What a cursor is not bound to: where a list stands, how long a page is, and how fresh its runs have to be. */
const FREE: ReadonlySet<string> = new Set(["after", "cursor", "limit", "wait", "min_version"]);

/** What a cursor is bound to: tenant, route, path and filters. */
const bindingOf = (request: Request): Buffer => {
  const filters = [...request.query].filter(([name]) => !FREE.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return mark(JSON.stringify([request.caller?.tenantId, request.route, request.path, filters]));
};

/** An opaque cursor: a position, bound to the query that it belongs to. It holds no key and grants nothing. */
export const writeCursor = (request: Request, position: unknown): string => {
  const content = Buffer.concat([bindingOf(request), Buffer.from(JSON.stringify(position))]);
  return Buffer.concat([mark(content), content]).toString("base64url");
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The position of the request's cursor; undefined without one. */
export const readCursor = <S extends v.GenericSchema>(
  request: Request,
  schema: S,
): { position: v.InferOutput<S> | undefined } | Refusal => {
  const given = request.query.get("after")?.[0] ?? request.query.get("cursor")?.[0];
  if (given === undefined) return { position: undefined };
  const damaged = refuse("CURSOR_INVALID", "expected a next_cursor of an earlier answer, unchanged");
  const bytes = Buffer.from(given, "base64url");
  const content = bytes.subarray(MARK_BYTES);
  const isWhole = bytes.toString("base64url") === given && bytes.subarray(0, MARK_BYTES).equals(mark(content));
  if (!isWhole) return damaged;
  if (!content.subarray(0, MARK_BYTES).equals(bindingOf(request))) {
    return refuse("CURSOR_MISMATCH", "this cursor belongs to another query: keep path and filters as they were");
  }
  const position = v.safeParse(schema, parsed(content.subarray(MARK_BYTES).toString()));
  return position.success ? { position: position.output } : damaged;
};
