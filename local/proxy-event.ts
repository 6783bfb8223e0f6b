/** HTTP requests as API Gateway (REST, Lambda proxy integration) hands them to functions. */
import type { IncomingMessage } from "node:http";
import type { APIGatewayEventIdentity, APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import type { Route } from "../shared/contract/routes.ts";
import type { Pair } from "./route-match.ts";

/** A request as it came in, before it is an event. */
export interface ProxyRequest {
  readonly message: IncomingMessage;
  readonly requestId: string;
  readonly route: Route;
  /** As sent, without the query. */
  readonly path: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  /** Of the query, decoded, in order. */
  readonly parameters: readonly Pair[];
  readonly receivedAt: Date;
}

const STAGE = "local";
const ACCOUNT = "000000000000";

/** What both the authorizer and the function get to see. */
function shared(request: ProxyRequest) {
  const { message, route, path, parameters } = request;
  const headers = pairsOf(message.rawHeaders);
  return {
    resource: route.resource,
    path,
    httpMethod: route.method,
    headers: lastOfEach(headers),
    multiValueHeaders: allOfEach(headers),
    queryStringParameters: parameters.length === 0 ? null : lastOfEach(parameters),
    multiValueQueryStringParameters: parameters.length === 0 ? null : allOfEach(parameters),
    pathParameters: Object.keys(request.pathParameters).length === 0 ? null : { ...request.pathParameters },
    stageVariables: null,
  };
}

function requestContext<Authorizer>(request: ProxyRequest, authorizer: Authorizer) {
  const { message, route, receivedAt } = request;
  return {
    accountId: ACCOUNT,
    apiId: "local",
    authorizer,
    domainName: message.headers.host ?? "127.0.0.1",
    protocol: `HTTP/${message.httpVersion}`,
    httpMethod: route.method,
    identity: {
      ...NOBODY,
      sourceIp: message.socket.remoteAddress ?? "",
      userAgent: message.headers["user-agent"] ?? null,
    },
    path: request.path,
    stage: STAGE,
    requestId: request.requestId,
    requestTime: commonLogTime(receivedAt),
    requestTimeEpoch: receivedAt.getTime(),
    resourceId: "local",
    resourcePath: route.resource,
  };
}

/** `authorizer` is what the authorizer answered, undefined for routes that need no credential. */
export function toProxyEvent(
  request: ProxyRequest,
  body: Buffer,
  authorizer: Record<string, unknown> | undefined,
): APIGatewayProxyEvent {
  return {
    ...shared(request),
    requestContext: requestContext<APIGatewayProxyEvent["requestContext"]["authorizer"]>(request, authorizer),
    body: body.length === 0 ? null : body.toString("base64"),
    isBase64Encoded: body.length > 0,
  };
}

/** The event of a request authorizer. */
export function toAuthorizerEvent(request: ProxyRequest): APIGatewayRequestAuthorizerEvent {
  return {
    type: "REQUEST",
    methodArn: `arn:aws:execute-api:us-east-1:${ACCOUNT}:local/${STAGE}/${request.route.method}${request.path}`,
    ...shared(request),
    requestContext: requestContext(request, undefined),
  };
}

const NOBODY: Omit<APIGatewayEventIdentity, "sourceIp" | "userAgent"> = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
};

/** Node lists names and values in turn. */
const pairsOf = (rawHeaders: readonly string[]): Pair[] =>
  rawHeaders.flatMap((name, position) => (position % 2 === 0 ? [[name, rawHeaders[position + 1] ?? ""] as const] : []));

const lastOfEach = (pairs: readonly Pair[]): Record<string, string> => Object.fromEntries(pairs);

const allOfEach = (pairs: readonly Pair[]): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(pairs, ([name]) => name)).map(([name, same = []]) => [
      name,
      same.map(([, value]) => value),
    ]),
  );

/** `09/Apr/2026:12:34:56 +0000` */
function commonLogTime(at: Date): string {
  const [, day, month, year, time] = /(\d\d) (\w{3}) (\d{4}) ([\d:]+)/.exec(at.toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
