import { jsonLog } from "../../shared/lambda/log.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";
import { s3BlobStore } from "../../shared/s3/s3-blob-store.ts";
import {
  answer,
  partOfBody,
  type Reaction,
  reset,
  type ScriptedServer,
  silence,
  startScriptedServer,
} from "../support/scripted-server.ts";

const KEY = "runs/t-demo/r-1/01A";
const SECRET = "a-secret-nobody-may-see";

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const scripted = async (...script: readonly Reaction[]) => {
  server = await startScriptedServer(...script);
  return storeAt(server.endpoint);
};

const storeAt = (endpoint: string, credentials = async () => ({ accessKeyId: "AKID", secretAccessKey: SECRET })) =>
  s3BlobStore({
    bucket: "ledger",
    region: "us-east-1",
    endpoint,
    credentials,
    patience: { answerMs: 250, backoffMs: 1 },
  });

const faultOf = async (call: Promise<unknown>): Promise<StoreFault> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreFault)) throw new Error(`expected a StoreFault, came ${String(error)}`);
  return error;
};

const tries = (): number => server?.received.length ?? 0;

describe("S3 in trouble", () => {
  it.each([
    ["503 SlowDown", answer(503, { code: "SlowDown" })],
    ["500 InternalError", answer(500, { code: "InternalError" })],
    ["502 of something in between", answer(502, { body: "<html>Bad gateway</html>" })],
    ["429", answer(429)],
    ["400 RequestTimeout", answer(400, { code: "RequestTimeout" })],
    ["400 for a body that came damaged", answer(400, { code: "XAmzContentSHA256Mismatch" })],
    ["a connection that breaks", reset],
    ["an answer that does not come", silence],
    ["a body that is cut short", partOfBody(true)],
    ["a body that stops coming", partOfBody(false)],
  ])("is asked again after %s", async (_, trouble) => {
    const store = await scripted(trouble, trouble, answer(200, { body: "whole" }));

    expect(Buffer.from((await store.get(KEY)) ?? []).toString()).toBe("whole");
    expect(tries()).toBe(3);
  });

  it("is told to copy again where it refused, and not believed where its 200 says that it failed", async () => {
    const store = await scripted(
      answer(503, { code: "SlowDown" }),
      answer(200, { body: "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>" }),
      answer(200, { body: "<Error><Code>InternalError</Code></Error>" }),
    );

    expect(await store.copy("2d/uploads/t-demo/1", KEY)).toBe(true);
    expect(tries()).toBe(2);
    const fault = await faultOf(store.copy("2d/uploads/t-demo/1", KEY));
    expect([fault.isRetryable, fault.message]).toEqual([true, "S3 CopyObject failed: 200 InternalError"]);
  });

  it("is not taken for having no object where it has no bucket", async () => {
    const store = await scripted(answer(404, { code: "NoSuchBucket" }));

    expect((await faultOf(store.sizeOf(KEY))).isRetryable).toBe(true);
    expect((await faultOf(store.copy("2d/uploads/t-demo/1", KEY))).isRetryable).toBe(true);
  });

  it("is sent the same bytes again", async () => {
    const store = await scripted(reset, answer(503, { code: "SlowDown" }), answer(200));
    await store.put(KEY, Buffer.from("bytes"));

    expect(server?.received.map(({ body }) => body.toString())).toEqual(["bytes", "bytes", "bytes"]);
  });

  it.each([
    ["503 SlowDown", answer(503, { code: "SlowDown" }), "503 SlowDown"],
    ["an answer without a code", answer(500), "500 without a code"],
    ["connections that break", reset, "(UND_ERR_SOCKET|ECONNRESET)"],
    ["answers that do not come", silence, "(TimeoutError|ETIMEDOUT)"],
    ["bodies that are cut short", partOfBody(true), "(UND_ERR_SOCKET|ECONNRESET)"],
    ["bodies that stop coming", partOfBody(false), "(TimeoutError|ETIMEDOUT)"],
  ])("is given up after three tries that end in %s", async (_, trouble, reason) => {
    const store = await scripted(trouble);
    const fault = await faultOf(store.get(KEY));

    expect(fault.message).toMatch(new RegExp(`^S3 GetObject failed: ${reason}$`));
    expect(fault.isRetryable).toBe(true);
    expect(fault.cause).toHaveProperty("message");
    expect(tries()).toBe(3);
  });

  it("is out of reach where nothing listens", async () => {
    const store = await scripted();
    await server?.stop();
    server = undefined;

    expect(await faultOf(store.remove(KEY))).toMatchObject({
      message: "S3 DeleteObject failed: ECONNREFUSED",
      isRetryable: true,
    });
  });

  it("is not asked where there are no credentials", async () => {
    await scripted(answer(200));
    const expired = new Error("the session has expired");
    const store = storeAt(server?.endpoint ?? "", () => Promise.reject(expired));

    expect(await faultOf(store.get(KEY))).toMatchObject({ cause: expired, isRetryable: true });
    expect(tries()).toBe(0);
  });

  it("has time for a body by its size", async () => {
    const large = Buffer.alloc(4_000_000);
    const later = (react: () => void) => setTimeout(react, 350);
    const store = await scripted(
      (response) => later(() => response.writeHead(200).end()),
      (response) => {
        response.writeHead(200, { "content-length": large.length });
        response.write(large.subarray(10));
        later(() => response.end(large.subarray(0, 10)));
      },
    );
    await store.put(KEY, large);
    const found = await store.get(KEY);

    expect(found).toHaveLength(large.length);
    expect(tries()).toBe(2);
  });

  it("is called over one connection, whatever it answers", async () => {
    const answers = [answer(200, { body: "x" }), answer(404, { code: "NoSuchKey" }), answer(500), answer(204)];
    const store = await scripted(...answers, answer(403, { code: "AccessDenied" }));
    await store.get(KEY);
    await store.get(KEY);
    await store.remove(KEY);
    await faultOf(store.put(KEY, Buffer.from("x")));

    expect([tries(), server?.connections()]).toEqual([5, 1]);
  });
});

describe("S3 that says no", () => {
  it("has no such object", async () => {
    const store = await scripted(answer(404, { code: "NoSuchKey" }));

    expect(await store.get(KEY)).toBeUndefined();
    expect(await store.remove(KEY)).toBeUndefined();
    expect(tries()).toBe(2);
  });

  it.each([
    ["403 AccessDenied", answer(403, { code: "AccessDenied" })],
    ["404 NoSuchBucket", answer(404, { code: "NoSuchBucket" })],
    ["404 without a code", answer(404, { body: "<html>Not found</html>" })],
    ["301 PermanentRedirect", answer(301, { code: "PermanentRedirect", headers: { location: "http://127.0.0.1:9/" } })],
  ])("%s is asked once; the same call may succeed when that is put right", async (reason, no) => {
    const store = await scripted(no);

    for (const call of [() => store.get(KEY), () => store.remove(KEY), () => store.put(KEY, Buffer.from("x"))]) {
      const fault = await faultOf(call());
      expect(fault.message).toMatch(new RegExp(`^S3 (Get|Put|Delete)Object failed: ${reason}$`));
      expect(fault.isRetryable).toBe(true);
    }
    expect(tries()).toBe(3);
  });

  it.each(["InvalidArgument", "KeyTooLongError", "EntityTooLarge"])(
    "400 %s is asked once, and never succeeds",
    async (code) => {
      const store = await scripted(answer(400, { code }));

      expect(await faultOf(store.put(KEY, Buffer.from("x")))).toMatchObject({
        message: `S3 PutObject failed: 400 ${code}`,
        isRetryable: false,
      });
      expect(tries()).toBe(1);
    },
  );

  it("is quoted by its code and request id, never by its body or with a signature", async () => {
    const body = `<Error><Code>SignatureDoesNotMatch</Code><StringToSign>AWS4-HMAC-SHA256 AKID</StringToSign></Error>`;
    const store = await scripted(answer(403, { body }));
    const fault = await faultOf(store.get(KEY));

    const lines: string[] = [];
    const write = process.stdout.write;
    process.stdout.write = (line) => lines.push(String(line)) > 0;
    jsonLog({ level: "error", message: "request failed", error: fault });
    process.stdout.write = write;
    expect(lines.join()).toContain("403 SignatureDoesNotMatch, request id 4442587FB7D0A2F9");
    for (const secret of ["AWS4", "AKID", SECRET, "StringToSign", "Signature="]) {
      expect(lines.join()).not.toContain(secret);
    }
  });
});
