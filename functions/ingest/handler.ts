import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { ingestFunction } from "./ingest.ts";

/** What Lambda runs: recording over HTTP. */
export const handler = ingestFunction(fromEnvironment(process.env));
