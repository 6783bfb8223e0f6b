import type { RedriveResult } from "../../shared/app/quarantine/redrive-event.ts";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import { quarantineIdOf } from "../../shared/domain/quarantine.ts";

/** How many events of a redrive came to which end. */
export const countRedriven = (
  results: readonly RedriveResult[],
): Record<"redriven" | "still_refused" | "unavailable", number> => {
  const counts = { redriven: 0, still_refused: 0, unavailable: 0 };
  for (const { status } of results) counts[status]++;
  return counts;
};

/** What became of one event, in the words of the answer. */
export const showRedriven = (result: RedriveResult): JsonOutput => ({
  id: quarantineIdOf(result.position),
  run_id: result.runId ?? null,
  status: result.status,
  code: result.status === "still_refused" ? result.code : result.status === "unavailable" ? "UNAVAILABLE" : undefined,
  errors: result.status === "still_refused" ? result.errors.map(({ path, message }) => ({ path, message })) : undefined,
});
