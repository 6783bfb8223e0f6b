import type { Tombstone } from "../../ports/run-store.ts";

/** How a run is gone. */
export type GoneAs = "deleted" | "expired";

/** How a run is gone that left a tombstone. */
export const goneAs = ({ hadExpired }: Pick<Tombstone, "hadExpired">): GoneAs => (hadExpired ? "expired" : "deleted");

/** Why an event is refused whose run is gone, whatever else is wrong with it. */
export const GONE = {
  deleted: { code: "RUN_DELETED", errors: [{ path: "run_id", message: "the run was deleted" }] },
  expired: { code: "RUN_EXPIRED", errors: [{ path: "run_id", message: "the run has expired" }] },
} as const satisfies Record<GoneAs, unknown>;
