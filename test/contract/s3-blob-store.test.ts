import { randomUUID } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { ensureBucket } from "../../local/resources.ts";
import { s3BlobStore } from "../../shared/s3/s3-blob-store.ts";
import { testEndpoints } from "../support/test-endpoints.ts";
import { blobStoreContract } from "./blob-store.ts";
import { clientOf, DEAD_ENDPOINT } from "./dynamo-tables.ts";
import { expectRetryableFault } from "./stored-faults.ts";

const connect = () => new S3Client({ ...clientOf(testEndpoints().s3), forcePathStyle: true });

const storeOf = (bucket: string, endpoint: string) => {
  const { region, credentials } = clientOf(endpoint);
  return s3BlobStore({ bucket, region, endpoint, credentials: () => credentials });
};

blobStoreContract("S3", async () => {
  const bucket = `runstone-${randomUUID()}`;
  const client = connect();
  await ensureBucket(client, bucket);
  return {
    store: storeOf(bucket, testEndpoints().s3),
    broken: storeOf(bucket, DEAD_ENDPOINT),
    stop: () => client.destroy(),
  };
});

describe("S3 as a blob store", () => {
  const client = connect();
  afterAll(() => client.destroy());

  it("does not take a missing bucket for missing objects", async () => {
    await expectRetryableFault(storeOf(`runstone-${randomUUID()}`, testEndpoints().s3).get("runs/demo/run-1/1"));
  });

  it("finds a bucket that is there already", async () => {
    const bucket = `runstone-${randomUUID()}`;
    await ensureBucket(client, bucket);

    await expect(ensureBucket(client, bucket)).resolves.toBeUndefined();
  });
});
