/** API Gateway of the embedded stack: takes HTTP requests on loopback to the functions that Lambda runs in production. */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from "aws-lambda";
import type { Route } from "../shared/contract/routes.ts";
import { type AuthorizeFunction, askAuthorizer } from "./front-authorizer.ts";
import { type Answer, answerBrokenRequest, problem, sendAnswer, sendEarly, toAnswer } from "./http-answer.ts";
import { lambdaContext } from "./lambda-context.ts";
import { type ProxyRequest, toAuthorizerEvent, toProxyEvent } from "./proxy-event.ts";
import { hasRoomFor, readBody } from "./request-body.ts";
import { matchRoute, parseQuery } from "./route-match.ts";

/** A function behind the REST API. */
export type ProxyFunction = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>;

/** What the front listens on and calls. */
export interface HttpFrontOptions {
  /** 0: any that is free. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly functions: Readonly<Record<Route["function"], ProxyFunction>>;
  readonly authorize: AuthorizeFunction;
  /** Serves what lies under a path of its own, to the end of the answer: links to objects. Undefined: there is none. */
  readonly objects?: ObjectRoutes | undefined;
  /** Called with a line for each request that was answered: never with a query's text. */
  logRequest?(line: string): void;
  /** Called with what a function threw: the caller sees nothing of it. */
  reportFault(error: unknown): void;
  /** Undefined: ten seconds for a request's headers, a minute for all of it. */
  readonly patience?: Patience;
}

/** What is served beside the routes. */
export interface ObjectRoutes {
  /** What the paths begin with. */
  readonly path: string;
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** How long a client may take to send (milliseconds). */
export interface Patience {
  readonly headersMs: number;
  /** With its body. */
  readonly requestMs: number;
  /** How often this is looked at: a client has so much longer at the most. */
  readonly checkEveryMs: number;
}

const PATIENCE: Patience = { headersMs: 10_000, requestMs: 60_000, checkEveryMs: 10_000 };

/** The front while it listens. */
export interface HttpFront {
  readonly url: string;
  /** Accepts nothing more, and resolves when every request under way is answered. */
  stop(): Promise<void>;
}

/** Rejects with the error of `listen`: `EADDRINUSE` where the port is taken. */
export async function startHttpFront(options: HttpFrontOptions): Promise<HttpFront> {
  let isStopping = false;
  const isObject = (request: IncomingMessage): boolean =>
    options.objects !== undefined && pathOf(request).startsWith(options.objects.path);

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startedAt = Date.now();
    const requestId = randomUUID();
    if (isObject(request)) {
      if (isStopping) response.setHeader("connection", "close");
      await serveObject(options, request, response);
      options.logRequest?.(
        `${request.method} ${pathOf(request)} ${response.statusCode} ${Date.now() - startedAt} ms ${requestId}`,
      );
      return;
    }
    const target = resolveTarget(options.routes, request, requestId);
    const body = await readBody(request).catch(() => "gone" as const);
    if (body === "gone") return;

    const isWhole = body !== "too-large";
    let answer: Answer;
    if ("status" in target) answer = target;
    else if (isWhole) answer = await invoke(options, target, body);
    else answer = problem("REQUEST_TOO_LARGE", requestId);

    if (isStopping) response.setHeader("connection", "close");
    if (isWhole) sendAnswer(response, answer);
    else await sendEarly(request, response, answer);
    options.logRequest?.(
      `${request.method} ${pathOf(request)} ${answer.status} ${Date.now() - startedAt} ms ${requestId}`,
    );
  };

  const { headersMs, requestMs, checkEveryMs } = options.patience ?? PATIENCE;
  const server = createServer({
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkEveryMs,
  });
  server.on("request", serve);
  server.on("clientError", answerBrokenRequest);
  // A client that asks before it sends is told to go on only where its body has room.
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (!isObject(request) && hasRoomFor(request)) response.writeContinue();
    return serve(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      isStopping = true;
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

const pathOf = (message: IncomingMessage): string => (message.url ?? "/").split("?", 1)[0] ?? "";

/** Never rejects. A client that went away needs no answer, and is nobody's fault. */
async function serveObject(
  options: HttpFrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await options.objects?.serve(request, response);
  } catch (error) {
    const isGone = response.destroyed || request.errored !== null;
    if (!isGone) options.reportFault(error);
    if (isGone || response.headersSent) response.destroy();
    else await sendEarly(request, response, problem("INTERNAL", randomUUID()));
  }
}

/** The route that a request names with all that its address says, or the front's own answer. */
function resolveTarget(routes: readonly Route[], message: IncomingMessage, requestId: string): ProxyRequest | Answer {
  const path = pathOf(message);
  const parameters = parseQuery((message.url ?? "").slice(path.length + 1));
  const match = matchRoute(routes, { method: message.method ?? "", path });
  if (match.kind === "bad-encoding" || parameters === undefined) return problem("BAD_REQUEST", requestId);
  if (match.kind === "not-found") return problem("NOT_FOUND", requestId);
  if (match.kind === "method-not-allowed") {
    return problem("METHOD_NOT_ALLOWED", requestId, { allow: match.allowed.join(", ") });
  }
  const { route, pathParameters } = match;
  return { message, requestId, receivedAt: new Date(), route, path, pathParameters, parameters };
}

/** Asks the authorizer where the route needs a credential, then the function. Never rejects. */
async function invoke(options: HttpFrontOptions, request: ProxyRequest, body: Buffer): Promise<Answer> {
  const { route, requestId } = request;
  try {
    let authorizer: Record<string, unknown> | undefined;
    if (route.scope !== undefined) {
      const authorization = await askAuthorizer(options.authorize, toAuthorizerEvent(request));
      if (authorization.kind === "forbidden") return problem("FORBIDDEN", requestId);
      if (authorization.kind === "unauthorized") {
        return problem("UNAUTHORIZED", requestId, { "www-authenticate": "Bearer" });
      }
      authorizer = authorization.authorizer;
    }
    const context = lambdaContext(`runstone-${route.function}`, requestId);
    return toAnswer(
      await options.functions[route.function](toProxyEvent(request, body, authorizer), context),
      requestId,
    );
  } catch (error) {
    options.reportFault(error);
    return problem("INTERNAL", requestId);
  }
}
