import { randomUUID } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { ensureBucket } from "../../local/resources.ts";
import { s3BlobLinks } from "../../shared/s3/s3-blob-links.ts";
import { s3BlobStore } from "../../shared/s3/s3-blob-store.ts";
import { startObjectServer } from "../support/object-server.ts";
import { testEndpoints } from "../support/test-endpoints.ts";
import { blobLinksContract } from "./blob-links.ts";
import { clientOf } from "./dynamo-tables.ts";

blobLinksContract("files", () => startObjectServer());

blobLinksContract("S3", async () => {
  const { region, credentials } = clientOf(testEndpoints().s3);
  const bucket = `runstone-${randomUUID()}`;
  const client = new S3Client({ ...clientOf(testEndpoints().s3), forcePathStyle: true });
  await ensureBucket(client, bucket);
  const place = { bucket, region, endpoint: testEndpoints().s3, credentials: () => credentials };
  return { links: s3BlobLinks(place), store: s3BlobStore(place), stop: () => client.destroy() };
});
