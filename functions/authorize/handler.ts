import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { authorizeFunction } from "./authorize.ts";

export const handler = authorizeFunction(fromEnvironment(process.env));
