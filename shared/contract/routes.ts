/** A route of the HTTP API: who may call it, and which function serves it. `resource` is API Gateway's path template. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly resource: string;
  readonly function: "ingest" | "query" | "control";
  /** Undefined: no credential needed. */
  readonly scope: Scope | undefined;
}

/** What a credential can allow (contract, section 2). */
export const SCOPES = ["ingest", "read", "payload", "control", "admin"] as const;
/** One thing that a credential can allow. */
export type Scope = (typeof SCOPES)[number];

/** Every route, once: the functions, the embedded stack's front and the infrastructure build from it. */
export const ROUTES = [
  { method: "POST", resource: "/v1/events", function: "ingest", scope: "ingest" },
  { method: "POST", resource: "/v1/dify/events", function: "ingest", scope: "ingest" },
  { method: "GET", resource: "/v1/runs/{run_id}", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/nodes", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/nodes/{node_execution_id}", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/trace", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/events", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/apps", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/apps/{app_id}/runs", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/quarantine", function: "control", scope: "admin" },
  { method: "POST", resource: "/v1/quarantine/redrive", function: "control", scope: "admin" },
  { method: "POST", resource: "/v1/quarantine/{id}/redrive", function: "control", scope: "admin" },
  { method: "GET", resource: "/v1/health", function: "query", scope: undefined },
] as const satisfies readonly Route[];

/** A route's name as functions tell them apart: `GET /v1/runs/{run_id}`. */
export type RouteName = `${(typeof ROUTES)[number]["method"]} ${(typeof ROUTES)[number]["resource"]}`;
