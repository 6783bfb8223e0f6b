import { randomUUID } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { ensureBucket } from "../../local/resources.ts";
import { s3BlobStore } from "../../shared/s3/s3-blob-store.ts";
import { testEndpoints } from "../support/test-endpoints.ts";
import { blobStoreContract } from "./blob-store.ts";
import { clientOf, DEAD_ENDPOINT } from "./dynamo-tables.ts";
import { expectRetryableFault } from "./stored-faults.ts";

const connect = (endpoint: string) => new S3Client({ ...clientOf(endpoint), forcePathStyle: true });

blobStoreContract("S3", async () => {
  const bucket = `runstone-${randomUUID()}`;
  const [client, dead] = [connect(testEndpoints().s3), connect(DEAD_ENDPOINT)];
  await ensureBucket(client, bucket);
  return {
    store: s3BlobStore(client, bucket),
    broken: s3BlobStore(dead, bucket),
    stop: () => {
      client.destroy();
      dead.destroy();
    },
  };
});

describe("S3 as a blob store", () => {
  const client = connect(testEndpoints().s3);
  afterAll(() => client.destroy());

  it("does not take a missing bucket for missing objects", async () => {
    await expectRetryableFault(s3BlobStore(client, `runstone-${randomUUID()}`).get("runs/demo/run-1/1"));
  });

  it("finds a bucket that is there already", async () => {
    const bucket = `runstone-${randomUUID()}`;
    await ensureBucket(client, bucket);

    await expect(ensureBucket(client, bucket)).resolves.toBeUndefined();
  });
});
