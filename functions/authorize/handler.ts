import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { authorizeFunction } from "./authorize.ts";

/** What Lambda runs: API Gateway's request authorizer. */
export const handler = authorizeFunction(fromEnvironment(process.env));
