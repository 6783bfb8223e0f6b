import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { BlobStore } from "../ports/blob-store.ts";
import { StoreFault } from "../ports/store-fault.ts";

const sending = async <T>(operation: string, send: () => Promise<T>): Promise<T> => {
  try {
    return await send();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.name : "unknown";
    throw new StoreFault(`S3 ${operation} failed: ${reason}`, { cause, isRetryable: true });
  }
};

/** Objects in S3, which is strongly consistent. */
export const s3BlobStore = (client: S3Client, bucket: string): BlobStore => ({
  put: async (key, bytes) => {
    await sending("PutObject", () => client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes })));
  },

  get: (key) =>
    sending("GetObject", async () => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return await Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    }),

  remove: async (key) => {
    await sending("DeleteObject", () => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })));
  },
});
