/** What works on jobs in the embedded stack: their queue, and the function behind it. */
import { randomUUID } from "node:crypto";
import { workFunction } from "../functions/work/work.ts";
import type { Dependencies } from "../shared/lambda/dependencies.ts";
import type { JobQueue } from "../shared/ports/job-queue.ts";
import { sqsJobQueue } from "../shared/sqs/sqs-job-queue.ts";
import type { AwsClients } from "./aws-clients.ts";
import { lambdaContext } from "./lambda-context.ts";
import { startQueuePoller } from "./queue-poller.ts";
import type { Queue } from "./resources.ts";

/** Where jobs are queued, and what they work on. */
export interface JobWorkerOptions {
  readonly clients: Pick<AwsClients, "sqs" | "region">;
  readonly queue: Queue;
  /** The SQS server. */
  readonly endpoint: string;
  readonly dependencies: Dependencies;
}

/** The worker while it runs. */
export interface JobWorker {
  readonly jobQueue: JobQueue;
  /** Resolves when the slices under way are over, which they are soon: they go on at the next start, if the queue is there. */
  stop(): Promise<void>;
}

/** Begins at once. */
export function startJobWorker({ clients, queue, endpoint, dependencies }: JobWorkerOptions): JobWorker {
  const { sqs: client, region } = clients;
  const jobQueue = sqsJobQueue({
    queueUrl: queue.url,
    region,
    endpoint,
    credentials: () => client.config.credentials(),
  });
  const work = workFunction({ ...dependencies, jobQueue });
  let isStopping = false;
  const context = () => {
    const inTime = lambdaContext("runstone-work", randomUUID());
    return { ...inTime, getRemainingTimeInMillis: () => (isStopping ? 0 : inTime.getRemainingTimeInMillis()) };
  };
  const poller = startQueuePoller({
    client,
    queue,
    region,
    consume: (event) => work(event, context()),
    log: (message) => dependencies.log({ level: "warn", message }),
  });
  return {
    jobQueue,
    stop: () => {
      isStopping = true;
      return poller.stop();
    },
  };
}
