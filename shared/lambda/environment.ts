import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as v from "valibot";
import { LONGEST_RETENTION_DAYS } from "../contract/app-settings.ts";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import { s3BlobLinks } from "../s3/s3-blob-links.ts";
import { s3BlobStore } from "../s3/s3-blob-store.ts";
import { connect } from "./connect.ts";
import type { Dependencies } from "./dependencies.ts";
import { readEnvironment, setVariable } from "./read-environment.ts";
import { s3FromEnvironment } from "./s3-environment.ts";
import { sdkRequests } from "./sdk-requests.ts";

const Environment = v.object({
  TABLE_NAME: setVariable("TABLE_NAME"),
  /** Only recording functions have it. */
  RETENTION_DAYS: v.optional(
    v.pipe(v.string(), v.transform(Number), v.integer(), v.minValue(1), v.maxValue(LONGEST_RETENTION_DAYS)),
    String(DEFAULT_RETENTION_DAYS),
  ),
});

/** What a Lambda stands on, from its environment. A variable that is missing stops the function at its start. */
export const fromEnvironment = (variables: NodeJS.ProcessEnv): Dependencies => {
  const environment = readEnvironment(Environment, variables);
  const s3 = s3FromEnvironment(variables);
  return connect({
    dynamodb: new DynamoDBClient(sdkRequests()),
    tableName: environment.TABLE_NAME,
    retentionDays: environment.RETENTION_DAYS,
    blobs: s3BlobStore(s3),
    links: s3BlobLinks(s3),
  });
};
