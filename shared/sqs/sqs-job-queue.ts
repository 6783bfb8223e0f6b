import type { JobQueue } from "../ports/job-queue.ts";
import { messageSender, type SqsSettings } from "./message-sender.ts";

/**
 * A standard queue of SQS: a message names a job and its tenant. Jobs of one tenant are of one group, so that those of
 * others are not kept waiting by it.
 */
export const sqsJobQueue = (settings: SqsSettings): JobQueue => {
  const sendMessage = messageSender(settings);
  return {
    send: ({ tenantId, jobId }, delaySeconds) =>
      sendMessage({ tenantId, body: JSON.stringify({ tenant_id: tenantId, job_id: jobId }), delaySeconds }),
  };
};
