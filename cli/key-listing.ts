import { keyIdOf } from "../shared/app/api-keys.ts";
import type { StoredCredential } from "../shared/ports/credential-store.ts";
import { textTable } from "./text-table.ts";

const instantOf = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : new Date(milliseconds).toISOString();

/** A key for machines, without the key. Null: never, or not known. */
export const keyJson = (key: StoredCredential) => ({
  key_id: keyIdOf(key.sha256),
  tenant_id: key.tenantId,
  scopes: key.scopes,
  name: key.name,
  // Keys of the first version do not say when they were made.
  created_at: instantOf(key.createdAt || undefined),
  expires_at: instantOf(key.expiresAt),
  last_used_on: key.lastUsedOn ?? null,
  revoked_at: instantOf(key.revokedAt),
});

const stateOf = (key: StoredCredential, now: number): string => {
  if (key.revokedAt !== undefined) return "revoked";
  return key.expiresAt !== undefined && key.expiresAt <= now ? "expired" : "good";
};

const dayOf = (instant: string | null): string => instant?.slice(0, "2026-11-22".length) ?? "-";

/** Keys for people, a line each; days are UTC. `now` is in milliseconds since 1970. */
export const keyTable = (keys: readonly StoredCredential[], now: number): string =>
  textTable(
    ["KEY ID", "TENANT", "SCOPES", "NAME", "CREATED", "EXPIRES", "LAST USED", "STATE"],
    keys.map((key) => {
      const shown = keyJson(key);
      return [
        shown.key_id,
        shown.tenant_id,
        shown.scopes.join(",") || "-",
        shown.name || "-",
        dayOf(shown.created_at),
        dayOf(shown.expires_at),
        shown.last_used_on ?? "-",
        stateOf(key, now),
      ];
    }),
  );
