import middy, { type MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from "aws-lambda";
import { ROUTES, type Route } from "../contract/routes.ts";
import { StoreFault } from "../ports/store-fault.ts";
import { type Answer, problemAnswer, type Refusal, refuse } from "./answer.ts";
import type { Log } from "./log.ts";
import { type Request, requestOf } from "./request.ts";

/** Serves one route. What it throws becomes a 503 or a 500. */
export type RouteHandler = (request: Request) => Promise<Answer | Refusal>;

/** The function behind API Gateway. */
export type HttpHandler = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>;

const isRefusal = (answer: Answer | Refusal): answer is Refusal => "code" in answer;

/**
 * From here on a body goes as base64: it takes a third more, where as text in the JSON of a function's result each quote
 * and backslash of it takes twice its room. Lambda takes results of up to 6 MB, and answers are cut at 4.
 */
const BASE64_FROM_BYTES = 2_500_000;

const resultOf = (answer: Answer, requestId: string): APIGatewayProxyResult => {
  const isLarge = Buffer.byteLength(answer.body) >= BASE64_FROM_BYTES;
  return {
    statusCode: answer.status,
    headers: { ...answer.headers, "x-request-id": requestId },
    body: isLarge ? Buffer.from(answer.body).toString("base64") : answer.body,
    isBase64Encoded: isLarge,
  };
};

/** What went wrong in the world is told as such; anything else is our fault, logged with its stack and not shown. */
const faultsToAnswers = (log: Log): MiddlewareObj<APIGatewayProxyEvent, APIGatewayProxyResult> => ({
  onError: (request) => {
    const { requestId } = request.event.requestContext;
    const { error } = request;
    log({ level: "error", message: "request failed", request_id: requestId, error });
    const refusal =
      error instanceof StoreFault
        ? refuse("UNAVAILABLE", "the store did not answer; try again")
        : refuse("INTERNAL", "the request could not be carried out; quote the request id");
    request.response = resultOf(problemAnswer(refusal, requestId), requestId);
  },
});

/** One line a request: never a payload, a key, or a query's text. */
const requestLog = (log: Log, now: () => number): MiddlewareObj<APIGatewayProxyEvent, APIGatewayProxyResult> => {
  const startedAt = new WeakMap<object, number>();
  return {
    before: (request) => {
      startedAt.set(request.event, now());
    },
    after: (request) => {
      const { context, event, response } = request;
      log({
        level: "info",
        message: "request",
        request_id: event.requestContext.requestId,
        // A client can choose the request id; not this one.
        lambda_request_id: context.awsRequestId,
        route: `${event.httpMethod} ${event.resource}`,
        tenant_id: event.requestContext.authorizer?.["tenant_id"],
        status: response?.statusCode,
        duration_ms: now() - (startedAt.get(event) ?? now()),
      });
    },
  };
};

/** The authorizer's answer is cached: an expiry that has come since is seen here. */
const callerRefusal = (request: Request, now: number): Refusal | undefined => {
  const routes: readonly Route[] = ROUTES;
  const route = routes.find(({ method, resource }) => `${method} ${resource}` === request.route);
  if (route?.scope === undefined) return undefined;
  if (request.caller === undefined) return refuse("UNAUTHORIZED", "expected a credential");
  const { expiresAt, scopes } = request.caller;
  if (expiresAt !== undefined && expiresAt <= now) return refuse("UNAUTHORIZED", "the credential has expired");
  const opening = [route.scope, ...(route.alsoBy === undefined ? [] : [route.alsoBy])];
  if (opening.some((scope) => scopes.has(scope))) return undefined;
  return refuse("FORBIDDEN", `this route needs the scope ${opening.map((scope) => `"${scope}"`).join(" or ")}`);
};

/**
 * A Lambda behind the REST API: requests to handlers by route, refusals and faults to problem documents, scopes and
 * expiry checked, each request logged.
 */
export const httpFunction = (
  handlers: ReadonlyMap<string, RouteHandler>,
  environment: { readonly log: Log; readonly now: () => number },
): HttpHandler => {
  const { log, now } = environment;
  const handle = async (event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> => {
    const request = requestOf(event);
    const handler = handlers.get(request.route);
    const refusal =
      handler === undefined ? refuse("NOT_FOUND", "there is no such route") : callerRefusal(request, now());
    const answer = refusal ?? (await (handler as RouteHandler)(request));
    return resultOf(isRefusal(answer) ? problemAnswer(answer, request.requestId) : answer, request.requestId);
  };
  const wrapped = middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
    .use(requestLog(log, now))
    .use(faultsToAnswers(log))
    .handler(handle);
  return (event, context) => wrapped(event, context) as Promise<APIGatewayProxyResult>;
};
