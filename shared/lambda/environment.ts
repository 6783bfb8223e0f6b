import { s3BlobLinks } from "../s3/s3-blob-links.ts";
import { connect } from "./connect.ts";
import type { Dependencies } from "./dependencies.ts";
import { servicesFromEnvironment } from "./recording-environment.ts";
import { s3FromEnvironment } from "./s3-environment.ts";

/** What a Lambda that answers questions or administers stands on, from its environment. */
export const fromEnvironment = (variables: NodeJS.ProcessEnv): Dependencies =>
  connect({ ...servicesFromEnvironment(variables), links: s3BlobLinks(s3FromEnvironment(variables)) });
