import { createHmac, timingSafeEqual } from "node:crypto";
import type { BlobLinks, ExpectedBytes, LinkTime } from "../ports/blob-links.ts";

/** What the path of every link begins with. */
export const LINKS_PATH = "/_objects/";

/** Signs links, and knows where they are served. */
export interface LinkSigner {
  readonly secret: Uint8Array;
  /** Asked for each link, because a server knows its address once it listens. */
  readonly baseUrl: () => string;
}

/** What a link allows, as its signature says. */
export interface LinkGrant {
  readonly method: "GET" | "PUT";
  readonly key: string;
  /** Seconds since 1970. */
  readonly expires: number;
  /** Of what may be put. */
  readonly bytes: ExpectedBytes | undefined;
}

/** A request under {@link LINKS_PATH}. */
export interface LinkRequest {
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
}

const signatureOf = (secret: Uint8Array, { method, key, expires, bytes }: LinkGrant): Buffer =>
  createHmac("sha256", secret)
    .update(JSON.stringify([method, key, expires, bytes?.sizeBytes ?? null, bytes?.sha256 ?? null]))
    .digest();

const linkOf = ({ secret, baseUrl }: LinkSigner, grant: LinkGrant): string => {
  const path = grant.key.split("/").map(encodeURIComponent).join("/");
  const query = new URLSearchParams({ expires: String(grant.expires) });
  if (grant.bytes !== undefined) {
    query.set("size", String(grant.bytes.sizeBytes));
    query.set("sha256", grant.bytes.sha256);
  }
  query.set("signature", signatureOf(secret, grant).toString("hex"));
  return `${baseUrl()}${LINKS_PATH}${path}?${query}`;
};

/** When a link ends (seconds since 1970). */
const endOf = ({ from, seconds }: LinkTime): number => Math.floor(from / 1000) + seconds;

/**
 * Links to objects in files, signed with a secret of their own for a server on the same machine, which holds to them as
 * S3 does to presigned URLs.
 */
export const fileBlobLinks = (signer: LinkSigner): BlobLinks => ({
  upload: async (key, bytes, time) => ({
    method: "PUT",
    url: linkOf(signer, { method: "PUT", key, expires: endOf(time), bytes }),
    headers: { "x-amz-checksum-sha256": bytes.sha256 },
  }),

  download: async (key, time) => linkOf(signer, { method: "GET", key, expires: endOf(time), bytes: undefined }),
});

/** The key that a path names; undefined where it is not one that a link has. */
const keyOf = (path: string): string | undefined => {
  try {
    const parts = path.slice(LINKS_PATH.length).split("/").map(decodeURIComponent);
    const isName = (part: string): boolean => /^[^/\\\0]+$/.test(part) && !/^\.+$/.test(part);
    return parts.every(isName) ? parts.join("/") : undefined;
  } catch {
    return undefined;
  }
};

const isMethod = (method: string): method is LinkGrant["method"] => method === "GET" || method === "PUT";

/** What a request is allowed by its link; undefined where it carries no signature of this secret for what it asks. */
export const grantOf = (secret: Uint8Array, { method, path, query }: LinkRequest): LinkGrant | undefined => {
  const key = keyOf(path);
  if (key === undefined || !isMethod(method)) return undefined;
  const [size, sha256] = [query.get("size"), query.get("sha256")];
  const bytes = size === null || sha256 === null ? undefined : { sizeBytes: Number(size), sha256 };
  const grant = { method, key, expires: Number(query.get("expires")), bytes };
  const given = query.get("signature") ?? "";
  const isSigned =
    /^[0-9a-f]{64}$/.test(given) && timingSafeEqual(Buffer.from(given, "hex"), signatureOf(secret, grant));
  return isSigned ? grant : undefined;
};
