import * as v from "valibot";
import { AppId } from "./identifiers.ts";

/** The largest upload (bytes). */
export const MOST_UPLOAD_BYTES = 50 * 1024 * 1024;

const SIZE = `expected a whole number of bytes from 1 to ${MOST_UPLOAD_BYTES} (50 MB)`;
const SHA256 = "expected the SHA-256 of the bytes, as 64 hex digits or as base64";

/** What `POST /v1/uploads` asks for: an upload of exactly these bytes. */
export const UploadRequest = v.strictObject({
  /** The app whose events will refer to it. */
  app_id: AppId,
  size_bytes: v.pipe(v.number(SIZE), v.integer(SIZE), v.minValue(1, SIZE), v.maxValue(MOST_UPLOAD_BYTES, SIZE)),
  sha256: v.pipe(v.string(SHA256), v.regex(/^([0-9a-fA-F]{64}|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=?)$/, SHA256)),
});
/** What an upload is to be. */
export type UploadRequest = v.InferOutput<typeof UploadRequest>;
