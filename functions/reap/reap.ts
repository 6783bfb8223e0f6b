import type { Context } from "aws-lambda";
import { type UpkeepFailure, upkeepOf } from "../../shared/app/upkeep/upkeep.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { Log } from "../../shared/lambda/log.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";

/** The function behind the schedule. Throwing means that a part of the upkeep could not be done. */
export type ScheduleHandler = (event: unknown, context: Pick<Context, "getRemainingTimeInMillis">) => Promise<void>;

/** What was begun gets so long to end (milliseconds). */
const RESERVE_MS = 20_000;

/** The failures that get a line of their own; the others are likely to be of the same kind. */
const MOST_LOGGED = 20;

/** Errors may quote what is stored: of any but a store's own, the name alone is told. */
const reasonOf = (error: unknown): string =>
  error instanceof StoreFault ? error.message : error instanceof Error ? error.name : "unknown";

const logFailure = (log: Log, { tenantId, appId, error }: UpkeepFailure): void =>
  log({ level: "error", message: "upkeep failed", tenant_id: tenantId, app_id: appId, reason: reasonOf(error) });

/**
 * The upkeep of all apps, a tick at a time: closes runs that went silent, lets runs expire by their apps' settings, keeps
 * what living runs need, sums up statistics. What is wrong with one app does not hold the others up: when those are done
 * the function throws, and the next tick tries again.
 */
export const reapFunction = (dependencies: Dependencies): ScheduleHandler => {
  const { log, clock } = dependencies;
  const upkeep = upkeepOf(dependencies);
  return async (_event, context) => {
    const begunAt = clock.now();
    const tick = await upkeep(() => context.getRemainingTimeInMillis() < RESERVE_MS);
    const { failures, beyondLast, isComplete, ...done } = tick;
    for (const failure of failures.slice(0, MOST_LOGGED)) logFailure(log, failure);
    log({
      level: "info",
      message: "upkeep",
      ...done,
      beyond_last: beyondLast,
      is_complete: isComplete,
      failures: failures.length,
      duration_ms: clock.now() - begunAt,
    });
    if (failures.length > 0) throw new Error(`upkeep failed in ${failures.length} places, of ${tick.apps} apps`);
  };
};
