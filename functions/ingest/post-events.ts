import { readEventLines, readEventList } from "../../shared/contract/event-list.ts";
import { type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { hasPreference } from "../../shared/lambda/preference.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import type { Request } from "../../shared/lambda/request.ts";
import type { IngestDependencies } from "./ingest-dependencies.ts";
import { queueRequest } from "./queue-request.ts";
import { recordRequest } from "./record-request.ts";
import { bodyTextOf } from "./request-body.ts";
import type { RequestEvent } from "./request-events.ts";

/** What is queued has to fit a queue's messages. */
const MAX_QUEUED_BYTES = 900 * 1024;

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

/** `POST /v1/events`: records, or with `Prefer: respond-async` queues. */
export const postEvents =
  (dependencies: IngestDependencies): RouteHandler =>
  async (request) => {
    const parameters = readQuery(request, {});
    if ("code" in parameters) return parameters;
    const body = bodyTextOf(request);
    if ("code" in body) return body;
    const isQueued = hasPreference(request, "respond-async");
    const bytes = isQueued ? Buffer.byteLength(body.text) : 0;
    if (bytes > MAX_QUEUED_BYTES) {
      return refuse("REQUEST_TOO_LARGE", `expected at most 900 KiB with Prefer: respond-async, came ${bytes} bytes`);
    }
    const read = eventsOf(request, body.text);
    if ("code" in read) return read;
    if (isQueued) return queueRequest(dependencies, request, read.events);
    return recordRequest(dependencies, request, { events: read.events, source: "http" });
  };
