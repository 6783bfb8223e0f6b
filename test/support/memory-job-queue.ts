import type { JobQueue } from "../../shared/ports/job-queue.ts";

/** A message as the queue of jobs delivers it. */
export interface JobMessage {
  readonly body: string;
  readonly delaySeconds: number;
}

/** A queue of jobs in memory: what is sent waits until a test takes it. */
export interface MemoryJobQueue extends JobQueue {
  /** Puts a message on the queue as it is. */
  put(message: JobMessage): void;
  /** Takes the messages that have waited longest. */
  take(most?: number): JobMessage[];
}

export const memoryJobQueue = (): MemoryJobQueue => {
  const messages: JobMessage[] = [];
  return {
    send: async ({ tenantId, jobId }, delaySeconds) => {
      messages.push({ body: JSON.stringify({ tenant_id: tenantId, job_id: jobId }), delaySeconds });
    },
    put: (message) => void messages.push(message),
    take: (most = messages.length) => messages.splice(0, most),
  };
};
