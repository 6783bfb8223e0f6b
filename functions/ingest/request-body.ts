import { gunzipSync } from "node:zlib";
import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { Request } from "../../shared/lambda/request.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 32 * 1024 * 1024;

const isTooLarge = (error: unknown): boolean =>
  (error as { readonly code?: unknown } | undefined)?.code === "ERR_BUFFER_TOO_LARGE";

/** Unpacks gzip no further than the limit: a small body cannot fill the memory. */
const unpack = (body: Buffer): Buffer | Refusal => {
  try {
    return gunzipSync(body, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    if (isTooLarge(error)) return refuse("REQUEST_TOO_LARGE", "expected at most 32 MB unpacked");
    return refuse("BAD_ENCODING", "content-encoding says gzip, and the body is not");
  }
};

/** The text of a request's body, unpacked, within the limits of the contract. */
export const bodyTextOf = (request: Request): { text: string } | Refusal => {
  if (request.body.length > MAX_BODY_BYTES) {
    return refuse("REQUEST_TOO_LARGE", `expected at most 4 MB, came ${request.body.length} bytes`);
  }
  const encoding = request.header("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity" && encoding !== "gzip") {
    return refuse("UNSUPPORTED_ENCODING", "expected no content-encoding, or gzip");
  }
  const bytes = encoding === "gzip" ? unpack(request.body) : request.body;
  if ("code" in bytes) return bytes;
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return refuse("BAD_ENCODING", "expected UTF-8");
  }
};
