/** S3 of the embedded stack, as far as links lead to it: takes and gives files whose links are signed. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { MOST_UPLOAD_BYTES } from "../shared/contract/upload-request.ts";
import { contentOf } from "../shared/domain/object-content.ts";
import { grantOf, type LinkGrant } from "../shared/files/file-blob-links.ts";
import { appear, isMissing, objectPath } from "../shared/files/object-file.ts";
import { sendAnswer, sendEarly } from "./http-answer.ts";

/** Where the files are, and what their links are signed with. */
export interface ObjectServerOptions {
  readonly directory: string;
  readonly secret: Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What S3 answers instead of doing what was asked: its own codes. */
const REFUSALS = {
  BadDigest: { status: 400, message: "The checksum of the body is not the one that was signed." },
  AccessDenied: { status: 403, message: "Request has expired" },
  SignatureDoesNotMatch: { status: 403, message: "The link was not made for this request." },
  NoSuchKey: { status: 404, message: "The object does not exist." },
  MissingContentLength: { status: 411, message: "The length of the body must be given." },
  EntityTooLarge: { status: 413, message: `An object that is uploaded may have ${MOST_UPLOAD_BYTES} bytes.` },
} as const;
type Refusal = keyof typeof REFUSALS;

class BadDigest extends Error {
  override readonly name = "BadDigest";
}

/** Serves one request under the path of links, to its end. Rejects where the disk fails or the client goes away. */
export const objectServer =
  (options: ObjectServerOptions) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
    const link = { method: request.method ?? "", path, query: new URLSearchParams(query) };
    const grant = grantOf(options.secret, link);
    const refusal = refusalOf(request, grant, options.now());
    if (grant === undefined || refusal !== undefined) return refuse(request, response, refusal ?? "AccessDenied");
    const file = objectPath(options.directory, grant.key);
    if (grant.method === "GET") return give(request, response, { file, key: grant.key });
    return take(request, response, { file, sha256: grant.bytes?.sha256 });
  };

/** Why a request is not carried out, as far as its head tells. */
function refusalOf(request: IncomingMessage, grant: LinkGrant | undefined, now: number): Refusal | undefined {
  if (grant === undefined) return "SignatureDoesNotMatch";
  if (grant.expires * 1000 <= now) return "AccessDenied";
  if (grant.method === "GET") return undefined;
  const length = request.headers["content-length"];
  if (length === undefined) return "MissingContentLength";
  if (Number(length) > MOST_UPLOAD_BYTES) return "EntityTooLarge";
  const isAsSigned =
    Number(length) === grant.bytes?.sizeBytes && request.headers["x-amz-checksum-sha256"] === grant.bytes.sha256;
  return isAsSigned ? undefined : "SignatureDoesNotMatch";
}

/** Answers as S3 does, before it has read what the client is still sending. */
async function refuse(request: IncomingMessage, response: ServerResponse, code: Refusal): Promise<void> {
  const { status, message } = REFUSALS[code];
  const document = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  const answer = { status, headers: { "content-type": "application/xml" }, body: Buffer.from(document) };
  if (request.complete || request.method === "GET") sendAnswer(response, answer);
  else await sendEarly(request, response, answer);
}

async function give(
  request: IncomingMessage,
  response: ServerResponse,
  { file, key }: { file: string; key: string },
): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  if (found === undefined || !found.isFile()) return refuse(request, response, "NoSuchKey");
  const { type, encoding } = contentOf(key);
  response.setHeader("content-type", type);
  response.setHeader("content-length", found.size);
  if (encoding !== undefined) response.setHeader("content-encoding", encoding);
  await pipeline(createReadStream(file), response);
}

/** Writes the body to the file as it comes. It is there once its checksum is right. */
async function take(
  request: IncomingMessage,
  response: ServerResponse,
  { file, sha256 }: { file: string; sha256: string | undefined },
): Promise<void> {
  if (request.headers.expect !== undefined) response.writeContinue();
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await appear(file, async (unfinished) => {
      await pipeline(request, hashing, createWriteStream(unfinished));
      if (hash.digest("base64") !== sha256) throw new BadDigest();
    });
  } catch (error) {
    if (!(error instanceof BadDigest)) throw error;
    return refuse(request, response, "BadDigest");
  }
  response.statusCode = 200;
  response.end();
}
