import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";

/** A batch that Lambda has given up, as the bucket lists it. */
export interface FailureObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Undefined where the server does not say. */
  readonly givenUpAt: Date | undefined;
}

/** Where Lambda leaves the batches of the stream that it has given up. */
export interface FailuresBucket {
  /** All of them, in order of key: by shard, then by time. */
  list(): AsyncIterable<FailureObject>;
  /** The text of one; undefined where there is no such object. */
  read(key: string): Promise<string | undefined>;
  /** Safe to repeat. */
  remove(key: string): Promise<void>;
}

/** The failures bucket of a stage; what S3 throws is thrown as it is. */
export const failuresBucket = (client: S3Client, bucket: string): FailuresBucket => ({
  async *list() {
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
      for (const { Key, Size = 0, LastModified } of page.Contents ?? []) {
        if (Key !== undefined) yield { key: Key, sizeBytes: Size, givenUpAt: LastModified };
      }
    }
  },

  read: async (key) => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return await Body?.transformToString();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  },

  remove: async (key) => {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  },
});
