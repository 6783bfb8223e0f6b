/** Signature Version 4 as AWS describes it, apart from the library that signs: what the library does is held against this. */
import { createHash, createHmac } from "node:crypto";
import type { Received } from "./scripted-server.ts";

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");
const hmac = (key: string | Buffer, content: string): Buffer => createHmac("sha256", key).update(content).digest();

/** Every byte but letters, digits and `-._~` encoded. */
const encodePart = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

/** The parts of a path encoded once for S3, and twice for every other service. */
const canonicalPath = (path: string, scope: string): string =>
  path
    .split("/")
    .map((part) => encodePart(decodeURIComponent(part)))
    .map((part) => (scope.split("/")[2] === "s3" ? part : encodePart(part)))
    .join("/");

/** What an `Authorization` header says. */
export const readAuthorization = (header: string) => {
  const [, credential = "", signedHeaders = "", signature = ""] =
    /^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(header) ?? [];
  const [accessKeyId, ...scope] = credential.split("/");
  return { accessKeyId, scope: scope.join("/"), signedHeaders: signedHeaders.split(";"), signature };
};

/** The signature that the service of the scope expects of a request with these headers signed. */
export const signatureOf = (
  request: Received,
  by: { secretAccessKey: string; scope: string; signedHeaders: readonly string[] },
): string => {
  const names = [...by.signedHeaders].sort();
  const canonicalRequest = [
    request.method,
    canonicalPath(request.path, by.scope),
    "",
    ...names.map((name) => `${name}:${request.headers[name]?.trim()}`),
    "",
    names.join(";"),
    sha256(request.body),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], by.scope, sha256(canonicalRequest)].join("\n");
  const key = by.scope
    .split("/")
    .reduce<string | Buffer>((sofar, part) => hmac(sofar, part), `AWS4${by.secretAccessKey}`);
  return hmac(key as Buffer, toSign).toString("hex");
};

/** What the query of a presigned URL says. */
export const readPresigned = (url: string) => {
  const { searchParams } = new URL(url);
  const of = (name: string): string => searchParams.get(`X-Amz-${name}`) ?? "";
  const [accessKeyId, ...scope] = of("Credential").split("/");
  return {
    accessKeyId,
    scope: scope.join("/"),
    algorithm: of("Algorithm"),
    date: of("Date"),
    expiresSeconds: Number(of("Expires")),
    sessionToken: searchParams.get("X-Amz-Security-Token"),
    signedHeaders: of("SignedHeaders").split(";"),
    signature: of("Signature"),
  };
};

/** The signature that S3 expects in a presigned URL, of a request that comes with these headers. */
export const presignedSignatureOf = (
  request: { readonly method: string; readonly url: string; readonly headers: Readonly<Record<string, string>> },
  secretAccessKey: string,
): string => {
  const { host, pathname, searchParams } = new URL(request.url);
  const { scope, date, signedHeaders } = readPresigned(request.url);
  const query = [...searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`)
    .sort()
    .join("&");
  const headers: Readonly<Record<string, string>> = { ...request.headers, host };
  const canonicalRequest = [
    request.method,
    canonicalPath(pathname, scope),
    query,
    ...signedHeaders.map((name) => `${name}:${headers[name]}`),
    "",
    signedHeaders.join(";"),
    "UNSIGNED-PAYLOAD",
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonicalRequest)].join("\n");
  const key = scope.split("/").reduce<string | Buffer>((sofar, part) => hmac(sofar, part), `AWS4${secretAccessKey}`);
  return hmac(key as Buffer, toSign).toString("hex");
};
