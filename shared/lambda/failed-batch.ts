import type { DynamoDBStreamEvent } from "aws-lambda";
import * as v from "valibot";

const parsed = v.parseJson(undefined, "expected JSON");

/**
 * The object that Lambda writes for a batch of a stream that it has given up: what went wrong and where, and as
 * `payload` the whole event that the function was called with, as JSON in a string.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
const FailedBatch = v.pipe(
  v.string(),
  parsed,
  v.object({
    payload: v.pipe(v.string(), parsed, v.looseObject({ Records: v.array(v.looseObject({})) })),
  }),
);

/** The event that a function failed on, or why it cannot be told; the reason quotes nothing of it. */
export type FailedBatchReading =
  | { readonly ok: true; readonly event: DynamoDBStreamEvent }
  | { readonly ok: false; readonly reason: string };

/** Reads an object of the failures bucket. */
export const readFailedBatch = (text: string): FailedBatchReading => {
  const reading = v.safeParse(FailedBatch, text);
  if (reading.success) return { ok: true, event: reading.output.payload };
  const [issue] = reading.issues;
  const path = v.getDotPath(issue);
  const where = path === null ? "the object" : path;
  return { ok: false, reason: `${where}: expected ${issue.expected ?? "JSON"}, as Lambda writes a batch that failed` };
};
