import * as v from "valibot";
import type { S3Settings } from "../s3/s3-blob-store.ts";
import { readEnvironment, setVariable } from "./read-environment.ts";

const S3Environment = v.object({
  BUCKET_NAME: setVariable("BUCKET_NAME"),
  // Lambda sets region and credentials; they hold as long as the process lives.
  AWS_REGION: setVariable("AWS_REGION"),
  AWS_ACCESS_KEY_ID: setVariable("AWS_ACCESS_KEY_ID"),
  AWS_SECRET_ACCESS_KEY: setVariable("AWS_SECRET_ACCESS_KEY"),
  AWS_SESSION_TOKEN: v.optional(v.string()),
  // Where an emulator stands in for AWS; the SDK's clients read the same.
  AWS_ENDPOINT_URL_S3: v.optional(v.string()),
  AWS_ENDPOINT_URL: v.optional(v.string()),
});

/** Where a Lambda keeps objects, and as whom: from its environment. Throws for a variable that is missing. */
export const s3FromEnvironment = (variables: NodeJS.ProcessEnv): S3Settings => {
  const environment = readEnvironment(S3Environment, variables);
  const credentials = {
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    sessionToken: environment.AWS_SESSION_TOKEN,
  };
  return {
    bucket: environment.BUCKET_NAME,
    region: environment.AWS_REGION,
    // One that is set and empty is none.
    endpoint: environment.AWS_ENDPOINT_URL_S3 || environment.AWS_ENDPOINT_URL || undefined,
    credentials: () => credentials,
  };
};
