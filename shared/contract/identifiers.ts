import * as v from "valibot";

/** Ids are opaque: 1 to 128 characters that cannot hold a separator of keys or paths. */
const id = v.pipe(
  v.string("expected an id (a string)"),
  v.regex(/^[A-Za-z0-9._:-]{1,128}$/, "expected an id: 1 to 128 characters from A-Z a-z 0-9 . _ : -"),
);

/** An id with no part in keys: of an event, a node, an edge, a workflow. */
export const Id = id;

/** Names a run within its tenant. */
export const RunId = v.pipe(id, v.brand("RunId"));
export type RunId = v.InferOutput<typeof RunId>;

/** Names an application within its tenant. */
export const AppId = v.pipe(id, v.brand("AppId"));
export type AppId = v.InferOutput<typeof AppId>;

/**
 * Who owns what is read and written. Made from a credential by the authorizer's answer, and from `tenant_id` by the
 * queue consumer; from nothing else.
 */
export const TenantId = v.pipe(id, v.brand("TenantId"));
export type TenantId = v.InferOutput<typeof TenantId>;

/** Names a node execution within its run. */
export const NodeExecutionId = v.pipe(id, v.brand("NodeExecutionId"));
export type NodeExecutionId = v.InferOutput<typeof NodeExecutionId>;

/** The place of a run: keys are built from it, so it always carries its tenant. */
export interface RunKey {
  readonly tenantId: TenantId;
  readonly runId: RunId;
}

/** The place of an app: with its tenant, like a run's. */
export interface AppKey {
  readonly tenantId: TenantId;
  readonly appId: AppId;
}
