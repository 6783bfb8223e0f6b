import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { queryFunction } from "./query.ts";

export const handler = queryFunction(fromEnvironment(process.env));
