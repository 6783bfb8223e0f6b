import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { queueFromEnvironment } from "../../shared/lambda/queue-environment.ts";
import { sqsJobQueue } from "../../shared/sqs/sqs-job-queue.ts";
import { controlFunction } from "./control.ts";

const jobQueue = sqsJobQueue(queueFromEnvironment(process.env, "JOB_QUEUE_URL"));

/** What Lambda runs: what administrators ask for over HTTP. */
export const handler = controlFunction({ ...fromEnvironment(process.env), jobQueue });
