import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { MOST_UPLOAD_BYTES } from "../../shared/contract/upload-request.ts";
import { type ObjectServer, startObjectServer } from "../support/object-server.ts";

const KEY = "2d/uploads/t-demo/01ARZ3NDEKTSV4RRFFQ69G5FAV";
const bytes = randomBytes(200_000);
const sha256 = createHash("sha256").update(bytes).digest("base64");
const EXPECTED = { sizeBytes: bytes.length, sha256 };

let server: ObjectServer;
let now: number;
beforeEach(async () => {
  now = Date.parse("2026-11-22T12:00:00Z");
  server = await startObjectServer(() => now);
});
afterEach(() => server.stop());

const time = (seconds = 60) => ({ from: now, seconds });
const uploadLink = (of = EXPECTED, key = KEY) => server.links.upload(key, of, time());
const downloadLink = (key = KEY) => server.links.download(key, time());

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
}

/** Sends a request with its URL exactly as it is written, and gives status and S3's code. */
const send = (url: string, { method = "PUT", headers = {}, body }: Sent = {}) => {
  const { hostname, port, origin } = new URL(url);
  return new Promise<{ status: number; code: string | undefined; body: string }>((resolve, reject) => {
    const path = url.slice(origin.length);
    const sent = httpRequest({ method, hostname, port, path, headers, agent: false }, (response) => {
      text(response).then(
        (all) => resolve({ status: response.statusCode ?? 0, code: /<Code>(\w+)</.exec(all)?.[1], body: all }),
        reject,
      );
    });
    sent.once("error", reject);
    sent.end(body);
  });
};

const checksum = { "x-amz-checksum-sha256": sha256 };
const put = (url: string, sent: Sent = {}) =>
  send(url, { headers: { ...checksum, "content-length": String(bytes.length) }, body: bytes, ...sent });

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

describe("a link to upload by", () => {
  test("takes the bytes that were announced, and leaves no other file", async () => {
    const { url } = await uploadLink();

    expect(await put(url)).toMatchObject({ status: 200, body: "" });

    expect(await server.store.get(KEY)).toEqual(bytes);
    expect(filesIn(server.directory)).toEqual(["01ARZ3NDEKTSV4RRFFQ69G5FAV"]);
  });

  test("refuses other bytes of the same length, and keeps nothing of them", async () => {
    const { url } = await uploadLink();

    expect(await put(url, { body: randomBytes(bytes.length) })).toMatchObject({ status: 400, code: "BadDigest" });

    expect(filesIn(server.directory)).toEqual([]);
  });

  test("keeps what is there where what comes after it is wrong", async () => {
    const { url } = await uploadLink();
    await put(url);
    await put(url, { body: randomBytes(bytes.length) });

    expect(await server.store.get(KEY)).toEqual(bytes);
  });

  test.each<[string, Sent, number, string]>([
    ["another length", { body: bytes.subarray(1), headers: { ...checksum } }, 403, "SignatureDoesNotMatch"],
    ["no length", { headers: { ...checksum, "transfer-encoding": "chunked" } }, 411, "MissingContentLength"],
    ["no checksum", { headers: {} }, 403, "SignatureDoesNotMatch"],
    ["another checksum", { headers: { "x-amz-checksum-sha256": "AAAA" } }, 403, "SignatureDoesNotMatch"],
    ["another method", { method: "GET", headers: {}, body: Buffer.of() }, 403, "SignatureDoesNotMatch"],
    ["no method of links", { method: "DELETE" }, 403, "SignatureDoesNotMatch"],
    ["a request to post", { method: "POST" }, 403, "SignatureDoesNotMatch"],
  ])("refuses %s", async (_what, sent, status, code) => {
    const { url } = await uploadLink();
    const body = sent.body ?? bytes;
    const length = "transfer-encoding" in (sent.headers ?? {}) ? {} : { "content-length": String(body.length) };

    const answer = await put(url, { ...sent, headers: { ...length, ...(sent.headers ?? checksum) } });

    expect(answer).toMatchObject({ status, code });
    expect(filesIn(server.directory)).toEqual([]);
  });

  test("refuses more than 50 MB by its length, before it is sent", async () => {
    const { url } = await uploadLink();
    const { hostname, port, pathname, search } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const length = MOST_UPLOAD_BYTES + 1;
    socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\nnot all of it`);

    expect(await text(socket)).toMatch(/^HTTP\/1.1 413 [\s\S]*<Code>EntityTooLarge<\/Code>/);
  });

  test("tells a client that asks before it sends to go on, and one that may not, not to", async () => {
    const asking = async (url: string): Promise<{ status: number; isToldToGoOn: boolean }> => {
      const { hostname, port, origin } = new URL(url);
      const headers = { ...checksum, "content-length": String(bytes.length), expect: "100-continue" };
      const sent = httpRequest({ method: "PUT", hostname, port, path: url.slice(origin.length), headers });
      let isToldToGoOn = false;
      sent.once("continue", () => {
        isToldToGoOn = true;
        sent.end(bytes);
      });
      sent.flushHeaders();
      const [response] = await once(sent, "response");
      response.resume();
      sent.destroy();
      return { status: response.statusCode, isToldToGoOn };
    };
    const { url } = await uploadLink();

    expect(await asking(url)).toEqual({ status: 200, isToldToGoOn: true });
    expect(await asking(`${url}0`)).toEqual({ status: 403, isToldToGoOn: false });
  });

  test("leaves nothing behind where the client goes away, and takes the same afterwards", async () => {
    const { url } = await uploadLink();
    const { hostname, port, origin } = new URL(url);
    const headers = { ...checksum, "content-length": String(bytes.length) };
    const sent = httpRequest({ method: "PUT", hostname, port, path: url.slice(origin.length), headers });
    sent.on("error", () => undefined);
    sent.write(bytes.subarray(0, 100_000));
    while (filesIn(server.directory).length === 0) await pause(5);
    sent.destroy();
    while (filesIn(server.directory).length > 0) await pause(5);

    expect(await put(url)).toMatchObject({ status: 200 });
    expect(server.faults).toEqual([]);
  });
});

describe("a link to download by", () => {
  beforeEach(() => server.store.put(KEY, bytes));

  test("holds until its time is over, to the second", async () => {
    const url = await downloadLink();
    const before = await send(url, { method: "GET" });
    now += 59_999;
    const justBefore = await send(url, { method: "GET" });
    now += 1;
    const after = await send(url, { method: "GET" });

    expect([before.status, justBefore.status]).toEqual([200, 200]);
    expect(after).toMatchObject({ status: 403, code: "AccessDenied" });
  });

  test("holds for its object and its time, and nothing that is changed in it", async () => {
    const url = await downloadLink();
    await server.store.put("2d/uploads/t-demo/other", bytes);
    const forged = [
      url.replace("01ARZ3NDEKTSV4RRFFQ69G5FAV", "other"),
      url.replace("t-demo", "t-acme"),
      url.replace(/expires=\d+/, (expires) => `${expires}0`),
      url.replace(/expires=(\d+)/, "expires=NaN"),
      url.replace(/signature=[0-9a-f]{2}/, "signature=00"),
      url.replace(/signature=\w+/, "signature="),
      url.replace(/&signature=\w+/, ""),
      `${url.split("?")[0]}`,
      `${url}&size=1&sha256=x`,
      `${url.slice(0, -2)}zz`,
    ];

    for (const other of forged) {
      expect([other, (await send(other, { method: "GET" })).status]).toEqual([other, 403]);
    }
    expect((await send(url, { method: "PUT", body: bytes })).status).toBe(403);
  });

  test.each([
    "..",
    "../..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fsecret",
    "..%2fsecret",
    "a/../../../secret",
    "a%5c..%5csecret",
    "a%00",
    "a//b",
    "",
    "%",
    "%zz",
    ".",
  ])("is refused where its path leads elsewhere: %j", async (path) => {
    writeFileSync(join(dirname(server.directory), "secret"), "secret");
    const { search } = new URL(await downloadLink());

    const answer = await send(`${server.url}/_objects/${path}${search}`, { method: "GET" });

    expect([403, 404]).toContain(answer.status);
    expect(answer.body).not.toContain("secret");
  });

  test("leads to no directory", async () => {
    const answer = await send(await downloadLink("2d/uploads"), { method: "GET" });

    expect(answer).toMatchObject({ status: 404, code: "NoSuchKey" });
    expect(existsSync(join(server.directory, "2d/uploads"))).toBe(true);
  });

  test("is logged without what makes it hold", async () => {
    await send(await downloadLink(), { method: "GET" });
    while (server.lines.length === 0) await pause(5);

    expect(server.lines).toEqual([expect.stringMatching(/^GET \/_objects\/2d\/\S+ 200 \d+ ms [\w-]+$/)]);
    expect(server.lines.join()).not.toContain("signature");
  });
});

test("a path that is no link's is served as ever", async () => {
  const answer = await fetch(`${server.url}/_objectsx/a`);

  expect(answer.status).toBe(404);
  expect(await answer.text()).toContain('"code":"NOT_FOUND"');
});

test("a disk that takes nothing is a 500, and told", async () => {
  writeFileSync(join(server.directory, "2d"), "a file where a directory should be");

  const answer = await put((await uploadLink()).url);

  expect(answer.status).toBe(500);
  expect(server.faults).toHaveLength(1);
});
