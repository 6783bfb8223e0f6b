/**
 * Kills the embedded stack with SIGKILL while it records, again and again on one data directory, and looks after each
 * restart whether every event that was answered 200 is there, counted once, and its run in the list.
 *
 * Usage: node test/crash/kill-nine.ts [rounds, 20 by default]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROUNDS = Number(process.argv[2] ?? 20);
const APP = "crash-app";
const SENDERS = 6;
const LONGEST_ROUND_MS = 1500;

interface Stack {
  readonly process: ChildProcess;
  readonly url: string;
  readonly key: string;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

/** What the stack announces when it is ready, undefined until this process has done so. */
const announcedBy = (
  child: ChildProcess,
  directory: string,
): { api_url: string; keys: { demo: string } } | undefined => {
  const file = join(directory, "local.json");
  if (!existsSync(file)) return undefined;
  const announced = JSON.parse(readFileSync(file, "utf8"));
  return announced.pid === child.pid ? announced : undefined;
};

const start = async (directory: string, port: number): Promise<Stack> => {
  const child = spawn(process.execPath, ["local/start.ts"], {
    env: { ...process.env, PORT: String(port), RUNSTONE_DATA_DIR: directory },
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    const announced = announcedBy(child, directory);
    if (announced !== undefined) return { process: child, url: announced.api_url, key: announced.keys.demo };
    await sleep(50);
  }
  throw new Error("the stack did not start");
};

const kill = (stack: Stack): Promise<void> =>
  new Promise((resolve) => {
    stack.process.once("exit", () => resolve());
    stack.process.kill("SIGKILL");
  });

const call = async (stack: Stack, path: string, body?: string) => {
  const answer = await fetch(`${stack.url}${path}`, {
    headers: { authorization: `Bearer ${stack.key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: read as a client does
  return { status: answer.status, json: (await answer.json()) as any };
};

/** What a run was promised: event ids that were answered 200. */
type Promised = Map<string, Set<string>>;

const event = (runId: string, id: string, fields: object): object => ({
  run_id: runId,
  app_id: APP,
  id,
  at: new Date().toISOString(),
  ...fields,
});

/** A run's events in three arrivals. Some payloads are large enough to become objects. */
const arrivalsOf = (runId: string): { ids: string[]; body: string }[] => {
  const text = () => Buffer.from(Array.from({ length: 400 }, () => Math.random())).toString("hex") + Math.random();
  const payload = Array.from({ length: Math.random() < 0.3 ? 30 : 1 }, text).join(" ");
  const node = { node_execution_id: `${runId}-n`, node_id: "n" };
  const requests = [
    [event(runId, "start", { type: "run.started", inputs: { payload } })],
    [
      event(runId, "node-start", { type: "node.started", ...node, inputs: { payload } }),
      event(runId, "node-end", { type: "node.finished", ...node, status: "succeeded", outputs: { payload } }),
    ],
    [
      event(runId, "end", {
        type: "run.finished",
        status: Math.random() < 0.5 ? "succeeded" : "failed",
        elapsed_time: 1,
      }),
    ],
  ];
  return requests.map((events) => ({
    ids: events.map((one) => (one as { id: string }).id),
    body: JSON.stringify({ events }),
  }));
};

const send = async (stack: Stack, name: string, promised: Promised, isOver: () => boolean): Promise<void> => {
  for (let number = 0; !isOver(); number++) {
    const runId = `${name}-${number}`;
    for (const { ids, body } of arrivalsOf(runId)) {
      try {
        const { status } = await call(stack, "/v1/events", body);
        if (status !== 200) throw new Error(`expected 200, came ${status}`);
      } catch (error) {
        if (isOver()) return;
        throw error;
      }
      const known = promised.get(runId) ?? new Set();
      for (const id of ids) known.add(id);
      promised.set(runId, known);
    }
  }
};

const listed = async (stack: Stack): Promise<Map<string, string>> => {
  const statuses = new Map<string, string>();
  let cursor: string | null = null;
  do {
    const query: string = `limit=100${cursor === null ? "" : `&cursor=${cursor}`}`;
    const { json } = await call(stack, `/v1/apps/${APP}/runs?${query}`);
    for (const run of json.data) {
      if (statuses.has(run.run_id)) throw new Error(`${run.run_id} is listed twice`);
      statuses.set(run.run_id, run.status);
    }
    cursor = json.next_cursor;
  } while (cursor !== null);
  return statuses;
};

const check = async (stack: Stack, promised: Promised, fresh: ReadonlySet<string>): Promise<number> => {
  const rows = await listed(stack);
  let events = 0;
  for (const [runId, ids] of promised) {
    if (!rows.has(runId)) throw new Error(`${runId} is not in the list`);
    events += ids.size;
    if (!fresh.has(runId)) continue;
    const { json } = await call(stack, `/v1/runs/${runId}/events?limit=1000`);
    const found = json.data.map((delivery: { id: string }) => delivery.id);
    for (const id of ids) if (!found.includes(id)) throw new Error(`${runId} has lost ${id}`);
    const run = (await call(stack, `/v1/runs/${runId}`)).json;
    const distinct = new Set(found).size;
    if (found.length !== distinct) throw new Error(`${runId} holds an event twice`);
    if (ids.has("end") && rows.get(runId) !== run.status) {
      throw new Error(`${runId} reads ${run.status} and is listed as ${rows.get(runId)}`);
    }
    const nodes = Object.values(run.node_counts as Record<string, number>).reduce((sum, count) => sum + count, 0);
    if (nodes > 1 || (ids.has("node-end") && run.node_counts.succeeded !== 1)) {
      throw new Error(`${runId} counts its node ${nodes} times`);
    }
  }
  return events;
};

const directory = mkdtempSync(join(tmpdir(), "runstone-crash-"));
const port = await freePort();
const promised: Promised = new Map();
try {
  let stack = await start(directory, port);
  for (let round = 1; round <= ROUNDS; round++) {
    const before = new Set(promised.keys());
    let isOver = false;
    const senders = Array.from({ length: SENDERS }, (_, sender) =>
      send(stack, `run-${round}-${sender}`, promised, () => isOver),
    );
    await sleep(Math.random() * LONGEST_ROUND_MS);
    isOver = true;
    await kill(stack);
    await Promise.all(senders);
    stack = await start(directory, port);
    const fresh = new Set([...promised.keys()].filter((runId) => !before.has(runId)));
    const events = await check(stack, promised, fresh);
    process.stdout.write(`kill ${round} of ${ROUNDS}: ${events} events of ${promised.size} runs are there\n`);
  }
  await kill(stack);
  process.stdout.write(
    `${ROUNDS} kills: nothing that was answered 200 is lost, counted twice or missing from the list\n`,
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
