import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type HttpFront, startHttpFront } from "../../local/http-front.ts";
import type { Route } from "../../shared/contract/routes.ts";

const ROUTES: readonly Route[] = [
  { method: "POST", resource: "/v1/events", function: "ingest", scope: undefined },
  { method: "GET", resource: "/v1/health", function: "query", scope: undefined },
];
const HEAD = "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n";

let front: HttpFront;
let calls = 0;
beforeAll(async () => {
  const serve = async () => {
    calls += 1;
    return { statusCode: 200, body: "{}" };
  };
  front = await startHttpFront({
    port: 0,
    routes: ROUTES,
    functions: { ingest: serve, query: serve, control: serve },
    authorize: () => Promise.reject(new Error("no route asks")),
    reportFault: () => undefined,
    patience: { headersMs: 300, requestMs: 600, checkEveryMs: 50 },
  });
});
afterAll(() => front.stop());

/** Sends a beginning, then a byte at a time until the other side has closed; gives all that came back. */
const trickle = async (beginning: string): Promise<string> => {
  const socket: Socket = connect({ port: Number(new URL(front.url).port), host: "127.0.0.1" });
  let received = "";
  socket.on("data", (bytes) => {
    received += String(bytes);
  });
  // A byte that meets a closed connection.
  socket.on("error", () => undefined);
  socket.write(beginning);
  const drip = setInterval(() => socket.write("x"), 20);
  try {
    await once(socket, "close");
  } finally {
    clearInterval(drip);
    socket.destroy();
  }
  return received;
};

test.each([
  ["its body", `${HEAD}\r\n`],
  ["its headers", `${HEAD}X-Note: `],
])("a client that trickles %s is told that it took too long, and cut off", async (_what, beginning) => {
  const before = calls;

  const answer = await trickle(beginning);

  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain("content-type: application/problem+json");
  expect(answer).toContain('"code":"REQUEST_TIMEOUT"');
  expect(calls).toBe(before);
});

test("clients that trickle keep nobody else waiting", async () => {
  const slow = Array.from({ length: 50 }, () => trickle(`${HEAD}\r\n`));

  for (let asked = 0; asked < 10; asked++) {
    const response = await fetch(`${front.url}/v1/health`, { signal: AbortSignal.timeout(5000) });
    expect(response.status).toBe(200);
  }
  await Promise.all(slow);
});
