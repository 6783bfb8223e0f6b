import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { queueFromEnvironment } from "../../shared/lambda/queue-environment.ts";
import { ingestFunction } from "./ingest.ts";

/** What Lambda runs: recording over HTTP. */
export const handler = ingestFunction({ ...fromEnvironment(process.env), queue: queueFromEnvironment(process.env) });
