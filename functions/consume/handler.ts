import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { consumeFunction } from "./consume.ts";

export const handler = consumeFunction(fromEnvironment(process.env));
