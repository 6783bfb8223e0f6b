import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { type HttpFront, type HttpFrontOptions, startHttpFront } from "../../local/http-front.ts";
import type { Route } from "../../shared/contract/routes.ts";

const ROUTES: readonly Route[] = [
  { method: "POST", resource: "/v1/events", function: "ingest", scope: "ingest" },
  { method: "GET", resource: "/v1/runs/{run_id}", function: "query", scope: "read" },
  { method: "DELETE", resource: "/v1/runs/{run_id}", function: "query", scope: "admin" },
  { method: "GET", resource: "/v1/runs/latest", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/apps/{app_id}/runs", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/health", function: "query", scope: undefined },
];

const MEGABYTE = 1024 * 1024;
const KEY = { authorization: "Bearer good" };

const policy = (Effect: "Allow" | "Deny", Resource: string) => ({
  Version: "2012-10-17",
  Statement: [{ Action: "execute-api:Invoke", Effect, Resource }],
});

let front: HttpFront | undefined;
let calls: APIGatewayProxyEvent[];
let authorizations: APIGatewayRequestAuthorizerEvent[];
let faults: unknown[];

beforeEach(() => {
  calls = [];
  authorizations = [];
  faults = [];
});

afterEach(async () => {
  await front?.stop();
  front = undefined;
});

/** A front whose functions keep their events; every key but `Bearer wrong` is good, and `Bearer denied` is denied. */
async function start(
  answer: (event: APIGatewayProxyEvent) => APIGatewayProxyResult | Promise<APIGatewayProxyResult> = () => ({
    statusCode: 200,
    body: "{}",
  }),
  options: Partial<HttpFrontOptions> = {},
): Promise<string> {
  const serve = async (event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> => {
    calls.push(event);
    return answer(event);
  };
  front = await startHttpFront({
    port: 0,
    routes: ROUTES,
    functions: { ingest: serve, query: serve, control: serve },
    authorize: async (event) => {
      authorizations.push(event);
      const key = event.headers?.["authorization"];
      if (key === "Bearer wrong") throw new Error("Unauthorized");
      if (key === "Bearer broken") throw new Error("the table is gone");
      const effect = key === "Bearer denied" ? "Deny" : "Allow";
      const stage = event.methodArn.split("/").slice(0, 2).join("/");
      return {
        principalId: "demo",
        policyDocument: policy(effect, `${stage}/*`),
        context: { tenant_id: "demo", uses: 3 },
      };
    },
    reportFault: (error) => faults.push(error),
    ...options,
  });
  return front.url;
}

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const document = (await response.json()) as Record<string, unknown>;
  expect(document).toMatchObject({ type: "about:blank", status: response.status });
  expect(document["request_id"]).toBe(response.headers.get("x-request-id"));
  expect(Object.keys(document).sort()).toEqual(["code", "detail", "request_id", "status", "title", "type"]);
  return document;
}

describe("a request as a function sees it", () => {
  test("names the route's template, and the path and its parameters as sent", async () => {
    const url = await start();

    await fetch(`${url}/v1/runs/run%3A1%2Fa`, { headers: KEY });

    expect(calls[0]).toMatchObject({
      httpMethod: "GET",
      resource: "/v1/runs/{run_id}",
      path: "/v1/runs/run%3A1%2Fa",
      pathParameters: { run_id: "run%3A1%2Fa" },
      requestContext: { resourcePath: "/v1/runs/{run_id}", httpMethod: "GET", identity: { sourceIp: "127.0.0.1" } },
    });
  });

  test("prefers a literal path over a parameter", async () => {
    const url = await start();

    await fetch(`${url}/v1/runs/latest`, { headers: KEY });

    expect(calls[0]).toMatchObject({ resource: "/v1/runs/latest", pathParameters: null });
  });

  test("has every value of a repeated query parameter, and the last as the single one", async () => {
    const url = await start();

    await fetch(`${url}/v1/apps/a/runs?status=failed&status=paused+run&tag=%C3%A4%3D1=2&flag`, { headers: KEY });

    expect(calls[0]?.multiValueQueryStringParameters).toEqual({
      status: ["failed", "paused run"],
      tag: ["ä=1=2"],
      flag: [""],
    });
    expect(calls[0]?.queryStringParameters).toEqual({ status: "paused run", tag: "ä=1=2", flag: "" });
  });

  test("has null for a query, parameters and a body that are not there", async () => {
    const url = await start();

    await fetch(`${url}/v1/health`);

    expect(calls[0]).toMatchObject({
      body: null,
      isBase64Encoded: false,
      pathParameters: null,
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      stageVariables: null,
    });
  });

  test("has its headers with the letters and repetitions that were sent", async () => {
    const url = await start();

    await sendRaw(url, "GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Twice: a\r\nX-Twice: b\r\nConnection: close\r\n\r\n");

    expect(calls[0]?.headers).toMatchObject({ Host: "x", "X-Twice": "b" });
    expect(calls[0]?.multiValueHeaders).toMatchObject({ Host: ["x"], "X-Twice": ["a", "b"] });
  });

  test("has its body byte for byte, as base64", async () => {
    const url = await start();
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);

    await fetch(`${url}/v1/events`, { method: "POST", headers: KEY, body: bytes });

    expect(calls[0]?.isBase64Encoded).toBe(true);
    expect(Buffer.from(calls[0]?.body ?? "", "base64").equals(bytes)).toBe(true);
  });

  test("carries what the authorizer answered, as text", async () => {
    const url = await start();

    await fetch(`${url}/v1/runs/r`, { headers: KEY });

    expect(calls[0]?.requestContext.authorizer).toMatchObject({ tenant_id: "demo", uses: "3", principalId: "demo" });
  });
});

describe("an answer", () => {
  test("keeps the function's status, headers and text", async () => {
    const url = await start(() => ({
      statusCode: 207,
      headers: { "Content-Type": "application/json", "Retry-After": 3 },
      multiValueHeaders: { "X-Many": ["a", "b"] },
      body: '{"größe":1}',
    }));

    const response = await fetch(`${url}/v1/health`);

    expect(response.status).toBe(207);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("retry-after")).toBe("3");
    expect(response.headers.get("x-many")).toBe("a, b");
    expect(await response.text()).toBe('{"größe":1}');
  });

  test("has the bytes of a base64 body", async () => {
    const url = await start(() => ({ statusCode: 200, body: "AP8B", isBase64Encoded: true }));

    const response = await fetch(`${url}/v1/health`);

    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255, 1]);
  });

  test("has a request id: the function's, else the one that the function was called with", async () => {
    const url = await start((event) =>
      event.resource === "/v1/health"
        ? { statusCode: 200, body: "", headers: { "X-Request-Id": "mine" } }
        : { statusCode: 200, body: "" },
    );

    const own = await fetch(`${url}/v1/health`);
    const given = await fetch(`${url}/v1/runs/r`, { headers: KEY });

    expect(own.headers.get("x-request-id")).toBe("mine");
    expect(given.headers.get("x-request-id")).toBe(calls[1]?.requestContext.requestId);
  });

  test("has no body with 304", async () => {
    const url = await start(() => ({ statusCode: 304, body: "", headers: { etag: '"1-1"' } }));

    const response = await fetch(`${url}/v1/health`);

    expect(response.status).toBe(304);
    expect(response.headers.get("etag")).toBe('"1-1"');
  });

  test.each([
    ["throws", () => Promise.reject(new Error("secret detail"))],
    ["answers without a status", () => ({ body: "x" }) as unknown as APIGatewayProxyResult],
  ])("is 500 and tells nothing where the function %s", async (_, answer) => {
    const url = await start(answer);

    const response = await fetch(`${url}/v1/health`);

    expect(response.status).toBe(500);
    const document = await problemOf(response);
    expect(document["code"]).toBe("INTERNAL");
    expect(JSON.stringify(document)).not.toContain("secret");
    expect(faults).toHaveLength(1);
  });
});

describe("an address", () => {
  test.each(["/", "/v1", "/v1/nothing", "/v1/runs/", "/v1/runs/r/", "/v1/runs/r/more", "/v2/health", "//v1/health"])(
    "is not found at %s",
    async (path) => {
      const url = await start();

      const response = await fetch(url + path, { headers: KEY });

      expect(response.status).toBe(404);
      expect(await problemOf(response)).toMatchObject({ code: "NOT_FOUND", title: "There is no such thing" });
    },
  );

  test.each(["PUT", "OPTIONS", "PATCH"])("refuses %s and names what it takes", async (method) => {
    const url = await start();

    const response = await fetch(`${url}/v1/runs/r`, { method, headers: KEY });

    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, DELETE");
    expect(await problemOf(response)).toMatchObject({ code: "METHOD_NOT_ALLOWED" });
  });

  test("refuses HEAD without a body", async () => {
    const url = await start();

    const response = await fetch(`${url}/v1/health`, { method: "HEAD" });

    expect(response.status).toBe(405);
    expect(response.headers.get("x-request-id")).toBeTruthy();
    expect(await response.text()).toBe("");
  });

  test.each(["/v1/runs/%zz", "/v1/runs/%E4", "/v1/health?at=100%", "/v1/health?%FF=1"])(
    "is a bad request where its encoding is broken: %s",
    async (path) => {
      const url = await start();

      const response = await fetch(url + path, { headers: KEY });

      expect(response.status).toBe(400);
      expect(await problemOf(response)).toMatchObject({ code: "BAD_REQUEST" });
      expect(calls).toEqual([]);
    },
  );
});

describe("a credential", () => {
  test("is not asked for where the route needs none", async () => {
    const url = await start();

    const response = await fetch(`${url}/v1/health`);

    expect(response.status).toBe(200);
    expect(authorizations).toEqual([]);
    expect(calls[0]?.requestContext.authorizer).toBeUndefined();
  });

  test.each([{}, { authorization: "" }])(
    "that is missing is refused without asking the authorizer: %j",
    async (headers) => {
      const url = await start();

      const response = await fetch(`${url}/v1/runs/r`, { headers });

      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await problemOf(response)).toMatchObject({ code: "UNAUTHORIZED" });
      expect(authorizations).toEqual([]);
      expect(calls).toEqual([]);
    },
  );

  test("that is wrong is refused", async () => {
    const url = await start();

    const response = await fetch(`${url}/v1/runs/r`, { headers: { authorization: "Bearer wrong" } });

    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await problemOf(response)).toMatchObject({ code: "UNAUTHORIZED" });
    expect(calls).toEqual([]);
  });

  test("that a policy denies is forbidden", async () => {
    const url = await start();

    const response = await fetch(`${url}/v1/runs/r`, { headers: { authorization: "Bearer denied" } });

    expect(response.status).toBe(403);
    expect(await problemOf(response)).toMatchObject({ code: "FORBIDDEN" });
    expect(calls).toEqual([]);
  });

  test.each([
    ["arn:aws:execute-api:us-east-1:000000000000:local/local/POST/*", 403],
    ["arn:aws:execute-api:*:*:*/*/GET/v1/runs/?", 200],
    ["*", 200],
  ])("reaches what its policy names: %s", async (resource, status) => {
    const authorize = async () => ({ principalId: "p", policyDocument: policy("Allow", resource) });
    const url = await start(undefined, { authorize });

    const response = await fetch(`${url}/v1/runs/r`, { headers: KEY });

    expect(response.status).toBe(status);
  });

  test("cannot be checked when the authorizer fails", async () => {
    const url = await start();

    const response = await fetch(`${url}/v1/runs/r`, { headers: { authorization: "Bearer broken" } });

    expect(response.status).toBe(500);
    expect(await problemOf(response)).toMatchObject({ code: "INTERNAL" });
    expect(faults).toEqual([new Error("the table is gone")]);
  });

  test("is given to the authorizer in API Gateway's event", async () => {
    const url = await start();

    await fetch(`${url}/v1/runs/r?limit=1`, { headers: KEY });

    expect(authorizations[0]).toMatchObject({
      type: "REQUEST",
      methodArn: "arn:aws:execute-api:us-east-1:000000000000:local/local/GET/v1/runs/r",
      resource: "/v1/runs/{run_id}",
      httpMethod: "GET",
      headers: { authorization: "Bearer good" },
      pathParameters: { run_id: "r" },
      queryStringParameters: { limit: "1" },
    });
  });
});

describe("a body", () => {
  test("of 10 MB is taken", async () => {
    const url = await start();

    const response = await fetch(`${url}/v1/events`, {
      method: "POST",
      headers: KEY,
      body: Buffer.alloc(10 * MEGABYTE),
    });

    expect(response.status).toBe(200);
  });

  test("that is declared larger is refused before it is sent", async () => {
    const url = await start();

    const answer = await sendRaw(
      url,
      `POST /v1/events HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${10 * MEGABYTE + 1}\r\n\r\n`,
    );

    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"REQUEST_TOO_LARGE"');
    expect(calls).toEqual([]);
  });

  test("that turns out larger is refused while it is still being sent", async () => {
    const url = await start();
    const chunk = `100000\r\n${"x".repeat(MEGABYTE)}\r\n`;
    const elevenMegabytes = chunk.repeat(11);

    const answer = await sendRaw(
      url,
      `POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${elevenMegabytes}`,
    );

    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain("connection: close");
    expect(answer).toContain('"code":"REQUEST_TOO_LARGE"');
  });

  test("that is larger is refused so that a client which sends all of it first still sees the answer", async () => {
    const url = await start();

    const response = await fetch(`${url}/v1/events`, {
      method: "POST",
      headers: KEY,
      body: Buffer.alloc(30 * MEGABYTE),
    });

    expect(response.status).toBe(413);
    expect(await problemOf(response)).toMatchObject({ code: "REQUEST_TOO_LARGE" });
  });

  test("is asked for where the client waits to be told", async () => {
    const url = await start();
    const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1" });
    socket.write(
      "POST /v1/events HTTP/1.1\r\nHost: x\r\nauthorization: Bearer good\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
    );

    const [first] = (await once(socket, "data")) as [Buffer];
    socket.write("hi");
    const rest = await text(socket);

    expect(String(first)).toMatch(/^HTTP\/1\.1 100 /);
    expect(rest).toMatch(/HTTP\/1\.1 200 /);
    expect(calls[0]?.body).toBe("aGk=");
  });
});

describe("the front", () => {
  test("answers what is not HTTP with a problem document", async () => {
    const url = await start();

    const answer = await sendRaw(url, "hello\r\n\r\n");

    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain("content-type: application/problem+json");
    expect(answer).toContain('"code":"BAD_REQUEST"');
  });

  test("finishes the request under way before it stops, and takes no other", async () => {
    let finish: (() => void) | undefined;
    const url = await start(
      () =>
        new Promise((resolve) => {
          finish = () => resolve({ statusCode: 200, body: "done" });
        }),
    );
    const underWay = fetch(`${url}/v1/health`);
    while (finish === undefined) await new Promise(setImmediate);

    const stopped = front?.stop();
    const refused = fetch(`${url}/v1/health`).then(
      () => "taken",
      () => "refused",
    );

    expect(await refused).toBe("refused");
    finish();
    expect(await (await underWay).text()).toBe("done");
    await stopped;
  });

  test("tells a request that its port is taken", async () => {
    const url = await start();

    const second = startHttpFront({
      port: Number(new URL(url).port),
      routes: ROUTES,
      functions: { ingest: jest.fn(), query: jest.fn(), control: jest.fn() },
      authorize: jest.fn(),
      reportFault: () => undefined,
    });

    await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  test("writes a line for each request to the log", async () => {
    const lines: string[] = [];
    const url = await start(undefined, { logRequest: (line) => lines.push(line) });

    await fetch(`${url}/v1/health?a=1`);

    expect(lines).toEqual([expect.stringMatching(/^GET \/v1\/health 200 \d+ ms [0-9a-f-]{36}$/)]);
  });
});

/** Sends bytes as they are, and resolves to all that comes back. */
async function sendRaw(url: string, bytes: string): Promise<string> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1" });
  socket.write(bytes);
  return text(socket);
}
