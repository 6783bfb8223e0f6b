import { hasExpired } from "../../domain/retention.ts";
import { type FoundHeader, isTombstone, type StoredHeader } from "../../ports/run-store.ts";

/** How a run is gone. */
export type GoneAs = "deleted" | "expired";

/** How a run is gone whose header was found so at a moment (milliseconds since 1970); undefined: it is not, by that. */
export const goneAs = (found: FoundHeader, now: number): GoneAs | undefined => {
  if (isTombstone(found)) return found.hadExpired ? "expired" : "deleted";
  return found !== undefined && hasExpired(found.expiresAt, now) ? "expired" : undefined;
};

/** Whether there is a run for readers at a moment (milliseconds since 1970), by its header. */
export const isThere = (found: FoundHeader, now: number): found is StoredHeader =>
  found !== undefined && goneAs(found, now) === undefined;

/** Why an event is refused whose run is gone, whatever else is wrong with it. */
export const GONE = {
  deleted: { code: "RUN_DELETED", errors: [{ path: "run_id", message: "the run was deleted" }] },
  expired: { code: "RUN_EXPIRED", errors: [{ path: "run_id", message: "the run has expired" }] },
} as const satisfies Record<GoneAs, unknown>;
