import type { Clock } from "../../shared/ports/clock.ts";

/** Time that passes only where a test says so, or where the service sleeps. */
export interface ManualClock extends Clock {
  /** Lets so many milliseconds pass. */
  advance(milliseconds: number): void;
  /** What happens while the service sleeps next, or every time from now on. */
  duringSleep(happens: () => Promise<void>): void;
}

/** A clock that stands at this moment. */
export const manualClock = (moment = "2026-11-22T12:00:00.000Z"): ManualClock => {
  let now = Date.parse(moment);
  let happening = async (): Promise<void> => undefined;
  return {
    now: () => now,
    advance: (milliseconds) => {
      now += milliseconds;
    },
    duringSleep: (happens) => {
      happening = happens;
    },
    sleep: async (milliseconds) => {
      now += milliseconds;
      await happening();
    },
  };
};
