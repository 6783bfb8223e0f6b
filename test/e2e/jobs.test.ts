import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { TenantId } from "../../shared/contract/identifiers.ts";
import { eventText, json } from "../support/event-text.ts";
import { type Answer, ask, expectProblem, get, postEvents } from "./support/api.ts";
import { openSecondEpoch } from "./support/claims.ts";
import { command } from "./support/command.ts";
import { eventually } from "./support/eventually.ts";
import { newKey, newTenant, revokeKeys } from "./support/tenants.ts";

jest.setTimeout(300_000);

const APP = "shop";
const RUNS = 30;
/** The claim is older than what its run's first holder says: the one node execution of that run is stale. */
const NODES = RUNS - 1;
const EVENTS = 3 * RUNS + 1;
const at = new Date(Date.now() - 3_600_000).toISOString();

let tenantId: TenantId;
let key: string;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "runstone-e2e-jobs-"));
  tenantId = newTenant("jobs");
  key = await newKey(tenantId);
  const events = Array.from({ length: RUNS }, (_, index) => {
    const of = { run_id: `run-${index}`, app_id: APP, at };
    const inputs = json(`{ "big" : 12345678901234567890, "text":"${"é".repeat(index === 0 ? 40_000 : 10)}" }`);
    return [
      eventText("run.started", { ...of, inputs }),
      eventText("node.finished", { ...of, status: "failed", error: "no" }),
      eventText("run.finished", { ...of, status: index % 3 === 0 ? "failed" : "succeeded" }),
    ];
  });
  for (const some of events) expect((await postEvents(key, some)).status).toBe(200);
  await openSecondEpoch(tenantId);
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await revokeKeys();
});

/** A job, once it has ended. */
const endOf = (begun: Answer, by = key): Promise<Answer> =>
  eventually(
    `the job ${begun.json.job_id} ends`,
    async () => {
      const answer = await get(`/v1/jobs/${begun.json.job_id}`, { key: by });
      expect(answer.status).toBe(200);
      return answer.json.state === "running" ? undefined : answer;
    },
    { seconds: 120 },
  );

const filesOf = async (job: Answer): Promise<Buffer> => {
  const urls: string[] = job.json.download_urls.map(({ url }: { url: string }) => url);
  const files = await Promise.all(urls.map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())));
  return Buffer.concat(files);
};

describe("an export", () => {
  test("is the answer where it is small", async () => {
    const answer = await get(`/v1/apps/${APP}/export?status=failed&events=false`, { key });

    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/x-ndjson"]);
    expect(answer.text.split("\n").at(-2)).toBe('{"record":"end","runs":10,"nodes":10,"events":0}');
  });

  test("by job is downloaded by a link without a credential, and imported into the same state", async () => {
    const begun = await get(`/v1/apps/${APP}/export`, { key, headers: { prefer: "respond-async" } });
    expect([begun.status, begun.headers["location"]]).toEqual([202, `/v1/jobs/${begun.json.job_id}`]);

    const job = await endOf(begun);
    const file = join(directory, "export.ndjson.gz");
    writeFileSync(file, await filesOf(job));
    const other = newTenant("imported");
    const said = await command("import", file, "--tenant", other);
    const again = await command("import", file, "--tenant", other);

    expect(job.json).toMatchObject({ state: "done", report: { runs: RUNS, nodes: NODES, events: EVENTS } });
    expect(said).toBe(`Read ${RUNS} runs, recorded ${EVENTS} events in ${RUNS + 1} arrivals.\n`);
    expect(again).toContain("recorded 0 events in 0 arrivals");
    const otherKey = await newKey(other);
    const plain = ({ text }: Answer) =>
      text.replaceAll(/"(version|expires_at|received_at|next_cursor)":("[^"]*"|\d+)/g, "");
    for (const path of ["", "/nodes?include=payload", "/trace", "/events"]) {
      for (const run of ["run-0", "run-1", "run-2"]) {
        const [ours, theirs] = await Promise.all(
          [key, otherKey].map((by) => get(`/v1/runs/${run}${path}`, { key: by })),
        );
        expect(plain(theirs as Answer)).toBe(plain(ours as Answer));
      }
    }
  });

  test("is written where no other tenant sees it", async () => {
    const begun = await get(`/v1/apps/${APP}/export`, { key, headers: { prefer: "respond-async" } });
    const stranger = await newKey(newTenant("stranger"));

    expectProblem(await get(`/v1/jobs/${begun.json.job_id}`, { key: stranger }), 404, "NOT_FOUND");
    const [file] = (await endOf(begun)).json.download_urls;
    expect((await fetch(file.url.replace(/\?.*/, ""))).status).toBeGreaterThanOrEqual(400);
    const bytes = Buffer.from(await (await fetch(file.url)).arrayBuffer());
    const lines = gunzipSync(bytes).toString().trimEnd().split("\n");
    expect(lines).toHaveLength(1 + RUNS + NODES + EVENTS + 1);
  });
});

describe("a deletion by filter", () => {
  test("is counted first, then done, noted, and can be asked for", async () => {
    const path = `/v1/apps/${APP}/runs?status=failed`;
    expectProblem(await ask("DELETE", `/v1/apps/${APP}/runs`, { key }), 400, "FILTER_MISSING");

    const dry = await endOf(await ask("DELETE", `${path}&dry_run=true`, { key }));
    expect(dry.json).toMatchObject({
      state: "done",
      dry_run: true,
      report: { matched: 10, by_status: { failed: 10 } },
    });
    const job = await endOf(await ask("DELETE", path, { key }));

    expect(job.json).toMatchObject({ state: "done", report: { matched: 10, deleted: 10, on_hold: 0, failed: 0 } });
    expect((await get("/v1/runs/run-3", { key })).status).toBe(404);
    expect((await get("/v1/runs/run-1", { key })).status).toBe(200);
    const audit = await get("/v1/audit", { key });
    expect(audit.json.data).toMatchObject([
      { action: "runs.deleted", details: { job_id: job.json.job_id, deleted: 10 } },
    ]);
    const jobs = await get("/v1/jobs", { key });
    expect(jobs.json.data.map(({ job_id }: { job_id: string }) => job_id)).toContain(job.json.job_id);
  });
});
