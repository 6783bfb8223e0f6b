import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import * as v from "valibot";
import { s3BlobStore } from "../s3/s3-blob-store.ts";
import { connect } from "./connect.ts";
import type { Dependencies } from "./dependencies.ts";

const Environment = v.object({
  TABLE_NAME: v.pipe(v.string("TABLE_NAME must be set"), v.nonEmpty("TABLE_NAME must be set")),
  BUCKET_NAME: v.pipe(v.string("BUCKET_NAME must be set"), v.nonEmpty("BUCKET_NAME must be set")),
});

/** Three tries within the time that an entry has to become durable. */
const REQUEST = { requestHandler: { requestTimeout: 2000, connectionTimeout: 1000 }, maxAttempts: 3 };

/** What a Lambda stands on, from its environment. A variable that is missing stops the function at its start. */
export const fromEnvironment = (variables: NodeJS.ProcessEnv): Dependencies => {
  const environment = v.parse(Environment, variables);
  return connect({
    dynamodb: new DynamoDBClient(REQUEST),
    tableName: environment.TABLE_NAME,
    blobs: s3BlobStore(new S3Client(REQUEST), environment.BUCKET_NAME),
  });
};
