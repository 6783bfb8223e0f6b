import { queueFromEnvironment } from "../../shared/lambda/queue-environment.ts";
import { recordingFromEnvironment } from "../../shared/lambda/recording-environment.ts";
import { sqsEventQueue } from "../../shared/sqs/sqs-event-queue.ts";
import { ingestFunction } from "./ingest.ts";

const queue = sqsEventQueue(queueFromEnvironment(process.env));

/** What Lambda runs: recording over HTTP. */
export const handler = ingestFunction({ ...recordingFromEnvironment(process.env), queue });
