import * as v from "valibot";
import type { ServiceAccess } from "../signed-http/service-access.ts";
import { readEnvironment, setVariable } from "./read-environment.ts";

const AccessEnvironment = v.object({
  // Lambda sets region and credentials; they hold as long as the process lives.
  AWS_REGION: setVariable("AWS_REGION"),
  AWS_ACCESS_KEY_ID: setVariable("AWS_ACCESS_KEY_ID"),
  AWS_SECRET_ACCESS_KEY: setVariable("AWS_SECRET_ACCESS_KEY"),
  AWS_SESSION_TOKEN: v.optional(v.string()),
});

/**
 * Where a service answers a Lambda, and as whom it is asked: from the function's environment. Throws for a variable that
 * is missing.
 */
export const accessFromEnvironment = (service: "S3" | "SQS", variables: NodeJS.ProcessEnv): ServiceAccess => {
  const environment = readEnvironment(AccessEnvironment, variables);
  const credentials = {
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    sessionToken: environment.AWS_SESSION_TOKEN,
  };
  return {
    region: environment.AWS_REGION,
    // Where an emulator stands in for AWS; the SDK's clients read the same. One that is set and empty is none.
    endpoint: variables[`AWS_ENDPOINT_URL_${service}`] || variables["AWS_ENDPOINT_URL"] || undefined,
    credentials: () => credentials,
  };
};
