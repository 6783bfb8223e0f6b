import { type HttpHandler, httpFunction, type RouteHandler } from "../../shared/lambda/http-function.ts";
import type { IngestDependencies } from "./ingest-dependencies.ts";
import { postDifyEvents } from "./post-dify-events.ts";
import { postEvents } from "./post-events.ts";

/** Everything that is recorded over HTTP. */
export const ingestFunction = (dependencies: IngestDependencies): HttpHandler => {
  const handlers = new Map<string, RouteHandler>([
    ["POST /v1/events", postEvents(dependencies)],
    ["POST /v1/dify/events", postDifyEvents(dependencies)],
  ]);
  return httpFunction(handlers, { log: dependencies.log, now: () => dependencies.clock.now() });
};
