import type { TenantId } from "../contract/identifiers.ts";
import type { JsonOutput } from "../contract/json-text.ts";

/** What was done that cannot be undone, or that protects against it. */
export type AuditAction = "run.deleted" | "runs.deleted" | "run.held" | "run.released" | "settings.changed";

/** Who did what, when. It holds ids and counts, never payload. */
export interface AuditEntry {
  /** ULID of the moment: entries are in this order. */
  readonly id: string;
  readonly action: AuditAction;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The credential: `key <id>`, `token <subject>`, or who of the service. */
  readonly by: string;
  readonly details: Readonly<Record<string, JsonOutput>>;
}

/** A tenant's audit entries. They are kept for good. Failures of the store are thrown as StoreFault. */
export interface AuditLog {
  /** Safe to repeat with the same id. */
  append(tenantId: TenantId, entry: AuditEntry): Promise<void>;
  /** Newest first, those before `before`. */
  list(
    tenantId: TenantId,
    page: { readonly before: string | undefined; readonly limit: number },
  ): Promise<AuditEntry[]>;
}
