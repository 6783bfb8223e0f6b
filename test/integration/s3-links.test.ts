import { createHash } from "node:crypto";
import { s3BlobLinks } from "../../shared/s3/s3-blob-links.ts";
import { presignedSignatureOf, readPresigned } from "../support/aws-signature.ts";

const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const FROM = Date.parse("2026-11-22T12:00:00Z");
const sha256 = createHash("sha256").update("{}").digest("base64");

const linksWith = (more: { sessionToken?: string; endpoint?: string } = {}) =>
  s3BlobLinks({
    bucket: "ledger",
    region: "eu-central-1",
    endpoint: more.endpoint,
    credentials: () => ({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: SECRET, sessionToken: more.sessionToken }),
  });
const time = { from: FROM, seconds: 900 };

describe("the signature that presigned URLs are held against", () => {
  // AWS, "Authenticating Requests: Using Query Parameters".
  test("is that of AWS's example of a GET", () => {
    const url =
      "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
      "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
      "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
      "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

    expect(presignedSignatureOf({ method: "GET", url, headers: {} }, SECRET)).toBe(readPresigned(url).signature);
  });
});

describe("a link to S3", () => {
  test("to download by is a GET of the object, signed for its time", async () => {
    const url = await linksWith().download("65d/runs/t-a:b/r-..c/01-0.json.gz", time);

    expect(url).toMatch(
      /^https:\/\/ledger\.s3\.eu-central-1\.amazonaws\.com\/65d\/runs\/t-a%3Ab\/r-\.\.c\/01-0\.json\.gz\?/,
    );
    expect(readPresigned(url)).toEqual({
      accessKeyId: "AKIDEXAMPLE",
      scope: "20261122/eu-central-1/s3/aws4_request",
      algorithm: "AWS4-HMAC-SHA256",
      date: "20261122T120000Z",
      expiresSeconds: 900,
      sessionToken: null,
      signedHeaders: ["host"],
      signature: presignedSignatureOf({ method: "GET", url, headers: {} }, SECRET),
    });
  });

  test("to upload by is a PUT whose length and checksum are signed, and are no part of the URL", async () => {
    const { method, url, headers } = await linksWith().upload("2d/uploads/t-a/01", { sizeBytes: 2, sha256 }, time);

    expect([method, headers]).toEqual(["PUT", { "x-amz-checksum-sha256": sha256 }]);
    const { signature, signedHeaders } = readPresigned(url);
    expect(signedHeaders).toEqual(["content-length", "host", "x-amz-checksum-sha256"]);
    expect(url.toLowerCase()).not.toMatch(/checksum-sha256=|content-length=/);
    expect(presignedSignatureOf({ method, url, headers: { ...headers, "content-length": "2" } }, SECRET)).toBe(
      signature,
    );
    for (const wrong of [{ "content-length": "3" }, { "x-amz-checksum-sha256": "AAAA" }]) {
      const sent = { ...headers, "content-length": "2", ...wrong };
      expect(presignedSignatureOf({ method, url, headers: sent }, SECRET)).not.toBe(signature);
    }
  });

  test("carries the token of temporary credentials, signed", async () => {
    const url = await linksWith({ sessionToken: "token/of+a=session" }).download("65d/a", time);

    expect(readPresigned(url).sessionToken).toBe("token/of+a=session");
    expect(presignedSignatureOf({ method: "GET", url, headers: {} }, SECRET)).toBe(readPresigned(url).signature);
  });

  test("names an emulator's bucket in its path", async () => {
    const url = await linksWith({ endpoint: "http://127.0.0.1:4566/" }).download("65d/a b", time);

    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:4566\/ledger\/65d\/a%20b\?/);
    expect(presignedSignatureOf({ method: "GET", url, headers: {} }, SECRET)).toBe(readPresigned(url).signature);
  });

  test.each(["", "..", "65d/../x"])("is not made for a key that a URL takes for another place: %j", async (key) => {
    await expect(linksWith().download(key, time)).rejects.toThrow(RangeError);
    await expect(linksWith().upload(key, { sizeBytes: 2, sha256 }, time)).rejects.toThrow(RangeError);
  });
});
