import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { queueFromEnvironment } from "../../shared/lambda/queue-environment.ts";
import { sqsJobQueue } from "../../shared/sqs/sqs-job-queue.ts";
import { workFunction } from "./work.ts";

const jobQueue = sqsJobQueue(queueFromEnvironment(process.env, "JOB_QUEUE_URL"));

/** What Lambda runs: jobs, slice after slice. */
export const handler = workFunction({ ...fromEnvironment(process.env), jobQueue });
