import { readEventLines, readEventList } from "../../shared/contract/event-list.ts";
import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import type { Request } from "../../shared/lambda/request.ts";
import { type RequestEvent, recordRequest } from "./record-request.ts";
import { bodyTextOf } from "./request-body.ts";

/** NDJSON by any of its names. */
export const isNdjson = (request: Request): boolean =>
  /^\s*application\/(x-ndjson|ndjson|jsonl|x-jsonlines)\s*(;|$)/i.test(request.header("content-type") ?? "");

const eventsOf = (request: Request, text: string): { events: readonly RequestEvent[] } | Refusal => {
  if (isNdjson(request)) return { events: readEventLines(text) };
  const list = readEventList(text);
  if (list.ok) return list;
  if (list.code === "NOT_JSON") {
    return refuse("NOT_JSON", "expected a JSON body, or NDJSON with content-type application/x-ndjson");
  }
  return refuse("INVALID_REQUEST", "the body is not a list of events", { errors: list.errors });
};

/** `POST /v1/events` */
export const postEvents =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const body = bodyTextOf(request);
    if ("code" in body) return body;
    const read = eventsOf(request, body.text);
    if ("code" in read) return read;
    return recordRequest(dependencies, request, { events: read.events, source: "http" });
  };
