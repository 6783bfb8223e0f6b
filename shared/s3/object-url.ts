import { awsDomain } from "../signed-http/aws-domain.ts";
import type { ServiceAccess } from "../signed-http/service-access.ts";

/** Where a bucket answers. */
export interface BucketPlace extends Pick<ServiceAccess, "region" | "endpoint"> {
  /** Without dots in it, or the certificate of S3 does not hold for its host. */
  readonly bucket: string;
}

/** As S3 encodes a key for its signature: `encodeURIComponent` leaves `!'()*`, S3 does not. */
const encodePart = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

/** The URL of a bucket. An emulator may know no host names of buckets, so its path names the bucket. */
export const bucketUrl = ({ bucket, region, endpoint }: BucketPlace): string => {
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, "")}/${bucket}`;
  return `https://${bucket}.s3.${region}.${awsDomain(region)}`;
};

/**
 * A key as a URL has it. Throws RangeError for one that a URL cannot name: an empty one is the bucket itself, and a part
 * of dots alone is a way to another path, percent-encoded or not.
 */
export const encodedKey = (key: string): string => {
  const parts = key.split("/");
  if (key === "" || parts.some((part) => /^\.+$/.test(part))) {
    throw new RangeError(`expected a key without parts of dots alone, came ${JSON.stringify(key)}`);
  }
  return parts.map(encodePart).join("/");
};

/** The URL of an object. Throws like {@link encodedKey}. */
export const objectUrl = (place: BucketPlace, key: string): string => `${bucketUrl(place)}/${encodedKey(key)}`;
