/** The schedule of the embedded stack: has the function for upkeep go on, again and again. */
import type { Log } from "../shared/lambda/log.ts";

/** What is called, and how often. */
export interface ReaperOptions {
  /** Throwing means that a part could not be done: the next call makes up for it. */
  reap(getRemainingTimeInMillis: () => number): Promise<void>;
  /** Undefined: every five minutes, as on AWS. */
  readonly everyMs?: number | undefined;
  readonly log: Log;
}

/** The schedule while it runs. */
export interface Reaper {
  /** Begins nothing more, and resolves when the tick under way is done, which is told to hurry. */
  stop(): Promise<void>;
}

const EVERY_MS = 300_000;

/** As long as a tick has on AWS. */
const TICK_MS = 240_000;

/** The first tick comes after one interval. A tick that takes longer than that is not overtaken by the next one. */
export function startReaper({ reap, everyMs = EVERY_MS, log }: ReaperOptions): Reaper {
  let isStopping = false;
  let underWay: Promise<void> | undefined;
  const tick = async (): Promise<void> => {
    const endsAt = Date.now() + TICK_MS;
    try {
      await reap(() => (isStopping ? 0 : endsAt - Date.now()));
    } catch (error) {
      log({ level: "error", message: "upkeep failed, trying again", error });
    }
    underWay = undefined;
  };
  const timer = setInterval(() => {
    underWay ??= tick();
  }, everyMs);
  // It keeps nobody from ending.
  timer.unref();
  return {
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      await underWay;
    },
  };
}
