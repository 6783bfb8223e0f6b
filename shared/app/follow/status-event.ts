import type { RunKey } from "../../contract/identifiers.ts";
import type { DomainEvent } from "../../ports/publisher.ts";
import type { ListedHeader } from "../../ports/run-store.ts";
import { presentListedRun } from "../read/present-run.ts";

/**
 * A run's status as a domain event: the run as a list shows it, and whose it is. `version` in it rises with each state
 * of the run, so a listener knows what is old and what it has seen.
 */
export const statusEvent = (run: RunKey, header: ListedHeader, at: number | undefined): DomainEvent => ({
  type: `run.${header.row.status}`,
  at,
  detail: { tenant_id: run.tenantId, ...presentListedRun(header) },
});
