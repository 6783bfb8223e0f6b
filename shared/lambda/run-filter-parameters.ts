import * as v from "valibot";
import { Id, RunId } from "../contract/identifiers.ts";
import { RUN_STATUSES } from "../contract/run-status.ts";
import type { RunFilter, TimeRange } from "../domain/run-filter.ts";
import { type Refusal, refuse } from "./answer.ts";
import { QueryInstant } from "./query-instant.ts";

/** No event says a longer word. */
const MOST_CHARACTERS = 256;
/** A run has no more tags. */
const MOST_TAGS = 20;

const text = v.pipe(
  v.string(),
  v.minLength(1, "expected a text"),
  v.maxLength(MOST_CHARACTERS, `expected at most ${MOST_CHARACTERS} characters`),
);

const seconds = v.pipe(
  v.string(),
  v.regex(/^\d{1,9}(\.\d{1,9})?$/, "expected seconds as a decimal number"),
  v.transform(Number),
);

/** The query parameters of a range of time. */
export const TIME_PARAMETERS = { created_after: v.optional(QueryInstant), created_before: v.optional(QueryInstant) };

/** The query parameters by which runs are found. */
export const RUN_FILTER_PARAMETERS = {
  status: v.optional(v.array(v.picklist(RUN_STATUSES, `expected one of ${RUN_STATUSES.join(", ")}`))),
  triggered_from: v.optional(text),
  workflow_id: v.optional(Id),
  workflow_version: v.optional(text),
  created_by: v.optional(text),
  tag: v.optional(v.pipe(v.array(text), v.maxLength(MOST_TAGS, `expected at most ${MOST_TAGS} tags`))),
  has_exceptions: v.optional(v.picklist(["true", "false"], "expected true or false")),
  ...TIME_PARAMETERS,
  min_elapsed: v.optional(seconds),
  parent_run_id: v.optional(RunId),
};

type TimeQuery = v.InferOutput<v.ObjectSchema<typeof TIME_PARAMETERS, undefined>>;
type FilterQuery = v.InferOutput<v.ObjectSchema<typeof RUN_FILTER_PARAMETERS, undefined>>;

/** The range that a query says. One that ends before it begins is refused: nobody means to ask for nothing. */
export const timeRangeOf = (query: TimeQuery): TimeRange | Refusal => {
  const { created_after: after, created_before: before } = query;
  if (after === undefined || before === undefined || after <= before) return { after, before };
  const errors = [{ path: "created_before", message: "expected a time that is not before created_after" }];
  return refuse("INVALID_REQUEST", "the query is not valid", { errors });
};

/** The filter that a query says. */
export const runFilterOf = (query: FilterQuery): RunFilter | Refusal => {
  const created = timeRangeOf(query);
  if ("code" in created) return created;
  return {
    statuses: query.status ?? [],
    triggeredFrom: query.triggered_from,
    workflowId: query.workflow_id,
    workflowVersion: query.workflow_version,
    createdBy: query.created_by,
    tags: query.tag ?? [],
    hasExceptions: query.has_exceptions === undefined ? undefined : query.has_exceptions === "true",
    created,
    minElapsedSeconds: query.min_elapsed,
    parentRunId: query.parent_run_id,
  };
};
