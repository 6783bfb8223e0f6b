import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { eventText, json } from "../support/event-text.ts";
import { manualClock } from "../support/manual-clock.ts";
import { expectProblem } from "../support/problem-document.ts";
import { type HttpCall, postEvents, type Reply, type Service, startService } from "../support/service.ts";
import { objectsOf } from "../support/stored.ts";
import { blobsOf } from "../support/uploads.ts";

const EXPORT = "/v1/apps/{app_id}/export";
const JOB = "/v1/jobs/{job_id}";
const DAY_MS = 86_400_000;

let service: Service;
const clock = manualClock();
let onRead: (runId: string) => unknown;
/** What happens between reading a run's entries and its payload that is kept apart. */
let onTexts: (runId: string) => Promise<unknown>;
const watched = (dependencies: Dependencies): Dependencies => ({
  ...dependencies,
  ledger: {
    ...dependencies.ledger,
    readAll: async (run) => {
      await onRead(run.runId);
      return dependencies.ledger.readAll(run);
    },
    readTexts: async (run, places) => {
      await onTexts(run.runId);
      return dependencies.ledger.readTexts(run, places);
    },
  },
});
beforeAll(async () => {
  service = await startService(watched, clock);
});
beforeEach(() => {
  onRead = () => undefined;
  onTexts = async () => undefined;
});
afterEach(() => void service.jobQueue.take());
afterAll(() => service.stop());

let apps = 0;
const newApp = (): string => `app-${++apps}`;

const record = async (app_id: string, count: number, more: object = {}): Promise<string[]> => {
  const ids = Array.from({ length: count }, (_, at) => `${app_id}-${at}`);
  for (const [at, run_id] of ids.entries()) {
    const of = { run_id, app_id, at: new Date(Date.parse("2026-11-22T08:00:00Z") + at * 60_000).toISOString() };
    const status = at % 2 === 0 ? "failed" : "succeeded";
    const events = [
      eventText("run.started", { ...of, inputs: { secret: "s3cret" }, ...more }),
      eventText("node.finished", { ...of, outputs: { secret: "s3cret" } }),
      eventText("run.finished", { ...of, status, outputs: { secret: "s3cret" } }),
    ];
    expect((await postEvents(service, events)).status).toBe(200);
  }
  return ids.reverse();
};

const ask = (app_id: string, query: HttpCall["query"] = {}, more: Partial<HttpCall> = {}): Promise<Reply> =>
  service.get({ resource: EXPORT, path: { app_id }, query, ...more });
const jobOf = (job_id: string, more: Partial<HttpCall> = {}): Promise<Reply> =>
  service.get({ resource: JOB, path: { job_id }, ...more });

// biome-ignore lint/suspicious/noExplicitAny: tests read answers as a client does
const linesOf = (text: string): any[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const runsIn = (text: string): string[] =>
  linesOf(text).flatMap(({ record, run_id }) => (record === "run" ? run_id : []));
/** What the links of a finished job lead to. */
const filesOf = async (job: Reply): Promise<Buffer[]> => {
  const keys = job.json.download_urls.map(({ url }: { url: string }) =>
    new URL(url).pathname.replace("/_objects/", ""),
  );
  const bytes = await Promise.all(keys.map((key: string) => blobsOf(service).get(key)));
  return bytes.map((file) => Buffer.from(file ?? ""));
};
const textOf = async (job: Reply): Promise<string> => gunzipSync(Buffer.concat(await filesOf(job))).toString();

describe("a small export", () => {
  test("is the answer: each run as it is read, its nodes, its deliveries, and an end that counts them", async () => {
    const app = newApp();
    const [second, first] = await record(app, 2);

    const { status, headers, text } = await ask(app);

    expect([status, headers["content-type"]]).toEqual([200, "application/x-ndjson"]);
    expect(text.endsWith("\n")).toBe(true);
    const lines = linesOf(text);
    expect(lines.map(({ record, run_id }) => [record, run_id])).toEqual([
      ["export", undefined],
      ...[second, first].flatMap((id) => [
        ["run", id],
        ["node", id],
        ["event", id],
        ["event", id],
        ["event", id],
      ]),
      ["end", undefined],
    ]);
    expect(lines[0]).toEqual({
      record: "export",
      format: 1,
      app_id: app,
      filter: {},
      exported_at: new Date(clock.now()).toISOString(),
      events: true,
      importable: true,
    });
    expect(lines.at(-1)).toEqual({ record: "end", runs: 2, nodes: 2, events: 6 });
    const run = await service.get({ resource: "/v1/runs/{run_id}", path: { run_id: second ?? "" } });
    expect(lines[1]).toEqual({ record: "run", ...run.json });
    const path = { run_id: second ?? "", node_execution_id: "node-1" };
    const node = await service.get({ resource: "/v1/runs/{run_id}/nodes/{node_execution_id}", path });
    expect(lines[2]).toEqual({ record: "node", run_id: second, ...node.json });
    const events = await service.get({ resource: "/v1/runs/{run_id}/events", path });
    const [{ received_at, actor, source, digest, id: _, ...event }] = events.json.data;
    expect(lines[3]).toMatchObject({ received_at, actor, source, digest, event });
  });

  test("takes the filters of the list", async () => {
    const app = newApp();
    await record(app, 5, { tags: ["a"], triggered_from: "webhook" });
    const list = async (query: NonNullable<HttpCall["query"]>): Promise<string[]> => {
      const page = await service.get({ resource: "/v1/apps/{app_id}/runs", path: { app_id: app }, query });
      return page.json.data.map(({ run_id }: { run_id: string }) => run_id);
    };

    for (const query of [
      { status: "failed" },
      { status: ["failed", "succeeded"], tag: "a" },
      { tag: "b" },
      { created_after: "2026-11-22T08:01:00Z", created_before: "2026-11-22T08:03:00Z" },
      { triggered_from: "webhook", min_elapsed: "0" },
      { has_exceptions: "true" },
    ]) {
      expect(runsIn((await ask(app, query)).text)).toEqual(await list(query));
    }
  });

  test("leaves deliveries out where they are not wanted, and says that it cannot be imported", async () => {
    const app = newApp();
    await record(app, 1);

    const lines = linesOf((await ask(app, { events: "false" })).text);

    expect(lines.map(({ record }) => record)).toEqual(["export", "run", "node", "end"]);
    expect(lines[0]).toMatchObject({ events: false, importable: false });
    expect(lines.at(-1)).toEqual({ record: "end", runs: 1, nodes: 1, events: 0 });
  });

  test("shows payload in no line without the scope for it, and says so", async () => {
    const app = newApp();
    await record(app, 1);

    const { text } = await ask(app, {}, { scopes: "read" });

    expect(text).not.toContain("s3cret");
    const lines = linesOf(text);
    expect(lines[0]).toMatchObject({ payload_hidden: true, importable: false });
    for (const line of lines.slice(1, 3)) expect(line.payload_hidden).toBe(true);
    for (const line of lines.slice(3, 6)) expect(line.event).not.toHaveProperty("inputs");
  });

  test("of an app without runs has a beginning and an end", async () => {
    expect(linesOf((await ask(newApp())).text).map(({ record }) => record)).toEqual(["export", "end"]);
  });

  test("holds no run of another tenant, nor one that has expired", async () => {
    const app = newApp();
    await record(app, 1);
    expect(runsIn((await ask(app, {}, { tenant: "acme" })).text)).toEqual([]);

    clock.advance(31 * DAY_MS);

    expect(runsIn((await ask(app)).text)).toEqual([]);
  });

  test("keeps each line a line, whatever line breaks values have", async () => {
    const app = newApp();
    const inputs = json('{\r\n "a" :\n\n1.0, "b": "\u2028\u2029\\n"}');
    await postEvents(service, [eventText("run.started", { run_id: `${app}-0`, app_id: app, inputs, "\nx": inputs })]);

    const [, run, event] = linesOf((await ask(app)).text);

    expect(run.inputs).toEqual({ a: 1, b: "\u2028\u2029\n" });
    expect(event.event.inputs).toEqual(run.inputs);
    expect(event.event_text).toContain('{\r\n "a" :\n\n1.0, "b": "\u2028\u2029\\n"}');
  });
});

describe("an export that is larger than an answer", () => {
  const large = () => ({ inputs: json(`"${randomBytes(300_000).toString("hex")}"`) });

  test("is made by a job, whose files are got by links", async () => {
    const app = newApp();
    const ids = await record(app, 12, large());

    const begun = await ask(app);

    expect([begun.status, begun.headers["location"]]).toEqual([202, `/v1/jobs/${begun.json.job_id}`]);
    expect(begun.json).toMatchObject({ kind: "export", state: "running", app_id: app, report: { runs: 0 } });
    expect(begun.json).not.toHaveProperty("download_urls");
    await service.workOff();
    const job = await jobOf(begun.json.job_id);

    expect(job.json).toMatchObject({
      state: "done",
      importable: true,
      report: { runs: 12, nodes: 12, events: 36, files: 1 },
    });
    const [link] = job.json.download_urls;
    expect(link).toMatchObject({
      size: job.json.report.bytes,
      expires_at: new Date(clock.now() + 3_600_000).toISOString(),
    });
    expect((await filesOf(job))[0]).toHaveLength(link.size);
    const text = await textOf(job);
    expect(runsIn(text)).toEqual(ids);
    expect(linesOf(text).at(-1)).toEqual({ record: "end", runs: 12, nodes: 12, events: 36 });
  });

  test("is made by a job where the caller prefers that", async () => {
    const app = newApp();
    await record(app, 1);

    const begun = await ask(app, {}, { headers: { prefer: "respond-async" } });
    await service.workOff();

    expect(begun.status).toBe(202);
    expect(runsIn(await textOf(await jobOf(begun.json.job_id)))).toHaveLength(1);
  });

  test("is made by a job where it takes longer than an answer may", async () => {
    const app = newApp();
    await record(app, 8);
    onRead = () => clock.advance(1_000);

    const begun = await ask(app);
    onRead = () => undefined;
    await service.workOff();

    expect(begun.status).toBe(202);
    expect(runsIn(await textOf(await jobOf(begun.json.job_id)))).toHaveLength(8);
  });

  test("is made in slices, a file each, which together are one export", async () => {
    const app = newApp();
    const ids = await record(app, 10);
    const begun = await ask(app, {}, { headers: { prefer: "respond-async" } });
    onRead = () => clock.advance(10_000);

    await service.workOff();
    const job = await jobOf(begun.json.job_id);

    expect(job.json.report.files).toBeGreaterThan(2);
    const files = await filesOf(job);
    expect(files.map((file) => gunzipSync(file).length > 0)).toEqual(files.map(() => true));
    expect(runsIn(await textOf(job))).toEqual(ids);
    expect(linesOf(await textOf(job)).filter(({ record }) => record === "export" || record === "end")).toHaveLength(2);
  });

  test("gives its links only to who may see what is in it", async () => {
    const app = newApp();
    await record(app, 1);
    const prefer = { headers: { prefer: "respond-async" } };
    const whole = await ask(app, {}, prefer);
    const light = await ask(app, {}, { ...prefer, scopes: "read" });
    await service.workOff();

    const hidden = await jobOf(whole.json.job_id, { scopes: "read" });
    expect([hidden.status, hidden.json.payload_hidden, hidden.json.download_urls]).toEqual([200, true, undefined]);
    const open = await jobOf(light.json.job_id, { scopes: "read" });
    expect(open.json).toMatchObject({ payload_hidden: true, importable: false });
    expect(await textOf(open)).not.toContain("s3cret");
  });

  test("is there for seven days, and its job for thirty", async () => {
    const app = newApp();
    await record(app, 1);
    const begun = await ask(app, {}, { headers: { prefer: "respond-async" } });
    await service.workOff();
    const writtenAt = clock.now();

    clock.advance(7 * DAY_MS - 1_000);
    const [link] = (await jobOf(begun.json.job_id)).json.download_urls;
    clock.advance(1_000);
    const after = await jobOf(begun.json.job_id);
    clock.advance(23 * DAY_MS);

    expect(link.expires_at).toBe(new Date(writtenAt + 7 * DAY_MS).toISOString());
    expect([after.status, after.json.state, after.json.download_urls]).toEqual([200, "done", []]);
    expectProblem(await jobOf(begun.json.job_id), 404, "NOT_FOUND");
  });

  test("stops where it is cancelled", async () => {
    const app = newApp();
    await record(app, 3);
    const begun = await ask(app, {}, { headers: { prefer: "respond-async" } });

    await service.delete({ resource: JOB, path: { job_id: begun.json.job_id } });
    await service.workOff();

    const { json: job } = await jobOf(begun.json.job_id);
    expect([job.state, job.report.files, job.download_urls]).toEqual(["cancelled", 0, undefined]);
  });

  test("fails, and names the run, where a run cannot be read", async () => {
    const app = newApp();
    const [id] = await record(app, 2);
    const begun = await ask(app, {}, { headers: { prefer: "respond-async" } });
    const [{ body } = { body: "" }] = service.jobQueue.take();
    onRead = (runId) => {
      if (runId === id) throw new Error("damaged");
    };

    expect((await service.work(body)).batchItemFailures).toHaveLength(1);
    expect((await service.work(body, { receiveCount: 4 })).batchItemFailures).toHaveLength(0);

    const { json: job } = await jobOf(begun.json.job_id);
    expect([job.state, job.error]).toEqual([
      "failed",
      { code: "RUN_UNREADABLE", detail: `the run ${id} cannot be exported` },
    ]);
    expectProblem(await ask(app), 500, "INTERNAL");
  });
});

describe("a run that is deleted while it is exported", () => {
  const large = () => json(`"${randomBytes(20_000).toString("hex")}"`);
  /** Three runs, newest first; of the second a part of what it says is kept apart. */
  const recordThree = async (app_id: string): Promise<string[]> => {
    const ids = await record(app_id, 3);
    const of = { run_id: ids[1] ?? "", node_execution_id: "node-2", outputs: large() };
    await postEvents(service, [eventText("node.finished", of)]);
    return ids;
  };
  const remove = (run_id: string): Promise<Reply> =>
    service.delete({ resource: "/v1/runs/{run_id}", path: { run_id } });
  const removeOnTexts = (id: string): void => {
    onTexts = async (runId) => {
      if (runId !== id) return;
      onTexts = async () => undefined;
      expect((await remove(id)).status).toBe(200);
    };
  };
  const linesOfRuns = (text: string): string[] =>
    linesOf(text).flatMap(({ record, run_id }) => (run_id === undefined ? [] : [`${record} ${run_id}`]));

  test.each(["true", "false"])("is left out of the answer, with events %s", async (events) => {
    const app = newApp();
    const [last = "", second = "", first = ""] = await recordThree(app);
    removeOnTexts(second);

    const { status, text } = await ask(app, { events });

    expect(status).toBe(200);
    const kinds = ["run", "node", ...(events === "true" ? ["event", "event", "event"] : [])];
    expect(linesOfRuns(text)).toEqual([last, first].flatMap((id) => kinds.map((kind) => `${kind} ${id}`)));
    const counts = { runs: 2, nodes: 2, events: events === "true" ? 6 : 0 };
    expect(linesOf(text).at(-1)).toEqual({ record: "end", ...counts });
  });

  test("is left out where its entries cannot be read any more", async () => {
    const app = newApp();
    const [second = "", first = ""] = await record(app, 2);
    onRead = async (runId) => {
      if (runId !== second) return;
      await remove(second);
      throw new Error("a ledger entry has lost its object");
    };

    expect(runsIn((await ask(app)).text)).toEqual([first]);
  });

  test.each(["true", "false"])("is left out of the files of a job, with events %s", async (events) => {
    const app = newApp();
    const [last = "", second = "", first = ""] = await recordThree(app);
    const begun = await ask(app, { events }, { headers: { prefer: "respond-async" } });
    removeOnTexts(second);

    await service.workOff();

    const job = await jobOf(begun.json.job_id);
    expect([job.json.state, job.json.report.runs, job.json.report.files]).toEqual(["done", 2, 1]);
    expect(runsIn(await textOf(job))).toEqual([last, first]);
    expect(await textOf(job)).not.toContain(`"${second}"`);
  });

  test("and is there all the same is not left out: what it lacks is said", async () => {
    const app = newApp();
    const [id = ""] = await record(app, 1, { inputs: large() });
    onTexts = async () => {
      for (const key of objectsOf(service).filter((path) => path.includes(`/r-${id}/`)))
        await blobsOf(service).remove(key);
    };

    expectProblem(await ask(app, { events: "false" }), 500, "INTERNAL");
  });
});

describe("an export is refused", () => {
  test.each<[string, HttpCall["query"]]>([
    ["with a filter that there is none of", { app: "x" }],
    ["with events that are neither wanted nor not", { events: "some" }],
    ["with a status that there is none of", { status: "done" }],
  ])("%s", async (_what, query) => {
    expectProblem(await ask("app", query), 400, "INVALID_REQUEST");
  });

  test("of an app that none can be called", async () => {
    expectProblem(await ask("a#b"), 404, "NOT_FOUND");
  });
});
