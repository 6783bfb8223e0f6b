import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";

/** What administrators' requests work on: what takes longer than a request goes on by the queue of jobs. */
export interface ControlDependencies extends Dependencies {
  readonly jobQueue: JobQueue;
}
