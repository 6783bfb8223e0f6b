import { s3BlobStore } from "../../shared/s3/s3-blob-store.ts";
import { readAuthorization, signatureOf } from "../support/aws-signature.ts";
import { answer, type Received, type ScriptedServer, startScriptedServer } from "../support/scripted-server.ts";

const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

let server: ScriptedServer;
beforeEach(async () => {
  server = await startScriptedServer(answer(200));
});
afterEach(() => server.stop());

const storeWith = (more: { sessionToken?: string; endpoint?: string } = {}) =>
  s3BlobStore({
    bucket: "ledger",
    region: "eu-central-1",
    endpoint: more.endpoint ?? server.endpoint,
    credentials: () => ({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: SECRET, sessionToken: more.sessionToken }),
  });

const last = (): Received => {
  const request = server.received.at(-1);
  if (request === undefined) throw new Error("no request came");
  return request;
};

const expectSigned = (request: Received): void => {
  const { accessKeyId, scope, signedHeaders, signature } = readAuthorization(request.headers["authorization"] ?? "");
  expect(accessKeyId).toBe("AKIDEXAMPLE");
  expect(scope).toBe(`${request.headers["x-amz-date"]?.slice(0, 8)}/eu-central-1/s3/aws4_request`);
  expect(signedHeaders).toEqual(expect.arrayContaining(["host", "x-amz-content-sha256", "x-amz-date"]));
  expect(signature).toBe(signatureOf(request, { secretAccessKey: SECRET, scope, signedHeaders }));
};

describe("the signature that requests are held against", () => {
  const host = "examplebucket.s3.amazonaws.com";
  const by = { secretAccessKey: SECRET, scope: "20130524/us-east-1/s3/aws4_request" };

  // AWS, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk".
  it("is that of AWS's example of a GET", () => {
    const headers = {
      host,
      range: "bytes=0-9",
      "x-amz-content-sha256": EMPTY_SHA256,
      "x-amz-date": "20130524T000000Z",
    };
    const request = { method: "GET", path: "/test.txt", headers, body: Buffer.from("") };

    expect(signatureOf(request, { ...by, signedHeaders: Object.keys(headers) })).toBe(
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
  });

  it("is that of AWS's example of a PUT", () => {
    const headers = {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      host,
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
    };
    const request = { method: "PUT", path: "/test%24file.text", headers, body: Buffer.from("Welcome to Amazon S3.") };

    expect(signatureOf(request, { ...by, signedHeaders: Object.keys(headers) })).toBe(
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
  });
});

describe("a request to S3", () => {
  it("puts an object with its bytes and their signed hash", async () => {
    const bytes = Buffer.from("Welcome to Amazon S3.");
    await storeWith().put("runs/t-demo/r-1/01A", bytes);

    const { method, path, headers, body } = last();
    expect([method, path, body.toString()]).toEqual(["PUT", "/ledger/runs/t-demo/r-1/01A", bytes.toString()]);
    expect(headers["x-amz-content-sha256"]).toBe("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    expect(headers["content-length"]).toBe("21");
    expectSigned(last());
  });

  it("puts an empty object", async () => {
    await storeWith().put("runs/t-demo/r-1/empty", new Uint8Array());

    expect(last()).toMatchObject({ method: "PUT", headers: { "content-length": "0" } });
    expectSigned(last());
  });

  it("says what the object holds, by its key", async () => {
    await storeWith().put("runs/t-demo/r-1/01A-0.json.gz", new Uint8Array());
    await storeWith().put("runs/t-demo/r-1/01A", new Uint8Array());

    expect(server.received.map(({ headers }) => [headers["content-type"], headers["content-encoding"]])).toEqual([
      ["application/json", "gzip"],
      ["application/octet-stream", undefined],
    ]);
    for (const request of server.received) expectSigned(request);
  });

  it("copies an object within the bucket, as what the new key says", async () => {
    expect(await storeWith().copy("2d/uploads/t-a:b/1", "65d/runs/t-a:b/r-1/upload-1")).toBe(true);

    const { method, path, headers, body } = last();
    expect([method, path, body.length]).toEqual(["PUT", "/ledger/65d/runs/t-a%3Ab/r-1/upload-1", 0]);
    expect(headers).toMatchObject({
      "x-amz-copy-source": "/ledger/2d/uploads/t-a%3Ab/1",
      "x-amz-metadata-directive": "REPLACE",
      "content-type": "application/octet-stream",
    });
    expect(readAuthorization(headers["authorization"] ?? "").signedHeaders).toContain("x-amz-copy-source");
    expectSigned(last());
  });

  it("asks for one byte to learn the size of an object", async () => {
    await server.stop();
    server = await startScriptedServer(answer(206, { headers: { "content-range": "bytes 0-0/52428800" }, body: "x" }));

    expect(await storeWith().sizeOf("runs/t-demo/r-1/01A")).toBe(52_428_800);
    expect(last()).toMatchObject({ method: "GET", headers: { range: "bytes=0-0" } });
    expectSigned(last());
  });

  it("gets and removes an object", async () => {
    await storeWith().get("runs/t-demo/r-1/01A");
    await storeWith().remove("runs/t-demo/r-1/01A");

    expect(server.received.map(({ method, path }) => [method, path])).toEqual([
      ["GET", "/ledger/runs/t-demo/r-1/01A"],
      ["DELETE", "/ledger/runs/t-demo/r-1/01A"],
    ]);
    for (const request of server.received) {
      expect(request.headers["x-amz-content-sha256"]).toBe(EMPTY_SHA256);
      expectSigned(request);
    }
  });

  it.each([
    ["a:b", "a%3Ab"],
    ["a+b", "a%2Bb"],
    ["a~b", "a~b"],
    ["a b", "a%20b"],
    ["a%b", "a%25b"],
    ["a%2Fb", "a%252Fb"],
    ["%2E", "%252E"],
    ["a$b&c=d@e,f;g", "a%24b%26c%3Dd%40e%2Cf%3Bg"],
    ["!'()*", "%21%27%28%29%2A"],
    ["a?b#c", "a%3Fb%23c"],
    ["a\\b", "a%5Cb"],
    ["r-.", "r-."],
    ["r-..", "r-.."],
    ["a//b", "a//b"],
  ])("sends the key %s as %s, signed so", async (key, encoded) => {
    await storeWith().get(`runs/${key}/1`);

    expect(last().path).toBe(`/ledger/runs/${encoded}/1`);
    expectSigned(last());
  });

  it("carries the token of temporary credentials, signed", async () => {
    await storeWith({ sessionToken: "token/of+a=session" }).get("runs/1");

    expect(last().headers["x-amz-security-token"]).toBe("token/of+a=session");
    expect(readAuthorization(last().headers["authorization"] ?? "").signedHeaders).toContain("x-amz-security-token");
    expectSigned(last());
  });

  it("asks for credentials each time", async () => {
    const names = ["FIRST", "SECOND"];
    const store = s3BlobStore({
      bucket: "ledger",
      region: "eu-central-1",
      endpoint: server.endpoint,
      credentials: async () => ({ accessKeyId: names.shift() ?? "", secretAccessKey: SECRET }),
    });
    await store.get("runs/1");
    await store.get("runs/1");

    const signers = server.received.map(({ headers }) => readAuthorization(headers["authorization"] ?? "").accessKeyId);
    expect(signers).toEqual(["FIRST", "SECOND"]);
  });

  it("does not mind a slash at the end of the endpoint", async () => {
    await storeWith({ endpoint: `${server.endpoint}/` }).get("runs/1");

    expect(last().path).toBe("/ledger/runs/1");
  });

  it("is not sent for a key that a URL takes for another place", async () => {
    for (const key of ["", ".", "..", "runs/./1", "runs/../1", "runs/..", "./runs"]) {
      await expect(storeWith().put(key, new Uint8Array())).rejects.toThrow(RangeError);
      await expect(storeWith().get(key)).rejects.toThrow(RangeError);
      await expect(storeWith().remove(key)).rejects.toThrow(RangeError);
      await expect(storeWith().sizeOf(key)).rejects.toThrow(RangeError);
      await expect(storeWith().copy(key, "a")).rejects.toThrow(RangeError);
      await expect(storeWith().copy("a", key)).rejects.toThrow(RangeError);
    }

    expect(server.received).toEqual([]);
  });
});
