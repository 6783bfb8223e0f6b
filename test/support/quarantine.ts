import type { TenantId } from "../../shared/contract/identifiers.ts";
import type { QuarantineQuery, QuarantineStore, RefusedMessage } from "../../shared/ports/quarantine-store.ts";

/** What is in a tenant's quarantine, bodies and all: newest first, where not asked otherwise. */
export const quarantined = async (
  store: QuarantineStore,
  tenantId: TenantId | undefined,
  query: Partial<QuarantineQuery> = {},
): Promise<RefusedMessage[]> => {
  const messages: RefusedMessage[] = [];
  for await (const message of store.list(tenantId, { sentSince: 0, limit: 1000, ...query })) {
    const { readBody, expiresAt: _, ...refused } = message;
    messages.push({ ...refused, body: (await readBody()) ?? "gone" });
  }
  return messages;
};
