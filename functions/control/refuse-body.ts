import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import type { Request } from "../../shared/lambda/request.ts";

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Refuses a body that says anything: the route takes none, or `{}`. */
export const refuseBody = (request: Request): Refusal | undefined => {
  const text = request.body.toString().trim();
  if (text === "") return undefined;
  const value = parsed(text);
  if (value === undefined) return refuse("NOT_JSON", "expected no body, or {}");
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject) return refuse("INVALID_REQUEST", "expected no body, or {}");
  const errors = Object.keys(value).map((path) => ({ path, message: "not a member of this request" }));
  return errors.length === 0 ? undefined : refuse("INVALID_REQUEST", "expected no body, or {}", { errors });
};

/** Refuses whatever a request says beside its path: the route takes neither parameters nor a body. */
export const refuseInput = (request: Request): Refusal | undefined => {
  const parameters = readQuery(request, {});
  return "code" in parameters ? parameters : refuseBody(request);
};
