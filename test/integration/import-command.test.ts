import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type EmbeddedStack, startEmbeddedStack } from "../support/embedded-stack.ts";
import { eventText, json } from "../support/event-text.ts";
import { runCli } from "../support/run-cli.ts";

jest.setTimeout(60_000);

const SAMPLES = join(__dirname, "../../events/runs");

let stack: EmbeddedStack;
let environment: Record<string, string>;
beforeAll(async () => {
  stack = await startEmbeddedStack();
  environment = { RUNSTONE_DATA_DIR: stack.directory };
});
afterAll(() => stack.stop());

const ask = async (
  path: string,
  of: { method?: string; tenant?: "demo" | "acme"; headers?: object; body?: string } = {},
) => {
  const { method = "GET", tenant = "demo", headers = {}, body } = of;
  const answer = await fetch(`${stack.local.api_url}${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.local.keys[tenant]}`, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as a client does
  const read = (): any => JSON.parse(text);
  return { status: answer.status, text, read };
};

const at = new Date(Date.now() - 60_000).toISOString();
const record = async (app_id: string, count: number): Promise<void> => {
  const events = Array.from({ length: count }, (_, index) =>
    eventText("run.finished", {
      run_id: `${app_id}-${index}`,
      app_id,
      at,
      status: "failed",
      outputs: json('{ "a" : 1.0 }'),
    }),
  );
  const body = `{"events":[${events.join(",")}]}`;
  expect(
    (await ask("/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body })).status,
  ).toBe(200);
};

/** Asks until a job has ended. */
const endOf = async (jobId: string) => {
  for (;;) {
    const job = (await ask(`/v1/jobs/${jobId}`)).read();
    if (job.state !== "running") return job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

describe("on the embedded stack", () => {
  test("an export by job is downloaded by its links, and imported as it is", async () => {
    await record("moved", 12);
    const begun = await ask("/v1/apps/moved/export", { headers: { prefer: "respond-async" } });
    expect(begun.status).toBe(202);

    const job = await endOf(begun.read().job_id);
    const [link] = job.download_urls;
    const file = Buffer.from(await (await fetch(link.url)).arrayBuffer());
    const path = join(stack.directory, "moved.ndjson.gz");
    writeFileSync(path, file);
    const imported = await runCli(["import", path, "--tenant", "acme"], environment);

    expect(job).toMatchObject({ state: "done", report: { runs: 12, events: 12, files: 1 } });
    expect(file).toHaveLength(link.size);
    expect(gunzipSync(file).toString().split("\n").at(-2)).toContain('"record":"end"');
    expect(imported).toMatchObject({ code: 0, out: "Read 12 runs, recorded 12 events in 12 arrivals.\n" });
    expect(imported.err).toBe(
      "Checking 1 file\nRecording 12 runs with 12 events of moved for tenant acme on the embedded stack\n",
    );
    const [ours, theirs] = await Promise.all([ask("/v1/runs/moved-3"), ask("/v1/runs/moved-3", { tenant: "acme" })]);
    const plain = (text: string) => text.replaceAll(/"(version|expires_at)":("[^"]*"|\d+)/g, "");
    expect(plain(theirs.text)).toBe(plain(ours.text));
  });

  test("a deletion by filter removes what matches, and can be asked for", async () => {
    await record("gone", 40);

    const begun = await ask("/v1/apps/gone/runs?status=failed", { method: "DELETE" });
    const job = await endOf(begun.read().job_id);

    expect(job).toMatchObject({ state: "done", report: { matched: 40, deleted: 40, failed: 0 } });
    expect((await ask("/v1/runs/gone-7")).status).toBe(404);
    expect((await ask("/v1/apps/gone/runs")).read().data).toEqual([]);
  });

  test("a Dify stream is sent, whole", async () => {
    const { code, out, err } = await runCli(
      ["import", "dify-sse", join(SAMPLES, "dify/chat.sse"), "--app", "sent"],
      environment,
    );

    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^Accepted \d+ events; \d+ of the stream say nothing of the execution\.\n$/);
    expect((await ask("/v1/apps/sent/runs")).read().data).toHaveLength(1);
  });

  test("a stream larger than a request is sent in pieces, for any tenant whose key is there", async () => {
    const frame = (index: number) => {
      const data = {
        id: `n-${index}`,
        node_id: `n-${index}`,
        node_type: "llm",
        title: "t",
        index,
        inputs: "x".repeat(90_000),
      };
      const event = {
        event: "node_started",
        task_id: "t",
        workflow_run_id: "wide",
        data: { ...data, created_at: 1_795_000_000 },
      };
      return `data: ${JSON.stringify(event)}\n\n`;
    };
    const path = join(stack.directory, "wide.sse");
    writeFileSync(path, Array.from({ length: 60 }, (_, index) => frame(index)).join(""));

    const sent = await runCli(["import", "dify-sse", path, "--app", "wide", "--tenant", "acme"], environment);

    expect(sent).toMatchObject({ code: 0, out: "Accepted 60 events; 0 of the stream say nothing of the execution.\n" });
    const nodes = await ask("/v1/runs/wide/nodes?limit=1000", { tenant: "acme" });
    expect(nodes.read().data).toHaveLength(60);
  });

  test.each([
    [["import"], /^expected the files of an export$/],
    [["import", "dify-sse"], /^expected <file>/],
    [["import", "dify-sse", "nowhere.sse", "--app", "a"], /^nowhere\.sse cannot be read$/],
    [["import", "dify-sse", "nowhere.sse"], /^--app is needed$/],
    [["import", "nowhere.ndjson", "--tenant", "demo"], /there is no file nowhere\.ndjson$/],
  ])("%j fails with a line that says why", async (args, line) => {
    const { code, out, err } = await runCli(args, environment);

    expect([code, out]).toEqual([1, ""]);
    expect(err.trimEnd().split("\n").at(-1)).toMatch(line);
  });

  test("a stream that the API refuses is said to be", async () => {
    const path = join(stack.directory, "bad.sse");
    writeFileSync(path, 'data: {"event":"workflow_started","workflow_run_id":"a#b","data":{}}\n\n');
    const refused = await runCli(["import", "dify-sse", path, "--app", "a"], environment);
    const unknown = await runCli(["import", "dify-sse", path, "--app", "a"], { ...environment, RUNSTONE_KEY: "rk_x" });

    expect([refused.code, unknown.code]).toEqual([1, 1]);
    expect(refused.err).toMatch(/^1 of the events were not accepted \(INVALID_EVENT: .+\); 0 were\n$/);
    expect(unknown.err).toMatch(/^the API answered 401/);
  });
});
