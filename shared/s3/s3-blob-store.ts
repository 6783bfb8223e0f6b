import type { BlobStore } from "../ports/blob-store.ts";
import { StoreFault } from "../ports/store-fault.ts";
import type { ServiceAccess } from "../signed-http/service-access.ts";
import { reasonOf } from "../signed-http/service-error.ts";
import { type Patience, signedSender } from "../signed-http/signed-sender.ts";
import { type BucketPlace, objectUrl } from "./object-url.ts";
import { isFinal, isMissingObject, S3 } from "./s3-service.ts";

/** The bucket that objects are kept in, and who may. */
export interface S3Settings extends BucketPlace, ServiceAccess {
  /** Two seconds for an answer where not said otherwise: three tries fit into the time that an entry has to become durable. */
  readonly patience?: Patience;
}

const PATIENCE: Patience = { answerMs: 2000, backoffMs: 100 };

/** An emulator may take an empty body without a type for none. */
const BYTES = { "content-type": "application/octet-stream" };

const sending = async <T>(operation: string, send: () => Promise<T>): Promise<T> => {
  try {
    return await send();
  } catch (cause) {
    throw new StoreFault(`S3 ${operation} failed: ${reasonOf(cause)}`, { cause, isRetryable: !isFinal(cause) });
  }
};

/** Undefined where there is no such object. */
const unlessMissing = (error: unknown): undefined => {
  if (!isMissingObject(error)) throw error;
};

/**
 * Objects in S3, which is strongly consistent. Writing and removing an object again changes nothing, so requests are
 * tried again here. To tell a missing object from a forbidden one, the credentials need `s3:ListBucket`.
 *
 * The SDK's client would add 163 KiB to each function, the schemas of a hundred operations, for these three.
 */
export const s3BlobStore = ({ credentials, patience = PATIENCE, ...place }: S3Settings): BlobStore => {
  const send = signedSender(S3, { region: place.region, credentials, patience });
  return {
    put: async (key, bytes) => {
      const url = objectUrl(place, key);
      await sending("PutObject", () => send({ method: "PUT", url, headers: BYTES, body: bytes }));
    },

    get: async (key) => {
      const url = objectUrl(place, key);
      return sending("GetObject", () => send({ method: "GET", url }).catch(unlessMissing));
    },

    remove: async (key) => {
      const url = objectUrl(place, key);
      await sending("DeleteObject", () => send({ method: "DELETE", url }).catch(unlessMissing));
    },
  };
};
