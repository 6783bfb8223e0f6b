import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { consumeFunction } from "./consume.ts";

/** What Lambda runs: the consumer of the queue. */
export const handler = consumeFunction(fromEnvironment(process.env));
