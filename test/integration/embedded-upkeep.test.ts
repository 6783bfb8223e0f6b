import { startReaper } from "../../local/reaper.ts";
import type { LogLine } from "../../shared/lambda/log.ts";
import { type EmbeddedStack, startEmbeddedStack } from "../support/embedded-stack.ts";
import { eventText } from "../support/event-text.ts";

describe("the embedded stack", () => {
  let stack: EmbeddedStack;
  beforeAll(async () => {
    stack = await startEmbeddedStack({ RUNSTONE_UPKEEP_SECONDS: "1" });
  });
  afterAll(() => stack.stop());

  test("closes a run that went silent, and tells of it", async () => {
    const { api_url, keys } = stack.local;
    const headers = { authorization: `Bearer ${keys["demo"]}`, "content-type": "application/json" };
    const started = eventText("run.started", { idle_timeout: 0.1 });
    const posted = await fetch(`${api_url}/v1/events`, { method: "POST", headers, body: `{"events":[${started}]}` });
    expect(posted.status).toBe(200);
    const read = async () =>
      (await fetch(`${api_url}/v1/runs/run-1`, { headers })).json() as Promise<{ status: string }>;
    const until = Date.now() + 20_000;
    while ((await read()).status === "running" && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 100));

    expect(await read()).toMatchObject({ status: "failed", error: { code: "RUN_LOST" } });
  });
});

describe("its schedule", () => {
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  };

  test("begins with a tick after one interval, and waits for a tick before the next one", async () => {
    let [begun, most, underWay] = [0, 0, 0];
    const release: (() => void)[] = [];
    const reap = async (): Promise<void> => {
      begun++;
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => release.push(resolve));
      underWay--;
    };
    const reaper = startReaper({ reap, everyMs: 5, log: () => undefined });
    expect(begun).toBe(0);
    for (let tick = 1; tick <= 3; tick++) {
      await until(() => begun === tick);
      release[tick - 1]?.();
    }
    await until(() => begun === 4);
    const stopped = reaper.stop();
    release[3]?.();
    await stopped;

    expect([begun, most, underWay]).toEqual([4, 1, 0]);
  });

  test("tells a tick that is under way to end when it is stopped", async () => {
    let remaining: (() => number) | undefined;
    const reap = async (left: () => number): Promise<void> => {
      remaining = left;
      await until(() => left() <= 0);
    };
    const reaper = startReaper({ reap, everyMs: 1, log: () => undefined });
    await until(() => remaining !== undefined);
    expect(remaining?.()).toBeGreaterThan(200_000);

    await reaper.stop();
    expect(remaining?.()).toBe(0);
  });

  test("goes on after a tick that failed, and says so", async () => {
    const lines: LogLine[] = [];
    let ticks = 0;
    const reap = async (): Promise<void> => {
      if (++ticks === 1) throw new Error("out of reach");
    };
    const reaper = startReaper({ reap, everyMs: 1, log: (line) => lines.push(line) });
    await until(() => ticks === 2);
    await reaper.stop();

    expect(lines).toMatchObject([{ level: "error", message: "upkeep failed, trying again" }]);
  });
});
