import { fromEnvironment } from "../../shared/lambda/environment.ts";
import { ingestFunction } from "./ingest.ts";

export const handler = ingestFunction(fromEnvironment(process.env));
