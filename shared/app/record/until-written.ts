import type { Clock } from "../../ports/clock.ts";
import { StoreFault } from "../../ports/store-fault.ts";

/** Writers of one header that keep overtaking each other: each round, one of them wins. */
const MOST_ROUNDS = 12;

/**
 * Looks at a run's header and writes it, again and again, until nobody has written in between. `attempt` answers undefined
 * where somebody has. Throws a retryable StoreFault where that does not end, and what `attempt` throws.
 */
export const untilWritten = async <Answer>(
  clock: Clock,
  attempt: () => Promise<Exclude<Answer, undefined> | undefined>,
): Promise<Exclude<Answer, undefined>> => {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const answer = await attempt();
    if (answer !== undefined) return answer;
    await clock.sleep(2 ** Math.min(round, 7));
  }
  throw new StoreFault("the run's header is written by too many at once", { cause: undefined, isRetryable: true });
};
