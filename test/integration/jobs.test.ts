import { eventText } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { pagesOf } from "../support/pages.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type HttpCall, postEvents, type Reply, type Service, startService } from "../support/service.ts";

const JOBS = "/v1/jobs";
const JOB = "/v1/jobs/{job_id}";

let service: Service;
const clock = manualClock();
beforeEach(async () => {
  service = await startService(undefined, clock);
  await postEvents(service, [eventText("run.finished", { app_id: "app-1", status: "failed" })]);
});
afterEach(() => service.stop());

const path = { app_id: "app-1" };
const startDeletion = async (): Promise<string> => {
  clock.advance(1_000);
  const query = { status: "failed", dry_run: "true" };
  return (await service.delete({ resource: "/v1/apps/{app_id}/runs", path, query })).json.job_id;
};
const startExport = async (more: Partial<HttpCall> = {}): Promise<string> => {
  clock.advance(1_000);
  const headers = { prefer: "respond-async" };
  return (await service.get({ resource: "/v1/apps/{app_id}/export", path, headers, ...more })).json.job_id;
};
const jobOf = (job_id: string, more: Partial<HttpCall> = {}): Promise<Reply> =>
  service.get({ resource: JOB, path: { job_id }, ...more });
const idsOf = ({ json }: Reply): string[] => json.data.map(({ job_id }: { job_id: string }) => job_id);

describe("jobs", () => {
  test("are listed newest first, page by page, each as it is shown alone", async () => {
    const ids = [await startDeletion(), await startExport(), await startDeletion(), await startDeletion()].reverse();

    const pages = await pagesOf(service, { resource: JOBS, query: { limit: "3" } });

    expect(pages.flatMap(idsOf)).toEqual(ids);
    expect(pages.map((page) => page.json.has_more)).toEqual([true, false]);
    expect(pages[0]?.json.data[0]).toEqual((await jobOf(ids[0] ?? "")).json);
  });

  test("are shown to who may do the same: deletions to administrators, exports to readers", async () => {
    const [deletion, exporting] = [await startDeletion(), await startExport()];
    const listed = async (scopes: string): Promise<string[]> => idsOf(await service.get({ resource: JOBS, scopes }));

    expect(await listed("admin")).toEqual([deletion]);
    expect(await listed("read")).toEqual([exporting]);
    expect(await listed("read admin")).toEqual([exporting, deletion]);
    expect((await jobOf(deletion, { scopes: "admin" })).status).toBe(200);
    expectProblem(await jobOf(deletion, { scopes: "read payload control ingest" }), 403, "FORBIDDEN");
    expect((await jobOf(exporting, { scopes: "read" })).status).toBe(200);
    expectProblem(await jobOf(exporting, { scopes: "admin" }), 403, "FORBIDDEN");
  });

  test("are cancelled by who may start them", async () => {
    const [deletion, exporting] = [await startDeletion(), await startExport()];
    const light = await startExport({ scopes: "read" });
    const cancel = (job_id: string, scopes: string): Promise<Reply> =>
      service.delete({ resource: JOB, path: { job_id }, scopes });

    expectProblem(await cancel(deletion, "read payload"), 403, "FORBIDDEN");
    for (const scopes of ["admin", "read", "payload admin"])
      expectProblem(await cancel(exporting, scopes), 403, "FORBIDDEN");
    expectProblem(await cancel(light, "admin"), 403, "FORBIDDEN");
    expect((await jobOf(exporting)).json.state).toBe("running");
    expect((await cancel(exporting, "read payload")).json.state).toBe("cancelled");
    expect((await cancel(light, "read")).json.state).toBe("cancelled");
    expect((await cancel(deletion, "admin")).json.state).toBe("done");
  });

  test("of another tenant are answered like what does not exist", async () => {
    const id = await startDeletion();
    const other = { tenant: "acme" };

    for (const job_id of [id, "01KANQ6T40ABCDEFGHJKMNPQRS", "a#b", ""]) {
      expectProblem(await jobOf(job_id, other), 404, "NOT_FOUND");
      expectProblem(await service.delete({ resource: JOB, path: { job_id }, ...other }), 404, "NOT_FOUND");
    }
    expect(idsOf(await service.get({ resource: JOBS, ...other }))).toEqual([]);
    expect((await jobOf(id)).status).toBe(200);
  });

  test("are forgotten after thirty days", async () => {
    const old = await startDeletion();
    clock.advance(10 * 86_400_000);
    const young = await startDeletion();
    clock.advance(20 * 86_400_000);

    expect(idsOf(await service.get({ resource: JOBS }))).toEqual([young]);
    expectProblem(await jobOf(old), 404, "NOT_FOUND");
    expectProblem(await service.delete({ resource: JOB, path: { job_id: old } }), 404, "NOT_FOUND");
  });

  test("take no parameters and no body that they do not know", async () => {
    const id = await startDeletion();

    expectProblem(await jobOf(id, { query: { x: "1" } }), 400, "INVALID_REQUEST");
    expectProblem(await service.get({ resource: JOBS, query: { limit: "0" } }), 400, "INVALID_REQUEST");
    expectProblem(await service.get({ resource: JOBS, query: { after: "x" } }), 400, "CURSOR_INVALID");
    const body = '{"force":true}';
    expectProblem(await service.delete({ resource: JOB, path: { job_id: id }, body }), 400, "INVALID_REQUEST");
  });
});
