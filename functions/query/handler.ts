import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { queryFunction } from "./query.ts";

/** What Lambda runs: reading over HTTP. */
export const handler = queryFunction(fromEnvironment(process.env));
