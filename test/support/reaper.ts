import { readFileSync } from "node:fs";
import { join } from "node:path";
import { reapFunction } from "../../functions/reap/reap.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { LogLine } from "../../shared/lambda/log.ts";

const TICK: unknown = JSON.parse(readFileSync(join(__dirname, "../../events/schedule/tick.json"), "utf8"));

/** The upkeep of a service, by the event of its schedule. */
export interface Reaper {
  /** A tick that has so many milliseconds left, as it is asked; resolves to what it has logged. Throws as the function does. */
  tick(remainingMs?: () => number): Promise<LogLine>;
}

/** A process of its own: it remembers nothing of others. */
export const newReaper = (dependencies: Dependencies): Reaper => {
  const lines: LogLine[] = [];
  const log = (line: LogLine): void => {
    lines.push(line);
    dependencies.log(line);
  };
  const reap = reapFunction({ ...dependencies, log });
  return {
    tick: async (remainingMs = () => 240_000) => {
      await reap(TICK, { getRemainingTimeInMillis: remainingMs });
      const line = lines.findLast(({ message }) => message === "upkeep");
      if (line === undefined) throw new Error("expected a tick to log what it has done");
      return line;
    },
  };
};
