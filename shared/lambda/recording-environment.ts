import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as v from "valibot";
import { LONGEST_RETENTION_DAYS } from "../contract/app-settings.ts";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import { s3BlobStore } from "../s3/s3-blob-store.ts";
import { connectRecording, type Services } from "./connect-recording.ts";
import type { RecordingDependencies } from "./dependencies.ts";
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

/** The services of a Lambda, from its environment. A variable that is missing stops the function at its start. */
export const servicesFromEnvironment = (variables: NodeJS.ProcessEnv): Services => {
  const environment = readEnvironment(Environment, variables);
  return {
    dynamodb: new DynamoDBClient(sdkRequests()),
    tableName: environment.TABLE_NAME,
    retentionDays: environment.RETENTION_DAYS,
    blobs: s3BlobStore(s3FromEnvironment(variables)),
  };
};

/** What a Lambda that records stands on, from its environment. */
export const recordingFromEnvironment = (variables: NodeJS.ProcessEnv): RecordingDependencies =>
  connectRecording(servicesFromEnvironment(variables));
