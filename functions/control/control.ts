import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { type HttpHandler, httpFunction, type RouteHandler } from "../../shared/lambda/http-function.ts";
import { listQuarantine } from "./list-quarantine.ts";
import { postRedrive } from "./post-redrive.ts";
import { postRedriveAll } from "./post-redrive-all.ts";

/** Everything that administrators ask for over HTTP. */
export const controlFunction = (dependencies: Dependencies): HttpHandler => {
  const handlers = new Map<string, RouteHandler>([
    ["GET /v1/quarantine", listQuarantine(dependencies)],
    ["POST /v1/quarantine/{id}/redrive", postRedrive(dependencies)],
    ["POST /v1/quarantine/redrive", postRedriveAll(dependencies)],
  ]);
  return httpFunction(handlers, { log: dependencies.log, now: () => dependencies.clock.now() });
};
