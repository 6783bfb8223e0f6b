import * as v from "valibot";
import { TenantId } from "../../shared/contract/identifiers.ts";
import { JobId } from "../../shared/contract/job-id.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";

const jobOf = (tenant: string, id: string) => ({ tenantId: v.parse(TenantId, tenant), jobId: v.parse(JobId, id) });
const FIRST = jobOf("demo", "01KANQ6T40ABCDEFGHJKMNPQRS");
const SECOND = jobOf("a.b_c:d-e", "01KANQ6T41ABCDEFGHJKMNPQRS");

/** What every JobQueue keeps of its port's promises. `take` empties the queue and gives the bodies that can be had now. */
export const jobQueueContract = (
  name: string,
  start: () => Promise<{ queue: JobQueue; take(): Promise<string[]>; stop(): void }>,
): void => {
  describe(`${name} as a queue of jobs`, () => {
    let subject: Awaited<ReturnType<typeof start>>;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.stop());

    it("delivers a job by its tenant and its id", async () => {
      await subject.queue.send(FIRST, 0);
      await subject.queue.send(SECOND, 0);

      expect((await subject.take()).sort()).toEqual([
        '{"tenant_id":"a.b_c:d-e","job_id":"01KANQ6T41ABCDEFGHJKMNPQRS"}',
        '{"tenant_id":"demo","job_id":"01KANQ6T40ABCDEFGHJKMNPQRS"}',
      ]);
    });
  });
};
