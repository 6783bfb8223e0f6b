/** A route of the HTTP API: who may call it, and which function serves it. `resource` is API Gateway's path template. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly resource: string;
  readonly function: "ingest" | "query" | "control";
  /** Undefined: no credential needed. */
  readonly scope: Scope | undefined;
  /** Another scope that opens it as well: what is behind it belongs partly to the one and partly to the other. */
  readonly alsoBy?: Scope;
}

/** What a credential can allow (contract, section 2). */
export const SCOPES = ["ingest", "read", "payload", "control", "admin"] as const;
/** One thing that a credential can allow. */
export type Scope = (typeof SCOPES)[number];

/** Every route, once: the functions, the embedded stack's front and the infrastructure build from it. */
export const ROUTES = [
  { method: "POST", resource: "/v1/events", function: "ingest", scope: "ingest" },
  { method: "POST", resource: "/v1/dify/events", function: "ingest", scope: "ingest" },
  { method: "POST", resource: "/v1/uploads", function: "control", scope: "ingest" },
  { method: "GET", resource: "/v1/runs/{run_id}", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/nodes", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/nodes/{node_execution_id}", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/trace", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/events", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs/{run_id}/diff", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/apps", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/runs", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/apps/{app_id}/runs", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/apps/{app_id}/runs/count", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/apps/{app_id}/statistics", function: "query", scope: "read" },
  { method: "GET", resource: "/v1/apps/{app_id}/failures", function: "query", scope: "read" },
  { method: "DELETE", resource: "/v1/runs/{run_id}", function: "control", scope: "admin" },
  { method: "PUT", resource: "/v1/runs/{run_id}/hold", function: "control", scope: "admin" },
  { method: "DELETE", resource: "/v1/runs/{run_id}/hold", function: "control", scope: "admin" },
  { method: "GET", resource: "/v1/audit", function: "control", scope: "admin" },
  { method: "DELETE", resource: "/v1/apps/{app_id}/runs", function: "control", scope: "admin" },
  { method: "GET", resource: "/v1/apps/{app_id}/export", function: "control", scope: "read" },
  { method: "GET", resource: "/v1/jobs", function: "control", scope: "read", alsoBy: "admin" },
  { method: "GET", resource: "/v1/jobs/{job_id}", function: "control", scope: "read", alsoBy: "admin" },
  { method: "DELETE", resource: "/v1/jobs/{job_id}", function: "control", scope: "read", alsoBy: "admin" },
  { method: "GET", resource: "/v1/apps/{app_id}/settings", function: "control", scope: "control" },
  { method: "PUT", resource: "/v1/apps/{app_id}/settings", function: "control", scope: "control" },
  { method: "GET", resource: "/v1/quarantine", function: "control", scope: "admin" },
  { method: "POST", resource: "/v1/quarantine/redrive", function: "control", scope: "admin" },
  { method: "POST", resource: "/v1/quarantine/{id}/redrive", function: "control", scope: "admin" },
  { method: "GET", resource: "/v1/health", function: "query", scope: undefined },
] as const satisfies readonly Route[];

/** A route's name as functions tell them apart: `GET /v1/runs/{run_id}`. */
export type RouteName = `${(typeof ROUTES)[number]["method"]} ${(typeof ROUTES)[number]["resource"]}`;
