import type { RecordDependencies } from "../app/record-events.ts";
import type { QuarantineStore } from "../ports/quarantine-store.ts";
import type { Log } from "./log.ts";

/** What functions work on. Each takes all of it; its role in AWS lets it use what it needs. */
export interface Dependencies extends RecordDependencies {
  readonly quarantine: QuarantineStore;
  readonly log: Log;
}
