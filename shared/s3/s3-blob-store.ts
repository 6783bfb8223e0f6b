import { contentOf } from "../domain/object-content.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import { StoreFault } from "../ports/store-fault.ts";
import type { ServiceAccess } from "../signed-http/service-access.ts";
import { reasonOf, ServiceError } from "../signed-http/service-error.ts";
import { type Patience, type ServiceAnswer, signedSender } from "../signed-http/signed-sender.ts";
import { type BucketPlace, bucketUrl, encodedKey, objectUrl } from "./object-url.ts";
import { isFinal, isMissingObject, S3 } from "./s3-service.ts";

/** The bucket that objects are kept in, and who may. */
export interface S3Settings extends BucketPlace, ServiceAccess {
  /** Two seconds for an answer where not said otherwise: three tries fit into the time that an entry has to become durable. */
  readonly patience?: Patience;
}

const PATIENCE: Patience = { answerMs: 2000, backoffMs: 100 };

/** S3 copies as it writes, at tens of megabytes a second, and answers when it is done. */
const COPY_ANSWER_MS = 8000;

/** What whoever downloads the object is told. An emulator may take an empty body without a type for none. */
const contentHeaders = (key: string): Record<string, string> => {
  const { type, encoding } = contentOf(key);
  return { "content-type": type, ...(encoding === undefined ? {} : { "content-encoding": encoding }) };
};

const sending = async <T>(operation: string, send: () => Promise<T>): Promise<T> => {
  try {
    return await send();
  } catch (cause) {
    throw new StoreFault(`S3 ${operation} failed: ${reasonOf(cause)}`, { cause, isRetryable: !isFinal(cause) });
  }
};

/** Texts of XML, as S3 writes them. */
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const textsIn = (document: string, element: string): string[] =>
  [...document.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, "g"))].map(([, text = ""]) =>
    text.replace(/&(\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity),
  );

/** Undefined where there is no such object. */
const unlessMissing = (error: unknown): undefined => {
  if (!isMissingObject(error)) throw error;
};

/** S3 refuses any range of an object of no bytes. */
const unlessEmpty = (error: unknown): "empty" => {
  if (error instanceof ServiceError && error.code === "InvalidRange") return "empty";
  throw error;
};

/** A copy that fails once S3 has begun to answer is told in the body of a 200. */
const unlessFailed = (answer: ServiceAnswer): ServiceAnswer => {
  const code = S3.readCode(Buffer.from(answer.body).toString());
  if (code === undefined) return answer;
  throw new ServiceError({
    service: S3.name,
    status: 200,
    code,
    requestId: answer.headers["x-amz-request-id"],
    isPassing: true,
  });
};

/**
 * Objects in S3, which is strongly consistent. Writing and removing an object again changes nothing, so requests are
 * tried again here. To tell a missing object from a forbidden one, the credentials need `s3:ListBucket`.
 *
 * The SDK's client would add 163 KiB to each function, the schemas of a hundred operations, for these six.
 */
export const s3BlobStore = ({ credentials, patience = PATIENCE, ...place }: S3Settings): BlobStore => {
  const send = signedSender(S3, { region: place.region, credentials, patience });
  return {
    put: async (key, bytes) => {
      const url = objectUrl(place, key);
      await sending("PutObject", () => send({ method: "PUT", url, headers: contentHeaders(key), body: bytes }));
    },

    get: async (key) => {
      const url = objectUrl(place, key);
      return (await sending("GetObject", () => send({ method: "GET", url }).catch(unlessMissing)))?.body;
    },

    // Not HeadObject: its answer has no body to tell a missing object from a missing bucket.
    sizeOf: async (key) => {
      const url = objectUrl(place, key);
      const head = { method: "GET", url, headers: { range: "bytes=0-0" } } as const;
      const found = await sending("GetObject", () => send(head).catch(unlessEmpty).catch(unlessMissing));
      return found === "empty" ? 0 : found && Number(/\/(\d+)$/.exec(found.headers["content-range"] ?? "")?.[1]);
    },

    copy: async (from, to) => {
      const url = objectUrl(place, to);
      const source = `/${place.bucket}/${encodedKey(from)}`;
      const copying = {
        method: "PUT",
        url,
        // With other metadata: S3 refuses to copy an object to itself where nothing changes.
        headers: { "x-amz-copy-source": source, "x-amz-metadata-directive": "REPLACE", ...contentHeaders(to) },
        body: new Uint8Array(),
        answerMs: COPY_ANSWER_MS,
      } as const;
      const copied = await sending("CopyObject", () => send(copying).then(unlessFailed).catch(unlessMissing));
      return copied !== undefined;
    },

    list: async function* (prefix) {
      let token: string | undefined;
      do {
        const page = { "list-type": "2", prefix, ...(token === undefined ? {} : { "continuation-token": token }) };
        const request = { method: "GET", url: `${bucketUrl(place)}/`, query: page } as const;
        const document = await sending("ListObjectsV2", async () => Buffer.from((await send(request)).body).toString());
        yield* textsIn(document, "Key");
        token = textsIn(document, "NextContinuationToken")[0];
      } while (token !== undefined);
    },

    remove: async (key) => {
      const url = objectUrl(place, key);
      await sending("DeleteObject", () => send({ method: "DELETE", url }).catch(unlessMissing));
    },
  };
};
