import { createHmac } from "node:crypto";
import { canonicalJson } from "../../contract/canonical-json.ts";
import { REDACTED_JSON } from "./redact-value.ts";

/** All that is kept of a payload value: `text` is its JSON, no deeper than an event may be. */
export const metadataOnly = (text: string, secret: string): string => {
  const digest = createHmac("sha256", secret).update(canonicalJson(text)).digest("hex");
  return `{"$redacted":"metadata_only","size":${Buffer.byteLength(text)},"digest":"hmac-sha256:${digest}"}`;
};

const KEPT_FORM = /^\{"\$redacted":"metadata_only","size":\d{1,10},"digest":"hmac-sha256:[0-9a-f]{64}"\}$/;

/** Whether nothing of a payload value is left to take away. */
export const isMetadataOnly = (text: string): boolean => text === REDACTED_JSON || KEPT_FORM.test(text);

/** A digest that tells nothing of what it was made of, though that may be one of few values: 16 bytes in hex. */
export const keyedDigest = (digest: string, secret: string): string =>
  createHmac("sha256", secret).update(digest).digest("hex").slice(0, 32);
