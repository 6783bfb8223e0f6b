import middy from "@middy/core";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { decodeTime } from "ulid";
import * as v from "valibot";
import { UnreadableRun } from "../../shared/app/export/export-lines.ts";
import { endJob } from "../../shared/app/jobs/end-job.ts";
import { findJob } from "../../shared/app/jobs/find-jobs.ts";
import { workOnJob } from "../../shared/app/jobs/work-on-job.ts";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { JobId } from "../../shared/contract/job-id.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { workStores } from "../../shared/lambda/job-dependencies.ts";
import type { JobKey, JobQueue } from "../../shared/ports/job-queue.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";

/** What the function works on. */
export interface WorkDependencies extends Dependencies {
  readonly jobQueue: JobQueue;
}

/** The function behind the queue of jobs: answers which messages failed and come again. */
export type WorkHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

const Message = v.pipe(v.string(), v.parseJson(), v.object({ tenant_id: TenantId, job_id: JobId }));

/** Throws for what no process of ours sends. */
const jobOf = ({ body }: SQSRecord): JobKey => {
  const { tenant_id: tenantId, job_id: jobId } = v.parse(Message, body);
  return { tenantId, jobId };
};

/** Before the last try that the queue allows: a job that cannot go on says so instead of standing still. */
const MOST_TRIES = 4;

/** A job is queued before it is written down: one that is not there so long after (milliseconds) never will be. */
const LONGEST_START_MS = 60_000;

const reasonOf = (error: unknown): { code: string; detail: string } => {
  if (error instanceof UnreadableRun) return { code: "RUN_UNREADABLE", detail: error.message };
  if (error instanceof StoreFault)
    return { code: "UNAVAILABLE", detail: "the store did not answer, however often it was asked" };
  return { code: "INTERNAL", detail: "something went wrong on our side" };
};

/**
 * Does a slice of each job in half of the time that there is, as what is under way then has to end, and queues what has more to do. A slice that fails is tried
 * again from where it was last saved; after some tries the job has failed.
 */
export const workFunction = (dependencies: WorkDependencies): WorkHandler => {
  const { log, clock, jobQueue } = dependencies;
  const stores = workStores(dependencies);

  const doSlice = async (key: JobKey, hasTime: () => boolean): Promise<void> => {
    const stored = await findJob(dependencies, key);
    if (stored === undefined) {
      if (clock.now() - decodeTime(key.jobId) > LONGEST_START_MS) return;
      throw new StoreFault("the job is not there yet", { cause: undefined, isRetryable: true });
    }
    const end = await workOnJob(stores, { tenantId: key.tenantId, stored, hasTime });
    if (end === "more") await jobQueue.send(key, 0);
    const { kind, createdAt } = stored.job;
    const { tenantId: tenant_id, jobId: job_id } = key;
    log({ level: "info", message: "slice", tenant_id, job_id, kind, end, age_ms: clock.now() - createdAt });
  };

  const giveUp = async (record: SQSRecord, error: unknown): Promise<boolean> => {
    if (Number(record.attributes.ApproximateReceiveCount) < MOST_TRIES) return false;
    try {
      await endJob(dependencies, jobOf(record), { state: "failed", error: reasonOf(error) });
      return true;
    } catch (cause) {
      log({ level: "error", message: "job not ended", message_id: record.messageId, error: cause });
      return false;
    }
  };

  const handle = async (batch: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const failed: string[] = [];
    for (const [index, record] of batch.Records.entries()) {
      const begin = context.getRemainingTimeInMillis();
      const share = begin / 2 / (batch.Records.length - index);
      try {
        await doSlice(jobOf(record), () => begin - context.getRemainingTimeInMillis() < share);
      } catch (error) {
        log({ level: "error", message: "slice failed", message_id: record.messageId, error });
        if (!(await giveUp(record, error))) failed.push(record.messageId);
      }
    }
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };

  const wrapped = middy<SQSEvent, SQSBatchResponse>().handler(handle);
  return (event, context) => wrapped(event, context) as Promise<SQSBatchResponse>;
};
