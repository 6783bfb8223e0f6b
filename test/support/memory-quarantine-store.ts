import type { TenantId } from "../../shared/contract/identifiers.ts";
import { type QuarantinePosition, quarantineExpiry } from "../../shared/domain/quarantine.ts";
import { quarantineItemKey, quarantineRange, storedReasons } from "../../shared/dynamodb/quarantine-item.ts";
import type { QuarantinedMessage, QuarantineStore, RefusedMessage } from "../../shared/ports/quarantine-store.ts";
import { StoreFault } from "../../shared/ports/store-fault.ts";

/** A quarantine without a database: passes the contract of its port, and is quick. `isBroken`: every call fails. */
export const memoryQuarantineStore = (of: { readonly isBroken?: boolean } = {}): QuarantineStore => {
  const kept = new Map<string, { readonly pk: string; readonly sk: string; readonly refused: RefusedMessage }>();
  const check = (): void => {
    if (of.isBroken) throw new StoreFault("nobody is there", { cause: new Error("broken"), isRetryable: true });
  };
  const nameOf = (tenantId: TenantId | undefined, position: QuarantinePosition): string => {
    check();
    return Object.values(quarantineItemKey(tenantId, position)).join(" ");
  };
  const shown = (name: string, { body: _, ...refused }: RefusedMessage): QuarantinedMessage => ({
    ...refused,
    expiresAt: quarantineExpiry(refused.sentAt),
    readBody: async () => kept.get(name)?.refused.body,
  });
  const put = (refused: RefusedMessage): void => {
    const { tenantId, runId, errors } = refused;
    const wellFormed = { ...refused, runId: runId?.toWellFormed(), errors: storedReasons(errors) };
    kept.set(nameOf(tenantId, refused), { ...quarantineItemKey(tenantId, refused), refused: wellFormed });
  };
  return {
    put: async (refused) => put(refused),
    list: async function* (tenantId, asked) {
      check();
      const { pk, from, to, after } = quarantineRange(tenantId, asked);
      const found = [...kept]
        .filter(([, item]) => item.pk === pk && item.sk >= from && item.sk <= to && item.sk !== after)
        .sort(([, a], [, b]) => (a.sk < b.sk ? -1 : 1));
      if (asked.isOldestFirst !== true) found.reverse();
      for (const [name, { refused }] of found.slice(0, asked.limit)) yield shown(name, refused);
    },
    find: async (tenantId, position) => {
      const name = nameOf(tenantId, position);
      const found = kept.get(name);
      return found && shown(name, found.refused);
    },
    replaceReasons: async (tenantId, position, reasons) => {
      const found = kept.get(nameOf(tenantId, position));
      if (found !== undefined) put({ ...found.refused, ...reasons });
      return found !== undefined;
    },
    remove: async (tenantId, position) => kept.delete(nameOf(tenantId, position)),
  };
};
