import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonOutput } from "../../shared/contract/json-text.ts";
import { type EmbeddedStack, spawnStack, startEmbeddedStack } from "../support/embedded-stack.ts";
import { eventText, json } from "../support/event-text.ts";
import { testEndpoints } from "../support/test-endpoints.ts";
import { refTo, uploadRequest } from "../support/uploads.ts";

const MB = 1024 * 1024;
const at = new Date().toISOString();

// biome-ignore lint/suspicious/noExplicitAny: tests read answers as a client does
const jsonOf = async (answer: Promise<Response>): Promise<any> => (await answer).json();

/** A stack as its callers see it. */
const clientOf = ({ api_url: apiUrl, keys }: EmbeddedStack["local"]) => {
  const ask = (path: string, init: RequestInit = {}, tenant: "demo" | "acme" = "demo") =>
    jsonOf(
      fetch(`${apiUrl}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${keys[tenant]}`, "content-type": "application/json" },
      }),
    );
  return {
    readRun: (id: string) => ask(`/v1/runs/${id}`),
    open: (bytes: Uint8Array, tenant?: "demo" | "acme") =>
      ask("/v1/uploads", { method: "POST", body: uploadRequest(bytes) }, tenant),
    record: async (...events: readonly string[]) =>
      (await ask("/v1/events", { method: "POST", body: `{"events":[${events.join(",")}]}` })).results,
  };
};

interface Opened {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}

const put = async ({ url, method, headers }: Opened, body: Buffer) => {
  const answer = await fetch(url, { method, headers, body: new Uint8Array(body) });
  return { status: answer.status, code: /<Code>(\w+)</.exec(await answer.text())?.[1] };
};

const started = (run_id: string, more: Readonly<Record<string, JsonOutput>>) =>
  eventText("run.started", { run_id, at, ...more });

describe("the embedded stack", () => {
  let stack: EmbeddedStack;
  let client: ReturnType<typeof clientOf>;
  beforeAll(async () => {
    stack = await startEmbeddedStack();
    client = clientOf(stack.local);
  });
  afterAll(() => stack.stop());

  test("takes 3 MB, reads them as a link, and gives the same bytes", async () => {
    const bytes = randomBytes(3 * MB);
    const opened = await client.open(bytes);
    expect(await put(opened, bytes)).toEqual({ status: 200 });

    expect(await client.record(started("large", { inputs: refTo(opened.id) }))).toMatchObject([{ status: "accepted" }]);
    const { inputs } = await client.readRun("large");
    const answer = await fetch(inputs.url);

    expect(inputs).toMatchObject({ $ref: "download", size: bytes.length, upload_id: opened.id });
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test("takes 50 MB", async () => {
    const bytes = randomBytes(50 * MB);
    const opened = await client.open(bytes);

    expect(await put(opened, bytes)).toEqual({ status: 200 });

    await client.record(started("largest", { inputs: refTo(opened.id) }));
    const { inputs } = await client.readRun("largest");
    const hash = createHash("sha256");
    for await (const chunk of (await fetch(inputs.url)).body ?? []) hash.update(chunk);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
  });

  test("takes nothing but what was announced, and then there is nothing to refer to", async () => {
    const bytes = randomBytes(MB);
    const opened = await client.open(bytes);

    expect(await put(opened, randomBytes(MB))).toEqual({ status: 400, code: "BadDigest" });
    expect(await put(opened, randomBytes(MB + 1))).toEqual({ status: 403, code: "SignatureDoesNotMatch" });
    expect(await put({ ...opened, headers: {} }, bytes)).toEqual({ status: 403, code: "SignatureDoesNotMatch" });

    const [result] = await client.record(started("nothing", { inputs: refTo(opened.id) }));
    expect(result).toMatchObject({ status: "rejected", code: "UPLOAD_NOT_FOUND", errors: [{ path: "inputs" }] });
  });

  test("gives one tenant nothing of another's uploads", async () => {
    const bytes = randomBytes(MB);
    const theirs = await client.open(bytes, "acme");
    await put(theirs, bytes);

    const [result] = await client.record(started("theirs", { inputs: refTo(theirs.id) }));
    const forged = await put({ ...theirs, url: theirs.url.replace("t-acme", "t-demo") }, bytes);

    expect(result.code).toBe("UPLOAD_NOT_FOUND");
    expect(forged).toEqual({ status: 403, code: "SignatureDoesNotMatch" });
  });

  test("reads a value of 2 MB as a link that fetch unpacks, and one of 0.9 MB as the value", async () => {
    const large = `{ "n":1.0, "x":"${"x".repeat(2 * MB)}"}`;
    const small = "x".repeat(Math.floor(0.9 * MB));
    await client.record(started("inline", { inputs: json(large), custom: small }));

    const { inputs, custom } = await client.readRun("inline");
    const answer = await fetch(inputs.url);

    expect([inputs.size, custom]).toEqual([Buffer.byteLength(large), small]);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.text()).toBe(large);
  });

  test("forgets neither bytes nor events when the event is repeated after the upload is gone", async () => {
    const bytes = randomBytes(MB);
    const opened = await client.open(bytes);
    await put(opened, bytes);
    const event = started("again", { inputs: refTo(opened.id) });
    await client.record(event);
    rmSync(join(stack.directory, "objects/2d/uploads/t-demo", opened.id));

    expect(await client.record(event)).toMatchObject([{ status: "accepted" }]);

    const { inputs, version } = await client.readRun("again");
    expect(version).toBe(1);
    expect(Buffer.from(await (await fetch(inputs.url)).arrayBuffer()).equals(bytes)).toBe(true);
  });
});

describe("the embedded stack, stopped and started again in its directory,", () => {
  const directory = mkdtempSync(join(tmpdir(), "runstone-links-"));
  let child: ChildProcess;
  const start = async (port = "0"): Promise<EmbeddedStack["local"]> => {
    child = spawnStack({ RUNSTONE_DATA_DIR: directory, PORT: port }, "inherit");
    await once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data");
    return JSON.parse(readFileSync(join(directory, "local.json"), "utf8"));
  };
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("holds to the links that it gave before, on the same port, and keeps its secret to its owner", async () => {
    const local = await start();
    const client = clientOf(local);
    const bytes = randomBytes(1000);
    const [opened, later] = [await client.open(bytes), await client.open(bytes)];
    await put(opened, bytes);
    await client.record(started("kept", { inputs: refTo(opened.id) }));
    const { inputs } = await client.readRun("kept");
    await stop();

    await start(new URL(local.api_url).port);

    expect(Buffer.from(await (await fetch(inputs.url)).arrayBuffer()).equals(bytes)).toBe(true);
    expect(await put(later, bytes)).toEqual({ status: 200 });
    expect(statSync(join(directory, "link-secret")).mode & 0o077).toBe(0);
    await stop();
  });
});

describe("the embedded stack on an S3 server", () => {
  let stack: EmbeddedStack;
  beforeAll(async () => {
    stack = await startEmbeddedStack({ AWS_ENDPOINT_URL_S3: testEndpoints().s3 });
  });
  afterAll(() => stack.stop());

  test("gives that server's own links, and serves none", async () => {
    const client = clientOf(stack.local);
    const bytes = randomBytes(3 * MB);
    const opened = await client.open(bytes);
    expect(opened.url.startsWith(testEndpoints().s3)).toBe(true);
    expect(await put(opened, bytes)).toEqual({ status: 200 });

    await client.record(started("s3", { inputs: refTo(opened.id), custom: "x".repeat(2 * MB) }));
    const { inputs, custom } = await client.readRun("s3");

    expect(Buffer.from(await (await fetch(inputs.url)).arrayBuffer()).equals(bytes)).toBe(true);
    expect(await (await fetch(custom.url)).text()).toBe(JSON.stringify("x".repeat(2 * MB)));
    expect((await fetch(`${stack.local.api_url}/_objects/x`)).status).toBe(404);
    expect(existsSync(join(stack.directory, "link-secret"))).toBe(false);
  });
});
