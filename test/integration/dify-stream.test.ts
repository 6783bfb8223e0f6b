import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Service, startService, viewOf } from "../support/service.ts";

const root = join(__dirname, "../..");
const real = join(root, "../shared/data/dify-recipe-run.sse");
const streams: [name: string, path: string, runId: string][] = [
  ["chat.sse", join(root, "events/runs/dify/chat.sse"), "sample-dify-chat"],
  ["agent.sse", join(root, "events/runs/dify/agent.sse"), "sample-dify-agent"],
  ...(existsSync(real)
    ? [["a real run", real, "b958d7f1-f6b9-45da-91e6-650979d218fa"] as [string, string, string]]
    : []),
];

const post = (service: Service, body: string, runId?: string) =>
  service.post({
    resource: "/v1/dify/events",
    query: { app_id: "dify-app", ...(runId === undefined ? {} : { run_id: runId }) },
    headers: { "content-type": "text/event-stream" },
    body,
  });

const framesOf = (stream: string): string[] => stream.split(/(?<=\n\n)/).filter((frame) => frame.trim() !== "");

describe("a Dify stream", () => {
  let whole: Service;
  let pieces: Service;
  beforeEach(async () => {
    whole = await startService();
    pieces = await startService();
  });
  afterEach(() => {
    whole.stop();
    pieces.stop();
  });

  test.each(streams)("gives the same run whole, frame by frame, and sent again: %s", async (_name, path, runId) => {
    const stream = readFileSync(path, "utf8");

    const { status, json } = await post(whole, stream);
    // Frames of an agent's log name no run: the query does.
    for (const frame of framesOf(stream)) expect((await post(pieces, frame, runId)).status).toBe(200);

    expect(status).toBe(200);
    expect(json.rejected).toBe(0);
    expect(json.ignored).toBeGreaterThan(0);
    const view = await viewOf(whole, runId);
    expect(view).toMatch(/^200 /);
    expect(await viewOf(pieces, runId)).toBe(view);
    await post(whole, stream);
    expect(await viewOf(whole, runId)).toBe(view);
  });

  test("may begin with a comment of its own", async () => {
    const { status, json } = await post(whole, ": connected\n\n");

    expect(status).toBe(200);
    expect(json).toEqual({ accepted: 0, rejected: 0, unavailable: 0, ignored: 0, results: [] });
  });
});
