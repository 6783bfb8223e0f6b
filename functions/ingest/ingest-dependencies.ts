import type { RecordingDependencies } from "../../shared/lambda/dependencies.ts";
import type { EventQueue } from "../../shared/ports/event-queue.ts";

/** What recording over HTTP works on: the queue is for producers that do not wait for the ledger. */
export interface IngestDependencies extends RecordingDependencies {
  readonly queue: EventQueue;
}
