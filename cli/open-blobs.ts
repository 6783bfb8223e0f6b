import path from "node:path";
import { readSettings } from "../local/settings.ts";
import { fileBlobStore } from "../shared/files/file-blob-store.ts";
import type { BlobStore } from "../shared/ports/blob-store.ts";
import { s3BlobStore } from "../shared/s3/s3-blob-store.ts";
import { CommandFailure } from "./command-failure.ts";
import { outputOf, type Target } from "./target.ts";

const unreachable = async (): Promise<never> => {
  throw new CommandFailure(
    "this value is a file of an embedded stack that keeps all in memory, and only that stack can reach it",
  );
};

/** Files of a stack in memory are known to its process alone. */
const OUT_OF_REACH: BlobStore = {
  put: unreachable,
  get: unreachable,
  sizeOf: unreachable,
  copy: unreachable,
  list: () => ({ [Symbol.asyncIterator]: () => ({ next: unreachable }) }),
  remove: async () => undefined,
};

/** The objects of the stack: its bucket, or the files of the embedded one. */
export const openBlobs = async (
  target: Target,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<BlobStore> => {
  const { s3 } = target.clients;
  if (s3 === undefined) {
    const { dataDirectory } = readSettings(environment);
    return dataDirectory === undefined ? OUT_OF_REACH : fileBlobStore(path.join(dataDirectory, "objects"));
  }
  return s3BlobStore({
    bucket: await outputOf(target, "BucketName"),
    region: await s3.config.region(),
    endpoint: environment["AWS_ENDPOINT_URL_S3"] || environment["AWS_ENDPOINT_URL"] || undefined,
    credentials: () => s3.config.credentials(),
  });
};
