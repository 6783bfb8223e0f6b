import * as v from "valibot";
import type { InputError } from "../../shared/contract/event.ts";
import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { Request } from "../../shared/lambda/request.ts";

const parsed = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
};

const errorOf = (issue: v.BaseIssue<unknown>): InputError => ({
  path: v.getDotPath(issue) ?? "",
  message:
    issue.expected === "never"
      ? "not a member of this request"
      : issue.input === undefined
        ? "required"
        : issue.message,
});

/** The JSON body of a request by its schema, or a refusal with every reason. */
export const readJson = <S extends v.GenericSchema>(
  request: Request,
  schema: S,
): { body: v.InferOutput<S> } | Refusal => {
  const json = parsed(request.body.toString());
  if (json === undefined) return refuse("NOT_JSON", "expected a JSON body");
  // An object without members and an empty list are the same to a schema.
  if (Array.isArray(json.value)) return refuse("INVALID_REQUEST", "expected a JSON object, came a list");
  const reading = v.safeParse(schema, json.value);
  if (reading.success) return { body: reading.output };
  return refuse("INVALID_REQUEST", "the body is not valid", { errors: reading.issues.map(errorOf) });
};
