import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventText } from "../support/event-text.ts";

const root = join(__dirname, "../..");

interface RunningStack {
  readonly process: ChildProcess;
  readonly banner: string;
  readonly url: string;
  readonly key: string;
}

/** `npm start` in a directory of its own. */
const startIn = async (directory: string, dataDirectory: string): Promise<RunningStack> => {
  const child = spawn(process.execPath, [join(root, "local/start.ts")], {
    cwd: directory,
    env: { ...process.env, PORT: "0", RUNSTONE_DATA_DIR: dataDirectory },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const banner = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (text: Buffer) => resolve(text.toString()));
    child.once("exit", () => reject(new Error("the stack did not start")));
  });
  const local = JSON.parse(readFileSync(join(directory, ".runstone/local.json"), "utf8")) as {
    api_url: string;
    keys: { demo: string };
  };
  return { process: child, banner, url: local.api_url, key: local.keys.demo };
};

const stop = (stack: RunningStack): Promise<unknown> =>
  new Promise((resolve) => {
    stack.process.once("exit", resolve);
    stack.process.kill("SIGTERM");
  });

const call = async (stack: RunningStack, path: string, body?: string) => {
  const answer = await fetch(`${stack.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${stack.key}`, "content-type": "application/x-ndjson" },
    ...(body === undefined ? {} : { body }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
};

const fileNamedIn = (banner: string): string => /domain events are lines of (.*)$/m.exec(banner)?.[1] ?? "";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "runstone-domain-events-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (second: number): string => `2026-11-22T10:00:0${second}.000Z`;
const lifeOf = (run_id: string): string[] => [
  eventText("run.started", { run_id, app_id: "shop", at: at(0) }),
  eventText("node.started", { run_id, at: at(1), node_execution_id: "n" }),
  eventText("run.paused", { run_id, at: at(2) }),
  eventText("run.resumed", { run_id, at: at(3) }),
  eventText("run.heartbeat", { run_id, at: at(4) }),
  eventText("run.finished", { run_id, at: at(5), status: "partial-succeeded" }),
  eventText("run.finished", { run_id, at: at(4), status: "succeeded", id: "earlier" }),
];

test("each change of a run's status is a line of the file, in order of version, as the list shows the run", async () => {
  const stack = await startIn(directory, ".runstone");
  const runs = ["run-1", "run-2", "run-3", "run-4"];
  await Promise.all(
    runs.map(async (runId) => {
      for (const event of lifeOf(runId)) {
        await call(stack, "/v1/events", event);
        await call(stack, "/v1/events", event);
      }
    }),
  );
  await call(stack, "/v1/events", lifeOf("run-5").join("\n"));
  const { data } = (await call(stack, "/v1/apps/shop/runs")) as { data: { run_id: string }[] };
  await stop(stack);

  const file = join(directory, ".runstone/domain-events.ndjson");
  expect(fileNamedIn(stack.banner)).toBe(file);
  const events = readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  const of = (runId: string) => events.filter(({ detail }) => detail.run_id === runId);
  for (const runId of runs) {
    expect(of(runId).map((event) => event["detail-type"])).toEqual([
      "run.running",
      "run.paused",
      "run.running",
      "run.partial-succeeded",
      "run.succeeded",
    ]);
    expect(of(runId).map(({ detail }) => detail.version)).toEqual([1, 2, 3, 4, 5]);
  }
  expect(of("run-5").map((event) => event["detail-type"])).toEqual(["run.succeeded"]);
  expect(events).toHaveLength(4 * 5 + 1);
  expect(data).toHaveLength(5);
  for (const row of data) expect(of(row.run_id).at(-1)?.detail).toEqual({ tenant_id: "demo", ...row });
});

test("with data in memory the file is a temporary one, gone with the stack", async () => {
  const stack = await startIn(directory, "memory");
  const file = fileNamedIn(stack.banner);
  await call(stack, "/v1/events", lifeOf("run-1").join("\n"));
  while (!existsSync(file)) await new Promise(setImmediate);
  await stop(stack);

  expect(dirname(file).startsWith(directory)).toBe(false);
  expect(existsSync(dirname(file))).toBe(false);
});
