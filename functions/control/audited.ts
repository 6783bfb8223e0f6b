import type { JsonOutput } from "../../shared/contract/json-text.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import { type Request, tenantOf } from "../../shared/lambda/request.ts";
import type { AuditAction } from "../../shared/ports/audit-log.ts";

/** Notes in the tenant's audit log what the caller of a request did. */
export const noteInAudit = async (
  { audit, clock, newUlid }: Pick<Dependencies, "audit" | "clock" | "newUlid">,
  request: Request,
  done: { readonly action: AuditAction; readonly details: Readonly<Record<string, JsonOutput>> },
): Promise<void> => {
  const at = clock.now();
  await audit.append(tenantOf(request), { id: newUlid(at), at, by: request.caller?.speaker ?? "unknown", ...done });
};
