import { encodeTime } from "ulid";
import * as v from "valibot";
import { AppId, RunId, TenantId } from "../../shared/contract/identifiers.ts";
import { JobId } from "../../shared/contract/job-id.ts";
import {
  type ExportJob,
  type Job,
  NOTHING_COUNTED,
  NOTHING_DELETED,
  NOTHING_EXPORTED,
} from "../../shared/domain/job.ts";
import { ANY_RUN } from "../../shared/domain/run-filter.ts";
import type { JobStore } from "../../shared/ports/job-store.ts";
import { instant, ZERO } from "../support/builders.ts";
import { expectRetryableFault, type Subject, winnersAmong } from "./stored-faults.ts";

const tenant = (id: string) => v.parse(TenantId, id);
const runId = v.parse(RunId, "run-1");

let jobs = 0;
const basis = (second = ++jobs) => ({
  id: v.parse(JobId, `${encodeTime(ZERO + second * 1000, 10)}${"0".repeat(16)}`),
  appId: v.parse(AppId, "app-1"),
  filter: ANY_RUN,
  shownFilter: { ...ANY_RUN, tags: ["***"] },
  by: "key 0123456789abcdef",
  createdAt: ZERO + second * 1000,
  updatedAt: ZERO + second * 1000,
  place: "begin" as const,
  standing: { state: "running" as const },
});
const exportJob = (more: Partial<ExportJob> = {}): ExportJob => ({
  ...basis(),
  kind: "export",
  hasEvents: true,
  hasPayload: false,
  files: [],
  counts: NOTHING_EXPORTED,
  ...more,
});

/** A new job, and whose it is. */
export const sampleJob = () => ({ tenantId: tenant("demo"), job: exportJob() });

/** What every JobStore keeps of its port's promises. */
export const jobStoreContract = (name: string, start: () => Promise<Subject<JobStore>>): void => {
  describe(`${name} as a job store`, () => {
    let subject: Subject<JobStore>;
    let store: JobStore;
    beforeAll(async () => {
      subject = await start();
      store = subject.store;
    });
    afterAll(() => subject.stop());

    const place = { listedAt: instant(1), runId, isIncluded: true };
    const filter = {
      ...ANY_RUN,
      statuses: ["failed", "stopped"] as const,
      triggeredFrom: "webhook",
      workflowId: "w",
      workflowVersion: "1",
      createdBy: "é\u2028",
      tags: ["a"],
      hasExceptions: false,
      created: { after: instant(0), before: undefined },
      minElapsedSeconds: 1.5,
      parentRunId: runId,
    };

    it.each<[string, Job]>([
      [
        "deletion that has begun",
        { ...basis(), kind: "delete_runs", batch: [], quarantine: "begin", counts: NOTHING_DELETED },
      ],
      [
        "deletion under way",
        {
          ...basis(),
          filter,
          place,
          kind: "delete_runs",
          batch: [runId],
          quarantine: { sentAt: ZERO, messageId: "m", index: undefined },
          counts: { ...NOTHING_DELETED, deleted: 3, failedRuns: [{ runId, code: "UNAVAILABLE" }] },
        },
      ],
      ["dry run that has begun", { ...basis(), kind: "dry_run", quarantine: "begin", counts: NOTHING_COUNTED }],
      [
        "dry run under way",
        {
          ...basis(),
          place: { listedAt: instant(1), runId },
          kind: "dry_run",
          quarantine: { sentAt: ZERO, messageId: "m", index: 3 },
          counts: {
            matched: 2,
            onHold: 1,
            byStatus: { failed: 2 },
            quarantined: 1,
            first: instant(1),
            last: instant(2),
          },
        },
      ],
      [
        "export that is done",
        exportJob({ place: "end", standing: { state: "done" }, files: [{ id: "f", sizeBytes: 7, writtenAt: ZERO }] }),
      ],
      ["job that failed", exportJob({ standing: { state: "failed", error: { code: "INTERNAL", detail: "…" } } })],
    ])("gives back all that is known of a %s", async (_what, job) => {
      await store.create(tenant("whole"), job);

      expect(await store.find(tenant("whole"), job.id)).toEqual({ job, rev: 1 });
    });

    it("does not know another tenant's jobs", async () => {
      const job = exportJob();
      await store.create(tenant("one"), job);

      expect(await store.find(tenant("other"), job.id)).toBeUndefined();
      expect(await store.list(tenant("other"), { before: undefined, limit: 10 })).toEqual([]);
    });

    it("does not begin a job anew that is there", async () => {
      const job = exportJob();
      await store.create(tenant("twice"), job);
      await store.replace(tenant("twice"), { ...job, place: "end" }, 1);

      await store.create(tenant("twice"), job);

      expect(await store.find(tenant("twice"), job.id)).toEqual({ job: { ...job, place: "end" }, rev: 2 });
    });

    it("replaces a job only as it was read, and lets one of several writers go on", async () => {
      const job = exportJob();
      await store.create(tenant("race"), job);

      const writers = [1, 2, 3, 4].map((runs) =>
        store.replace(tenant("race"), { ...job, counts: { ...NOTHING_EXPORTED, runs } }, 1),
      );

      expect(await winnersAmong(writers)).toBe(1);
      expect((await store.find(tenant("race"), job.id))?.rev).toBe(2);
      expect(await store.replace(tenant("race"), job, 1)).toBe(false);
      expect(await store.replace(tenant("race"), job, 2)).toBe(true);
      expect(await store.replace(tenant("race"), exportJob(), 1)).toBe(false);
    });

    it("lists newest first, so many, from where it was left", async () => {
      const files = Array.from({ length: 900 }, (_, at) => ({ id: `file-${at}`, sizeBytes: at, writtenAt: ZERO }));
      const all = Array.from({ length: 30 }, () => exportJob({ files }));
      for (const job of all) await store.create(tenant("list"), job);
      const ids = all.map(({ id }) => id).reverse();
      const list = async (before: JobId | undefined, limit: number) =>
        (await store.list(tenant("list"), { before, limit })).map(({ id }) => id);

      expect(await list(undefined, 30)).toEqual(ids);
      expect(await list(undefined, 7)).toEqual(ids.slice(0, 7));
      expect(await list(ids[6], 7)).toEqual(ids.slice(7, 14));
      expect(await list(ids[29], 7)).toEqual([]);
    });

    it("fails as ports say where its storage is out of reach", async () => {
      const job = exportJob();
      const demo = tenant("demo");
      await expectRetryableFault(subject.broken.create(demo, job));
      await expectRetryableFault(subject.broken.find(demo, job.id));
      await expectRetryableFault(subject.broken.replace(demo, job, 1));
      await expectRetryableFault(subject.broken.list(demo, { before: undefined, limit: 1 }));
    });
  });
};
