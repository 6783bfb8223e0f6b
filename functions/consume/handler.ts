import { recordingFromEnvironment } from "../../shared/lambda/recording-environment.ts";
import { consumeFunction } from "./consume.ts";

/** What Lambda runs: the consumer of the queue. */
export const handler = consumeFunction(recordingFromEnvironment(process.env));
