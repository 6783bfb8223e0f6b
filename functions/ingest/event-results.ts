import type { QueueResult } from "../../shared/app/record/queue-events.ts";
import type { EventResult } from "../../shared/app/record/received-event.ts";
import type { InputError } from "../../shared/contract/event.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";

/** What became of one event of a request. */
type Result = EventResult | QueueResult;

/** How many reasons an answer holds beside the first of each event: Lambda answers 6 MB at the most. */
const MOST_REASONS = 8000;

/** One line an event, in their order. */
export const showResults = (results: readonly Result[]): JsonOutput[] => {
  let left = MOST_REASONS;
  const errorsOf = (errors: readonly InputError[]): JsonOutput => {
    const shown = errors.slice(0, Math.max(1, left));
    left -= shown.length;
    return shown.map(({ path, message }) => ({ path, message }));
  };
  return results.map((result, index) => ({
    index,
    id: result.id ?? null,
    run_id: result.runId ?? null,
    status: result.status,
    code: result.status === "rejected" ? result.code : result.status === "unavailable" ? "UNAVAILABLE" : undefined,
    errors: result.status === "rejected" ? errorsOf(result.errors) : undefined,
  }));
};

/** How many events came to this end. */
export const countResults = (results: readonly Result[], status: Result["status"]): number =>
  results.filter((result) => result.status === status).length;
