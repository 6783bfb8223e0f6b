import * as v from "valibot";
import type { InputError } from "../contract/event.ts";
import { type Refusal, refuse } from "./answer.ts";
import type { Request } from "./request.ts";

/** A whole number in a query: `limit=100`. */
export const wholeNumber = (range: { min: number; max: number; otherwise: number }) => {
  const message = `expected a whole number from ${range.min} to ${range.max}`;
  return v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,9}$/, message),
      v.transform(Number),
      v.minValue(range.min, message),
      v.maxValue(range.max, message),
    ),
    String(range.otherwise),
  );
};

/** A parameter that may be repeated. */
const REPEATED: ReadonlySet<string> = new Set(["status", "tag", "min_version"]);

/**
 * Reads the query by a schema: every wrong, unknown or repeated parameter is named at once. Parameters that may be
 * repeated come as lists.
 */
export const readQuery = <S extends v.ObjectEntries>(
  request: Request,
  entries: S,
): { query: v.InferOutput<v.ObjectSchema<S, undefined>> } | Refusal => {
  const errors: InputError[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, given] of request.query) {
    if (!Object.hasOwn(entries, name)) errors.push({ path: name, message: "not a parameter of this route" });
    else if (REPEATED.has(name)) values[name] = given;
    else if (given.length > 1) errors.push({ path: name, message: "expected once" });
    else values[name] = given[0];
  }
  const parsed = v.safeParse(v.object(entries), values);
  for (const issue of parsed.issues ?? []) {
    errors.push({
      path: (v.getDotPath(issue) ?? "").split(".")[0] ?? "",
      message: issue.received === "undefined" ? "required" : issue.message,
    });
  }
  if (errors.length === 0 && parsed.success) return { query: parsed.output };
  return refuse("INVALID_REQUEST", "the query is not valid", { errors });
};
