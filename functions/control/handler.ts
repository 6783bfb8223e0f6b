import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { controlFunction } from "./control.ts";

/** What Lambda runs: what administrators ask for over HTTP. */
export const handler = controlFunction(fromEnvironment(process.env));
