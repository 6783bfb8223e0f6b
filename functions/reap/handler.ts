import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { reapFunction } from "./reap.ts";

/** What Lambda runs: the upkeep of all apps, on a schedule. */
export const handler = reapFunction(fromEnvironment(process.env));
