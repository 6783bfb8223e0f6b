import type { BlobLinks } from "../ports/blob-links.ts";
import { presigner } from "../signed-http/presigner.ts";
import type { ServiceAccess } from "../signed-http/service-access.ts";
import { type BucketPlace, objectUrl } from "./object-url.ts";

/** Links to objects in S3: presigned URLs, held to by S3 itself. Length and checksum of an upload are signed headers. */
export const s3BlobLinks = ({ credentials, ...place }: BucketPlace & ServiceAccess): BlobLinks => {
  const sign = presigner({ region: place.region, credentials });
  return {
    upload: async (key, { sizeBytes, sha256 }, time) => {
      const headers = { "x-amz-checksum-sha256": sha256 };
      const signed = { ...headers, "content-length": String(sizeBytes) };
      return {
        method: "PUT",
        url: await sign({ method: "PUT", url: objectUrl(place, key), headers: signed, ...time }),
        headers,
      };
    },

    download: async (key, time) => sign({ method: "GET", url: objectUrl(place, key), ...time }),
  };
};
