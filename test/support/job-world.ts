import { gunzipSync } from "node:zlib";
import { monotonicFactory } from "ulid";
import { type WorkDependencies, workFunction } from "../../functions/work/work.ts";
import { lambdaContext } from "../../local/lambda-context.ts";
import { endJob } from "../../shared/app/jobs/end-job.ts";
import { type JobRequest, startJob } from "../../shared/app/jobs/start-job.ts";
import type { JobId } from "../../shared/contract/job-id.ts";
import { entryOf } from "../../shared/domain/fold/ledger.ts";
import { headerOf } from "../../shared/domain/header.ts";
import type { Job } from "../../shared/domain/job.ts";
import { ANY_RUN } from "../../shared/domain/run-filter.ts";
import type { AuditEntry } from "../../shared/ports/audit-log.ts";
import { arrivalOf, readText, textOf } from "./builders.ts";
import { type CrashPoints, crashPoints } from "./crash-points.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";
import { memoryJobQueue } from "./memory-job-queue.ts";
import { memoryJobStore } from "./memory-job-store.ts";
import { memoryQuarantineStore } from "./memory-quarantine-store.ts";
import { memoryStores } from "./memory-stores.ts";
import { runKey } from "./service.ts";

const APP = "app-1";
const TENANT = "demo";

/** Jobs over stores in memory, whose worker can be stopped at any of its calls. */
export interface JobWorld {
  readonly clock: ManualClock;
  readonly points: CrashPoints;
  readonly audit: ReadonlyMap<string, AuditEntry>;
  /** Records runs that have failed, a second apart. */
  record(ids: readonly string[]): Promise<void>;
  /** Puts a refused event of each run into quarantine. */
  refuse(ids: readonly string[]): Promise<void>;
  /** The runs of which refused events wait in quarantine. */
  refusedOf(): Promise<string[]>;
  start(task: JobRequest["task"]): Promise<JobId>;
  cancel(id: JobId): Promise<void>;
  /** Delivers messages until there are none; one that failed comes again. Two are worked on at a time. */
  deliver(): Promise<void>;
  /** Delivers what waits a second time, as a queue may. */
  repeat(): void;
  jobOf(id: JobId): Promise<Job>;
  /** Which of these runs are left, with what is left of their ledgers. */
  leftOf(ids: readonly string[]): Promise<string[]>;
  /** The runs that an export's files hold, in their order. */
  exportedBy(id: JobId): Promise<string[]>;
}

/** `slices`: how many times a slice may look whether there is time. `pause`: turns that each call lets others go first. */
export const jobWorld = (of: { slices?: () => number; pause?: () => number } = {}): JobWorld => {
  const clock = manualClock();
  const newUlid = monotonicFactory();
  const points = crashPoints(of.pause ?? (() => 0));
  const stores = memoryStores(clock);
  const jobs = memoryJobStore();
  const queue = memoryJobQueue();
  const quarantine = memoryQuarantineStore();
  const audit = new Map<string, AuditEntry>();
  const files = new Map<string, Uint8Array>();
  const settings = { ofTenant: async () => ({ apps: new Map() }) };
  const lists: ReadonlySet<string> = new Set();
  const wrap = <Port extends object>(port: Port): Port => points.wrap(port, lists);
  const dependencies = {
    clock,
    newUlid,
    settings,
    apps: { list: async () => [] },
    uploads: { read: async () => undefined },
    log: () => undefined,
    runs: wrap(stores.runs),
    quarantine: points.wrap(quarantine, new Set(["list"])),
    ledger: wrap(stores.ledger),
    jobs: wrap(jobs),
    jobQueue: wrap(queue),
    audit: wrap({
      append: async (_: unknown, entry: AuditEntry) => void audit.set(entry.id, entry),
      list: async () => [],
    }),
    exports: wrap({
      put: async ({ fileId }: { fileId: string }, bytes: Uint8Array) => void files.set(fileId, bytes),
      link: async () => "",
    }),
  } as unknown as WorkDependencies;
  const work = workFunction(dependencies);

  const workOn = async (body: string): Promise<void> => {
    let looks = of.slices?.() ?? Number.POSITIVE_INFINITY;
    const attributes = { ApproximateReceiveCount: "1" };
    const event = { Records: [{ messageId: "1", body, attributes }] } as unknown as Parameters<typeof work>[0];
    // The first look is at the beginning.
    const getRemainingTimeInMillis = () => (looks-- > 0 ? 1000 : 0);
    const { batchItemFailures } = await work(event, { ...lambdaContext("work", "test"), getRemainingTimeInMillis });
    if (batchItemFailures.length > 0) queue.put({ body, delaySeconds: 0 });
  };

  const key = (id: string) => runKey(TENANT, id);
  return {
    clock,
    points,
    audit,
    record: async (ids) => {
      for (const [index, id] of ids.entries()) {
        const more = { run_id: id, app_id: APP, at: index - 1000 };
        const texts = [textOf("run.started", more), textOf("run.finished", { ...more, status: "failed" })];
        const arrival = arrivalOf(
          texts.map((text) => readText(text)),
          { receivedAt: (clock.now() - Date.parse("2026-11-22T10:00:00Z")) / 1000 },
        );
        await stores.ledger.append(key(id), { ...arrival, appId: undefined, expiresAt: 2 ** 40 });
        await stores.runs.create(key(id), headerOf([entryOf(arrival)]));
      }
    },
    refuse: async (ids) => {
      const of = { messageId: "message", sentAt: clock.now(), code: "UNKNOWN_EPOCH", errors: [], body: "{}" };
      for (const [index, runId] of ids.entries()) {
        await quarantine.put({ ...of, tenantId: key(runId).tenantId, index, runId });
      }
    },
    refusedOf: async () => {
      const query = { sentSince: 0, limit: 1000, isOldestFirst: true };
      const left = await Array.fromAsync(quarantine.list(key("any").tenantId, query));
      return left.map(({ runId }) => runId ?? "");
    },
    start: async (task) => {
      const appId = readText(textOf("run.started", { app_id: APP })).appId as NonNullable<JobRequest["appId"]>;
      const request = { tenantId: key("any").tenantId, appId, filter: { ...ANY_RUN, statuses: ["failed" as const] } };
      const stored = await startJob(dependencies, { ...request, by: "key 1", task }, { delaySeconds: 0 });
      return stored.job.id;
    },
    cancel: async (jobId) => {
      await endJob(dependencies, { tenantId: key("any").tenantId, jobId }, { state: "cancelled" });
    },
    deliver: async () => {
      for (let two = queue.take(2); two.length > 0; two = queue.take(2)) {
        await Promise.all(two.map(({ body }) => workOn(body)));
        if (points.isDown) points.begin();
      }
    },
    repeat: () => {
      for (const message of queue.take()) for (let time = 0; time < 2; time++) queue.put(message);
    },
    jobOf: async (id) => {
      const found = await jobs.find(key("any").tenantId, id);
      if (found === undefined) throw new Error("there is no such job");
      return found.job;
    },
    leftOf: async (ids) => {
      const left = await Promise.all(
        ids.map(async (id) => {
          const { header, entries } = await stores.ledger.readAll(key(id));
          return header !== undefined || entries.length > 0 ? [`${id}: ${entries.length}`] : [];
        }),
      );
      return left.flat();
    },
    exportedBy: async (id) => {
      const found = await jobs.find(key("any").tenantId, id);
      if (found?.job.kind !== "export") throw new Error("there is no such export");
      const text = found.job.files.map((file) => gunzipSync(files.get(file.id) ?? Buffer.of()).toString()).join("");
      const lines = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { record: string; run_id?: string });
      return lines.flatMap(({ record, run_id }) => (record === "run" ? (run_id ?? "") : record === "end" ? "end" : []));
    },
  };
};
