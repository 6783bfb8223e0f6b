/** What a request's address names: a route by API Gateway's path templates, and the parameters of the query. */
import type { Route } from "../shared/contract/routes.ts";

/** A route, a path of another method, or none. */
export type RouteMatch =
  | { readonly kind: "route"; readonly route: Route; readonly pathParameters: Readonly<Record<string, string>> }
  | { readonly kind: "method-not-allowed"; readonly allowed: readonly string[] }
  | { readonly kind: "not-found" }
  /** A percent sign that begins no encoded character. */
  | { readonly kind: "bad-encoding" };

/** `path` is as sent, and so are its parameters, as API Gateway leaves them; a literal segment goes before a parameter. */
export function matchRoute(routes: readonly Route[], request: { method: string; path: string }): RouteMatch {
  const sent = request.path.split("/");
  const segments = sent.map(decode);
  if (!segments.every((segment) => segment !== undefined)) return { kind: "bad-encoding" };

  const resources = [...new Set(routes.map((route) => route.resource))].filter((resource) => fits(resource, segments));
  const [resource] = resources.sort(literalsFirst);
  if (resource === undefined) return { kind: "not-found" };

  const here = routes.filter((route) => route.resource === resource);
  const route = here.find(({ method }) => method === request.method);
  if (route === undefined) return { kind: "method-not-allowed", allowed: here.map(({ method }) => method) };
  return { kind: "route", route, pathParameters: parametersOf(resource, sent) };
}

/** One parameter of a query. */
export type Pair = readonly [name: string, value: string];

/** A query's parameters, decoded, in order; undefined where it is badly encoded. */
export function parseQuery(query: string): Pair[] | undefined {
  const pairs = query
    .split("&")
    .filter(Boolean)
    .map((parameter) => {
      const [name = "", ...value] = parameter.replaceAll("+", " ").split("=");
      return [decode(name), decode(value.join("="))] as const;
    });
  const isWhole = (pair: readonly [string | undefined, string | undefined]): pair is Pair => !pair.includes(undefined);
  return pairs.every(isWhole) ? pairs : undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const parameterName = (part: string): string | undefined => /^\{(.+)\}$/.exec(part)?.[1];

function fits(resource: string, segments: readonly string[]): boolean {
  const parts = resource.split("/");
  return (
    parts.length === segments.length &&
    parts.every((part, position) =>
      parameterName(part) === undefined ? part === segments[position] : segments[position] !== "",
    )
  );
}

/** Orders templates of one length by where their first parameter stands: the later, the more exact. */
function literalsFirst(left: string, right: string): number {
  const shape = (resource: string): string =>
    resource
      .split("/")
      .map((part) => (parameterName(part) === undefined ? "0" : "1"))
      .join("");
  return shape(left) < shape(right) ? -1 : 1;
}

function parametersOf(resource: string, sent: readonly string[]): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [position, part] of resource.split("/").entries()) {
    const name = parameterName(part);
    if (name !== undefined) parameters[name] = sent[position] ?? "";
  }
  return parameters;
}
