import type { APIGatewayProxyEvent } from "aws-lambda";
import * as v from "valibot";
import { AppId, NodeExecutionId, RunId, TenantId } from "../contract/identifiers.ts";
import { type RouteName, SCOPES, type Scope } from "../contract/routes.ts";

/** A request as a handler sees it: who asks, and what for. */
export interface Request {
  readonly route: RouteName;
  readonly requestId: string;
  /** Absent on routes that need no credential. */
  readonly caller: Caller | undefined;
  readonly path: Readonly<Record<string, string | undefined>>;
  /** Every value of every query parameter. */
  readonly query: ReadonlyMap<string, readonly string[]>;
  /** The last of this name. */
  header(name: string): string | undefined;
  /** Every header of this name, in order. */
  headers(name: string): readonly string[];
  readonly body: Buffer;
}

/** What the authorizer made of the credential. */
export interface Caller {
  readonly tenantId: TenantId;
  readonly scopes: ReadonlySet<Scope>;
  /** When the credential ends (milliseconds since 1970); undefined: it does not. */
  readonly expiresAt: number | undefined;
  /** Whose credential it is: `key <id>` or `token <subject>`. */
  readonly speaker: string;
}

/** API Gateway hands every value on as text. */
const AuthorizerContext = v.object({
  tenant_id: TenantId,
  scopes: v.string(),
  speaker: v.optional(v.string(), "unknown"),
  expires_at: v.optional(v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number))),
});

const callerOf = (event: APIGatewayProxyEvent): Caller | undefined => {
  const context = v.safeParse(AuthorizerContext, event.requestContext.authorizer);
  if (!context.success) return undefined;
  const granted = context.output.scopes.split(" ");
  return {
    tenantId: context.output.tenant_id,
    scopes: new Set(SCOPES.filter((scope) => granted.includes(scope))),
    expiresAt: context.output.expires_at,
    speaker: context.output.speaker,
  };
};

/** Undefined where a percent sign begins no character: then it names nothing. */
const decoded = (text: string | undefined): string | undefined => {
  try {
    return text && decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/**
 * A REST API hands a path's parameters on as they were sent, percent-encoded, though it decodes the query's. An emulator
 * may have decoded them; no id holds a percent sign, so decoding it again changes nothing.
 */
const pathOf = (event: APIGatewayProxyEvent): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(event.pathParameters ?? {}).map(([name, value]) => [name, decoded(value)]));

const queryOf = (event: APIGatewayProxyEvent): Map<string, readonly string[]> =>
  new Map(Object.entries(event.multiValueQueryStringParameters ?? {}).map(([name, values]) => [name, values ?? []]));

const headersOf = (event: APIGatewayProxyEvent): (readonly [name: string, value: string])[] =>
  Object.entries(event.multiValueHeaders ?? {}).flatMap(([name, values]) =>
    (values ?? []).map((value) => [name.toLowerCase(), value] as const),
  );

/** A request from API Gateway's event. */
export const requestOf = (event: APIGatewayProxyEvent): Request => {
  const headers = new Map(Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    route: `${event.httpMethod} ${event.resource}` as RouteName,
    requestId: event.requestContext.requestId,
    caller: callerOf(event),
    path: pathOf(event),
    query: queryOf(event),
    header: (name) => headers.get(name),
    headers: (name) => headersOf(event).flatMap(([other, value]) => (other === name ? [value] : [])),
    body: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8"),
  };
};

/** The tenant of the credential. Routes with a scope are only reached with one. */
export const tenantOf = (request: Request): TenantId => {
  if (request.caller === undefined) throw new Error("a route without a credential asked for its tenant");
  return request.caller.tenantId;
};

/** Ids of a path. One that cannot be an id names nothing that exists. */
export const runIdOf = (request: Request): RunId | undefined => parsed(RunId, request.path["run_id"]);
/** The app that the path names. */
export const appIdOf = (request: Request): AppId | undefined => parsed(AppId, request.path["app_id"]);
/** The node execution that the path names. */
export const nodeExecutionIdOf = (request: Request): NodeExecutionId | undefined =>
  parsed(NodeExecutionId, request.path["node_execution_id"]);

const parsed = <S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined => {
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
};
