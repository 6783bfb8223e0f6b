import { ServiceError } from "../signed-http/service-error.ts";
import type { Service } from "../signed-http/signed-sender.ts";

/** How S3 is spoken to. Its errors are XML. */
export const S3: Service = {
  name: "S3",
  signsPathAsSent: true,
  // They come with a status of 400: a request that was too slow or damaged on its way, or whose credentials are old.
  passingCodes: ["RequestTimeout", "XAmzContentSHA256Mismatch", "ExpiredToken"],
  readCode: (document) => /<Code>(\w{1,64})<\/Code>/.exec(document)?.[1],
};

/** A request that can never succeed as it is. What a policy or a missing bucket refuses may succeed once that is put right. */
export const isFinal = (error: unknown): boolean =>
  error instanceof ServiceError && error.status === 400 && !error.isPassing;

/** Whether the bucket is there and the object is not. */
export const isMissingObject = (error: unknown): boolean => error instanceof ServiceError && error.code === "NoSuchKey";
