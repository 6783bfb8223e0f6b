import type { JsonOutput } from "../../shared/contract/json-text.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { type Request, tenantOf } from "../../shared/lambda/request.ts";
import type { AuditAction } from "../../shared/ports/audit-log.ts";

type Details = Readonly<Record<string, JsonOutput>>;

/** An entry of the tenant's audit log on what the caller of a request does. Noting it again replaces its details. */
export const auditNote = (
  { audit, clock, newUlid }: Pick<Dependencies, "audit" | "clock" | "newUlid">,
  request: Request,
  action: AuditAction,
): ((details: Details) => Promise<void>) => {
  const at = clock.now();
  const entry = { id: newUlid(at), at, by: request.caller?.speaker ?? "unknown", action };
  return (details) => audit.append(tenantOf(request), { ...entry, details });
};

/** Notes in the tenant's audit log what the caller of a request did. */
export const noteInAudit = (
  dependencies: Pick<Dependencies, "audit" | "clock" | "newUlid">,
  request: Request,
  done: { readonly action: AuditAction; readonly details: Details },
): Promise<void> => auditNote(dependencies, request, done.action)(done.details);
