import * as v from "valibot";
import type { S3Settings } from "../s3/s3-blob-store.ts";
import { accessFromEnvironment } from "./access-environment.ts";
import { readEnvironment, setVariable } from "./read-environment.ts";

const S3Environment = v.object({ BUCKET_NAME: setVariable("BUCKET_NAME") });

/** Where a Lambda keeps objects, and as whom: from its environment. Throws for a variable that is missing. */
export const s3FromEnvironment = (variables: NodeJS.ProcessEnv): S3Settings => {
  const { BUCKET_NAME } = readEnvironment(S3Environment, variables);
  return { bucket: BUCKET_NAME, ...accessFromEnvironment("S3", variables) };
};
