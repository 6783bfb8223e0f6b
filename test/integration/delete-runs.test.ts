import { randomBytes } from "node:crypto";
import type { Job } from "../../shared/domain/job.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { Code } from "../../shared/lambda/outcomes.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { eventText, json } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type HttpCall, postEvents, type Reply, runKey, type Service, startService } from "../support/service.ts";
import { objectsOf } from "../support/stored.ts";

const RUNS = "/v1/apps/{app_id}/runs";
const RUN = "/v1/runs/{run_id}";
const JOB = "/v1/jobs/{job_id}";

let service: Service;
const clock = manualClock();
/** What happens when a run's entries are removed, before a page of a list is given, when the quarantine is read and a job saved. */
let onRemoval: (runId: string) => void | Promise<void>;
let onPage: () => Promise<void>;
let onQuarantine: () => void;
let onSave: (job: Job) => void;

const watched = (dependencies: Dependencies): Dependencies => ({
  ...dependencies,
  ledger: {
    ...dependencies.ledger,
    removeAll: async (run, of) => {
      await onRemoval(run.runId);
      return dependencies.ledger.removeAll(run, of);
    },
  },
  jobs: {
    ...dependencies.jobs,
    replace: async (tenantId, job, rev) => {
      onSave(job);
      return dependencies.jobs.replace(tenantId, job, rev);
    },
  },
  quarantine: {
    ...dependencies.quarantine,
    list: (tenantId, query) => {
      onQuarantine();
      return dependencies.quarantine.list(tenantId, query);
    },
  },
  runs: {
    ...dependencies.runs,
    list: async (query) => {
      const page = await dependencies.runs.list(query);
      await onPage();
      return page;
    },
  },
});

beforeAll(async () => {
  service = await startService(watched, clock);
});
beforeEach(() => {
  onRemoval = () => undefined;
  onPage = async () => undefined;
  onQuarantine = () => undefined;
  onSave = () => undefined;
  clock.advance(60_000);
});
afterEach(() => void service.jobQueue.take());
afterAll(() => service.stop());

let apps = 0;
const newApp = (): string => `app-${++apps}`;

/** Records runs of an app, a minute apart; gives their ids, oldest first. */
const record = async (app_id: string, statuses: readonly string[]): Promise<string[]> => {
  const ids = statuses.map((_, at) => `${app_id}-${String(at).padStart(3, "0")}`);
  const events = ids.flatMap((run_id, at) => {
    const when = new Date(Date.parse("2026-11-22T08:00:00Z") + at * 60_000).toISOString();
    const of = { run_id, app_id, at: when };
    return [
      eventText("run.started", { ...of, inputs: json(`"${randomBytes(at === 0 ? 20_000 : 10).toString("hex")}"`) }),
      eventText("node.started", of),
      eventText("run.finished", { ...of, status: statuses[at] }),
    ];
  });
  for (let from = 0; from < events.length; from += 900) {
    expect((await postEvents(service, events.slice(from, from + 900))).status).toBe(200);
  }
  clock.advance(60_000);
  return ids;
};
const many = (count: number, status = "failed"): string[] => Array.from({ length: count }, () => status);

const remove = (app_id: string, query: NonNullable<HttpCall["query"]>, more: Partial<HttpCall> = {}): Promise<Reply> =>
  service.delete({ resource: RUNS, path: { app_id }, query, ...more });
const jobOf = async (job_id: string, more: Partial<HttpCall> = {}): Promise<Reply> =>
  service.get({ resource: JOB, path: { job_id }, ...more });
const cancel = (job_id: string): Promise<Reply> => service.delete({ resource: JOB, path: { job_id } });
const statusOf = async (run_id: string): Promise<number> =>
  (await service.get({ resource: RUN, path: { run_id } })).status;
const thoseLeft = async (ids: readonly string[]): Promise<string[]> => {
  const statuses = await Promise.all(ids.map(statusOf));
  return ids.filter((_, at) => statuses[at] === 200);
};
const auditOf = async (jobId: string) =>
  (await service.get({ resource: "/v1/audit", query: { limit: "100" } })).json.data.filter(
    ({ details }: { details: { job_id?: string } }) => details.job_id === jobId,
  );

describe("runs that match", () => {
  test("are deleted with all that belongs to them, and reported; the others stay", async () => {
    const app = newApp();
    const ids = await record(app, ["failed", "succeeded", "failed", "stopped", "failed"]);
    const query = { status: ["failed", "stopped"], created_before: "2026-11-22T08:04:00Z" };

    const { status, json: job, headers } = await remove(app, query);

    expect([status, headers["location"]]).toEqual([200, undefined]);
    expect(job).toMatchObject({
      kind: "delete_runs",
      state: "done",
      app_id: app,
      dry_run: false,
      filter: { status: ["failed", "stopped"], created_before: "2026-11-22T08:04:00.000Z" },
      error: null,
      report: {
        matched: 3,
        deleted: 3,
        on_hold: 0,
        failed: 0,
        removed: { entries: 3, events: 9, objects: 1, quarantined: 0 },
        failed_runs: [],
      },
    });
    expect(await thoseLeft(ids)).toEqual([ids[1], ids[4]]);
    expect(objectsOf(service).filter((path) => path.includes(`r-${ids[0]}`))).toEqual([]);
    const late = await postEvents(service, [eventText("node.started", { run_id: ids[0] ?? "" })]);
    expect(late.json.results[0].code).toBe("RUN_DELETED");
  });

  test("are deleted once: asking again finds none", async () => {
    const app = newApp();
    await record(app, many(3));
    await remove(app, { status: "failed" });

    expect((await remove(app, { status: "failed" })).json.report).toMatchObject({ matched: 0, deleted: 0 });
  });

  test("are noted in the audit log in one entry, with the filter, the counts and who asked", async () => {
    const app = newApp();
    await record(app, many(2));

    const { json: job } = await remove(app, { status: "failed" });

    expect(await auditOf(job.job_id)).toEqual([
      {
        id: job.job_id,
        action: "runs.deleted",
        at: job.updated_at,
        by: job.requested_by,
        details: {
          job_id: job.job_id,
          app_id: app,
          filter: { status: ["failed"] },
          state: "done",
          matched: 2,
          deleted: 2,
          on_hold: 0,
          failed: 0,
          removed: { entries: 2, events: 6, objects: 1, quarantined: 0 },
        },
      },
    ]);
  });

  test("are all runs of the app where that is asked for, and none of another", async () => {
    const [app, other] = [newApp(), newApp()];
    const ids = await record(app, ["failed", "succeeded"]);
    const others = await record(other, ["failed"]);

    expect((await remove(app, { all: "true" })).json.report.deleted).toBe(2);

    expect([await thoseLeft(ids), await thoseLeft(others)]).toEqual([[], others]);
  });

  test("are of the credential's tenant alone", async () => {
    const app = newApp();
    const ids = await record(app, many(1));

    expect((await remove(app, { all: "true" }, { tenant: "acme" })).json.report.matched).toBe(0);

    expect(await thoseLeft(ids)).toEqual(ids);
  });

  test("stay while they are on legal hold, and are counted", async () => {
    const app = newApp();
    const ids = await record(app, many(3));
    await service.put({ resource: "/v1/runs/{run_id}/hold", path: { run_id: ids[1] ?? "" } });

    expect((await remove(app, { status: "failed" })).json.report).toMatchObject({ matched: 3, deleted: 2, on_hold: 1 });
    expect(await thoseLeft(ids)).toEqual([ids[1]]);

    await service.delete({ resource: "/v1/runs/{run_id}/hold", path: { run_id: ids[1] ?? "" } });
    expect((await remove(app, { status: "failed" })).json.report).toMatchObject({ matched: 1, deleted: 1 });
  });

  test("stay where they have changed since they were listed", async () => {
    const app = newApp();
    const ids = await record(
      app,
      ["running", "failed"].map(() => "failed"),
    );
    onPage = async () => {
      onPage = async () => undefined;
      const more = { run_id: ids[0] ?? "", app_id: app, at: "2026-11-22T07:00:00Z" };
      await postEvents(service, [eventText("run.finished", { ...more, status: "succeeded" })]);
    };

    expect((await remove(app, { status: "failed" })).json.report).toMatchObject({ matched: 1, deleted: 1 });
    expect(await thoseLeft(ids)).toEqual([ids[0]]);
  });
});

describe("a dry run", () => {
  test("counts what would be deleted, and removes nothing", async () => {
    const app = newApp();
    const ids = await record(app, ["failed", "succeeded", "stopped", "failed"]);
    await service.put({ resource: "/v1/runs/{run_id}/hold", path: { run_id: ids[0] ?? "" } });

    const { status, json: job } = await remove(app, { status: ["failed", "stopped"], dry_run: "true" });

    expect([status, job.state, job.kind, job.dry_run]).toEqual([200, "done", "delete_runs", true]);
    expect(job.report).toEqual({
      matched: 3,
      on_hold: 1,
      by_status: { failed: 2, stopped: 1 },
      quarantined: 0,
      first_started_at: "2026-11-22T08:00:00.000Z",
      last_started_at: "2026-11-22T08:03:00.000Z",
    });
    expect(await thoseLeft(ids)).toEqual(ids);
    expect(await auditOf(job.job_id)).toEqual([]);
  });

  test("of nothing says so", async () => {
    expect((await remove(newApp(), { all: "true", dry_run: "true" })).json.report).toEqual({
      matched: 0,
      on_hold: 0,
      by_status: {},
      quarantined: 0,
      first_started_at: null,
      last_started_at: null,
    });
  });

  test("goes on in slices where it has much to count", async () => {
    const app = newApp();
    await record(app, many(300));
    onPage = async () => clock.advance(6_000);

    const begun = await remove(app, { status: "failed", dry_run: "true" });
    expect([begun.status, begun.json.state]).toEqual([202, "running"]);
    expect(begun.json.report.matched).toBeLessThan(300);
    onPage = async () => undefined;
    await service.workOff();

    const { json: job } = await jobOf(begun.json.job_id);
    expect([job.state, job.report.matched, job.report.first_started_at]).toEqual([
      "done",
      300,
      "2026-11-22T08:00:00.000Z",
    ]);
  });
});

describe("a deletion that takes longer than a request", () => {
  const begin = async (app: string): Promise<Reply> => {
    onRemoval = () => clock.advance(1_000);
    const begun = await remove(app, { status: "failed" });
    onRemoval = () => undefined;
    return begun;
  };

  test("goes on by the queue, and tells how far it has come", async () => {
    const app = newApp();
    const ids = await record(app, many(60));

    const begun = await begin(app);

    const { job_id: id, state, report } = begun.json;
    expect([begun.status, begun.headers["location"], state]).toEqual([202, `/v1/jobs/${id}`, "running"]);
    expect(report.deleted).toBeGreaterThan(0);
    expect(await thoseLeft(ids)).toHaveLength(60 - report.deleted);
    expect((await jobOf(id)).json).toEqual(begun.json);

    await service.workOff();

    expect((await jobOf(id)).json).toMatchObject({ state: "done", report: { deleted: 60, removed: { entries: 60 } } });
    expect(await thoseLeft(ids)).toEqual([]);
    expect(await auditOf(id)).toMatchObject([{ details: { state: "done", deleted: 60 } }]);
  });

  test("leaves the queue to itself while the first slice runs", async () => {
    await record("delayed", many(1));
    await remove("delayed", { status: "failed" });

    const [message] = service.jobQueue.take();

    expect(message?.delaySeconds).toBe(20);
    // It comes when all is done, and finds nothing to do.
    expect(await service.work(message?.body ?? "")).toEqual({ batchItemFailures: [] });
    expect(service.jobQueue.take()).toEqual([]);
  });

  test("does not touch runs that came after it began, wherever lists have them", async () => {
    const app = newApp();
    const ids = await record(app, many(40));
    const begun = await begin(app);
    const late = ["2026-11-22T07:00:00Z", "2026-11-22T08:10:30Z", new Date(clock.now()).toISOString()];
    const lateIds = late.map((_, at) => `${app}-late-${at}`);
    await postEvents(
      service,
      late.map((at, index) =>
        eventText("run.finished", { run_id: lateIds[index] ?? "", app_id: app, at, status: "failed" }),
      ),
    );

    await service.workOff();

    expect(await thoseLeft([...ids, ...lateIds])).toEqual(lateIds);
    expect((await jobOf(begun.json.job_id)).json.report).toMatchObject({ matched: 40, deleted: 40 });
    expect((await remove(app, { status: "failed" })).json.report.deleted).toBe(3);
  });

  test("stops where it is cancelled, and stays so", async () => {
    const app = newApp();
    const ids = await record(app, many(60));
    const begun = await begin(app);
    const { job_id: id } = begun.json;

    const cancelled = await cancel(id);
    await service.workOff();

    expect([cancelled.status, cancelled.json.state]).toEqual([200, "cancelled"]);
    expect(cancelled.json.report).toEqual(begun.json.report);
    expect(await thoseLeft(ids)).toHaveLength(60 - begun.json.report.deleted);
    expect((await cancel(id)).json).toEqual(cancelled.json);
    expect((await jobOf(id)).json).toEqual(cancelled.json);
    expect(await auditOf(id)).toMatchObject([{ details: { state: "cancelled", deleted: begun.json.report.deleted } }]);
  });

  test("counts what was deleted while it was cancelled", async () => {
    const app = newApp();
    const ids = await record(app, many(60));
    const begun = await begin(app);
    const { job_id: id } = begun.json;
    const [message] = service.jobQueue.take();
    onRemoval = async () => {
      onRemoval = () => undefined;
      expect((await cancel(id)).json.state).toBe("cancelled");
    };

    expect(await service.work(message?.body ?? "")).toEqual({ batchItemFailures: [] });

    const { json: job } = await jobOf(id);
    const left = await thoseLeft(ids);
    expect([job.state, job.report.deleted]).toEqual(["cancelled", 60 - left.length]);
    expect(job.report.deleted).toBeGreaterThan(begun.json.report.deleted);
    expect(left.length).toBeGreaterThan(0);
    await service.workOff();
    expect((await jobOf(id)).json.report).toEqual(job.report);
    expect(await thoseLeft(ids)).toEqual(left);
    expect(await auditOf(id)).toMatchObject([{ details: { state: "cancelled", deleted: job.report.deleted } }]);
  });

  test("that is done cannot be cancelled any more", async () => {
    const app = newApp();
    await record(app, many(1));
    const { json: job } = await remove(app, { status: "failed" });

    expect((await cancel(job.job_id)).json).toMatchObject({ state: "done", report: { deleted: 1 } });
  });
});

describe("what waits in quarantine", () => {
  /** Refuses an event of each run. */
  const refuse = async (runIds: readonly (string | undefined)[]): Promise<void> => {
    const { quarantine } = service.dependencies;
    const of = { messageId: "message", sentAt: clock.now(), code: "UNKNOWN_EPOCH", errors: [], body: "{}" };
    for (const [index, runId] of runIds.entries()) {
      await quarantine.put({ ...of, tenantId: runKey("demo", "any").tenantId, index, runId });
    }
  };
  const waiting = async (): Promise<(string | undefined)[]> => {
    const query = { sentSince: clock.now() - 86_400_000, limit: 1000, isOldestFirst: true };
    const { tenantId } = runKey("demo", "any");
    return (await Array.fromAsync(service.dependencies.quarantine.list(tenantId, query))).map(({ runId }) => runId);
  };
  // What another test has left there is gone.
  beforeEach(() => void clock.advance(15 * 86_400_000));

  test("for runs that are deleted goes with them, and is reported; what waits for others stays", async () => {
    const [app, other] = [newApp(), newApp()];
    const [failed = "", succeeded = "", held = ""] = await record(app, ["failed", "succeeded", "failed"]);
    const [others = ""] = await record(other, ["failed"]);
    await service.put({ resource: "/v1/runs/{run_id}/hold", path: { run_id: held } });
    const staying = [succeeded, held, others, "nobody's", "no id", undefined];
    await refuse([failed, ...staying, failed]);

    const { json: job } = await remove(app, { status: "failed" });

    expect([job.state, job.report.removed.quarantined]).toEqual(["done", 2]);
    expect(await waiting()).toEqual(staying);
    expect(await auditOf(job.job_id)).toMatchObject([{ details: { removed: { quarantined: 2 } } }]);
  });

  test("is counted by a dry run as it would be removed, and stays", async () => {
    const app = newApp();
    const [failed = "", succeeded = "", held = ""] = await record(app, ["failed", "succeeded", "failed"]);
    await service.put({ resource: "/v1/runs/{run_id}/hold", path: { run_id: held } });
    const all = [failed, succeeded, held, "nobody's", failed];
    await refuse(all);

    const { json: dry } = await remove(app, { status: "failed", dry_run: "true" });

    expect([dry.state, dry.report.quarantined]).toEqual(["done", 2]);
    expect(await waiting()).toEqual(all);
    expect((await remove(app, { status: "failed" })).json.report.removed.quarantined).toBe(dry.report.quarantined);
  });

  test("is looked through once, however many runs are deleted, and in slices where it is much", async () => {
    const app = newApp();
    const ids = await record(app, many(60));
    await refuse(Array.from({ length: 450 }, (_, at) => (at % 3 === 0 ? ids[at % 60] : `other-${at}`)));
    let reads = 0;
    onQuarantine = () => {
      reads += 1;
      clock.advance(40_000);
    };

    const dry = await remove(app, { all: "true", dry_run: "true" });
    await service.workOff();
    expect([reads, (await jobOf(dry.json.job_id)).json.report.quarantined]).toEqual([3, 150]);
    const begun = await remove(app, { all: "true" });

    expect([begun.status, begun.json.state, begun.json.report.deleted]).toEqual([202, "running", 60]);
    expect(begun.json.report.removed.quarantined).toBe(67);
    expect(await waiting()).toHaveLength(450 - 67);
    await service.workOff();
    const { json: job } = await jobOf(begun.json.job_id);
    expect([job.state, job.report.removed.quarantined]).toEqual(["done", 150]);
    expect(reads).toBe(6 + 1);
    expect((await waiting()).filter((runId) => !runId?.startsWith("other-"))).toEqual([]);
  });

  test.each([
    ["matches", { status: "stopped" }, { deleted: 0, on_hold: 0 }],
    ["matches but one on hold", { status: "failed" }, { deleted: 0, on_hold: 1 }],
  ])("is not looked through where no run %s", async (_name, asked, counts) => {
    const app = newApp();
    const [held = ""] = await record(app, ["failed", "succeeded"]);
    await service.put({ resource: "/v1/runs/{run_id}/hold", path: { run_id: held } });
    await refuse([held, "other"]);
    let reads = 0;
    onQuarantine = () => {
      reads += 1;
    };

    const { json: dry } = await remove(app, { ...asked, dry_run: "true" });
    const { json: job } = await remove(app, asked);

    expect([dry.state, dry.report.quarantined]).toEqual(["done", 0]);
    expect([job.state, job.report]).toMatchObject(["done", { ...counts, removed: { quarantined: 0 } }]);
    expect(reads).toBe(0);
  });

  test("goes too for a run that was buried, and whose removal failed", async () => {
    const app = newApp();
    const [run = ""] = await record(app, ["failed"]);
    await refuse([run]);
    onRemoval = () => {
      throw new TypeError("a bug");
    };

    const { json: job } = await remove(app, { status: "failed" });

    expect(job.report).toMatchObject({ deleted: 0, failed: 1, removed: { quarantined: 1 } });
    expect(await waiting()).toEqual([]);
  });

  test("goes too for runs that were deleted and not counted, where the deletion is cancelled before they are", async () => {
    const app = newApp();
    const ids = await record(app, many(2));
    await refuse(ids);
    onSave = (job) => {
      if (job.kind === "delete_runs" && job.counts.deleted > 0) {
        throw new StoreFault("the store is away", { cause: undefined, isRetryable: true });
      }
    };
    const begun = await remove(app, { status: "failed" });
    expect([begun.json.state, await thoseLeft(ids), await waiting()]).toEqual(["running", [], ids]);
    onSave = () => undefined;

    await cancel(begun.json.job_id);
    await service.workOff();

    expect((await jobOf(begun.json.job_id)).json).toMatchObject({ state: "cancelled", report: { deleted: 0 } });
    expect(await waiting()).toEqual([]);
  });

  test("goes too where the deletion is cancelled, for the runs that it had deleted", async () => {
    const app = newApp();
    const ids = await record(app, many(60));
    await refuse(ids);
    onRemoval = () => clock.advance(1_000);
    const begun = await remove(app, { status: "failed" });
    onRemoval = () => undefined;
    const { deleted, removed } = begun.json.report;
    expect([deleted > 0, removed.quarantined]).toEqual([true, 0]);

    await cancel(begun.json.job_id);
    await service.workOff();

    const { json: job } = await jobOf(begun.json.job_id);
    expect([job.state, job.report.deleted, job.report.removed.quarantined]).toEqual(["cancelled", deleted, deleted]);
    expect(await waiting()).toEqual(await thoseLeft(ids));
    expect(await auditOf(job.job_id)).toMatchObject([{ details: { state: "cancelled", removed: job.report.removed } }]);
  });
});

describe("what fails", () => {
  const fault = () => new StoreFault("the store is away", { cause: undefined, isRetryable: true });

  test("with one run leaves it, names it in the report, and does not keep the others", async () => {
    const app = newApp();
    const ids = await record(app, many(5));
    onRemoval = (runId) => {
      if (runId === ids[2]) throw fault();
    };

    const { json: job } = await remove(app, { status: "failed" });

    expect([job.state, job.report.deleted, job.report.failed]).toEqual(["done", 4, 1]);
    expect(job.report.failed_runs).toEqual([{ run_id: ids[2], code: "UNAVAILABLE" }]);
    expect(service.logs).toContainEqual(expect.objectContaining({ message: "run not deleted", run_id: ids[2] }));
  });

  test("in us, with one run, is told as such", async () => {
    const app = newApp();
    const ids = await record(app, many(2));
    onRemoval = (runId) => {
      if (runId === ids[0]) throw new TypeError("a bug");
    };

    const { json: job } = await remove(app, { status: "failed" });

    expect(job.report).toMatchObject({ deleted: 1, failed: 1, failed_runs: [{ run_id: ids[0], code: "INTERNAL" }] });
  });

  test("with the lists leaves the job to the queue; given up after some tries, it says so", async () => {
    const app = newApp();
    const ids = await record(app, many(2));
    onPage = async () => {
      throw fault();
    };
    const begun = await remove(app, { status: "failed" });
    expect([begun.status, begun.json.state]).toEqual([202, "running"]);
    const [{ body } = { body: "" }] = service.jobQueue.take();

    for (let receiveCount = 1; receiveCount < 4; receiveCount++) {
      const { batchItemFailures } = await service.work(body, { receiveCount });
      expect(batchItemFailures).toHaveLength(1);
      expect((await jobOf(begun.json.job_id)).json.state).toBe("running");
    }
    expect(await service.work(body, { receiveCount: 4 })).toEqual({ batchItemFailures: [] });

    expect((await jobOf(begun.json.job_id)).json).toMatchObject({ state: "failed", error: { code: "UNAVAILABLE" } });
    expect(await auditOf(begun.json.job_id)).toMatchObject([{ details: { state: "failed" } }]);
    expect(await thoseLeft(ids)).toEqual(ids);
  });

  test("before the last try is made good by the next", async () => {
    const app = newApp();
    await record(app, many(2));
    onPage = async () => {
      throw fault();
    };
    const begun = await remove(app, { status: "failed" });
    const [{ body } = { body: "" }] = service.jobQueue.take();
    await service.work(body);
    onPage = async () => undefined;

    expect(await service.work(body, { receiveCount: 2 })).toEqual({ batchItemFailures: [] });
    expect((await jobOf(begun.json.job_id)).json).toMatchObject({ state: "done", report: { deleted: 2 } });
  });
});

describe("a message of the queue of jobs", () => {
  test("of a job that is not written down yet comes again; long after, it is dropped", async () => {
    const id = service.dependencies.newUlid(clock.now());
    const body = JSON.stringify({ tenant_id: "demo", job_id: id });

    expect((await service.work(body)).batchItemFailures).toHaveLength(1);
    clock.advance(61_000);
    expect((await service.work(body)).batchItemFailures).toHaveLength(0);
  });

  test.each(["", "{}", '{"tenant_id":"demo"}', '{"tenant_id":"a#b","job_id":"01KANQ6T40ABCDEFGHJKMNPQRS"}'])(
    "that is none is left to the dead letters: %s",
    async (body) => {
      expect((await service.work(body, { receiveCount: 5 })).batchItemFailures).toHaveLength(1);
    },
  );
});

describe("a deletion is refused", () => {
  test.each<[string, HttpCall["query"], number, Code]>([
    ["without a filter", {}, 400, "FILTER_MISSING"],
    ["without a filter, as a dry run", { dry_run: "true" }, 400, "FILTER_MISSING"],
    ["with a filter and all", { all: "true", status: "failed" }, 400, "INVALID_REQUEST"],
    ["with a status that there is none of", { status: "done" }, 400, "INVALID_REQUEST"],
    ["with a dry run that is neither", { status: "failed", dry_run: "yes" }, 400, "INVALID_REQUEST"],
    ["with a filter that there is none of", { app: "x", all: "true" }, 400, "INVALID_REQUEST"],
    [
      "with times the wrong way round",
      { created_after: "2026-11-22T10:00:00Z", created_before: "2026-11-21T10:00:00Z" },
      400,
      "INVALID_REQUEST",
    ],
  ])("%s", async (_what, query, status, code) => {
    const app = newApp();
    const ids = await record(app, many(1));

    expectProblem(await remove(app, query ?? {}), status, code);

    expect(await thoseLeft(ids)).toEqual(ids);
    expect(service.jobQueue.take()).toEqual([]);
  });

  test("of an app that none can be called, and with a body", async () => {
    expectProblem(await remove("a#b", { all: "true" }), 404, "NOT_FOUND");
    expectProblem(await remove("app", { all: "true" }, { body: '{"all":true}' }), 400, "INVALID_REQUEST");
  });
});
