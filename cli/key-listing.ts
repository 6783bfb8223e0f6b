import { type KeyPolicy, keyExpiryOf, keyIdOf } from "../shared/app/keys/api-keys.ts";
import type { StoredCredential } from "../shared/ports/credential-store.ts";
import { textTable } from "./text-table.ts";

const instantOf = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : new Date(milliseconds).toISOString();

/** What a key's state is judged by: the time (milliseconds since 1970), and what the stage asks of keys. */
export interface KeyJudgement {
  readonly now: number;
  readonly policy: KeyPolicy;
}

type KeyState = "good" | "revoked" | "expired" | "too_old";

const isOver = (end: number | undefined, now: number): boolean => end !== undefined && end <= now;

const stateOf = (key: StoredCredential, { now, policy }: KeyJudgement): KeyState => {
  if (key.revokedAt !== undefined) return "revoked";
  if (isOver(key.expiresAt, now)) return "expired";
  return isOver(keyExpiryOf(key, policy), now) ? "too_old" : "good";
};

/** A key for machines, without the key. Null: never, or not known. */
export const keyJson = (key: StoredCredential, by: KeyJudgement) => ({
  key_id: keyIdOf(key.sha256),
  tenant_id: key.tenantId,
  scopes: key.scopes,
  name: key.name,
  // Keys of the first version do not say when they were made.
  created_at: instantOf(key.createdAt || undefined),
  expires_at: instantOf(key.expiresAt),
  last_used_on: key.lastUsedOn ?? null,
  revoked_at: instantOf(key.revokedAt),
  state: stateOf(key, by),
});

const dayOf = (instant: string | null): string => instant?.slice(0, "2026-11-22".length) ?? "-";

/** Keys for people, a line each; days are UTC. */
export const keyTable = (keys: readonly StoredCredential[], by: KeyJudgement): string =>
  textTable(
    ["KEY ID", "TENANT", "SCOPES", "NAME", "CREATED", "EXPIRES", "LAST USED", "STATE"],
    keys.map((key) => {
      const shown = keyJson(key, by);
      return [
        shown.key_id,
        shown.tenant_id,
        shown.scopes.join(",") || "-",
        shown.name || "-",
        dayOf(shown.created_at),
        dayOf(shown.expires_at),
        shown.last_used_on ?? "-",
        shown.state.replace("_", " "),
      ];
    }),
  );
