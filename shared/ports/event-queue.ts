import type { TenantId } from "../contract/identifiers.ts";
import type { Redaction } from "../contract/redaction.ts";
import type { StoreFault } from "./store-fault.ts";

/** What became of one event that was to be queued. */
export type QueueOutcome =
  | { readonly status: "queued" }
  /** No message has room for it: sending it again is of no use. */
  | { readonly status: "too-large"; readonly mostBytes: number }
  /** It may be on the queue or not: sending it again is safe. */
  | { readonly status: "unavailable"; readonly fault: StoreFault };

/**
 * Events on their way to those who record them later. What was queued is durable and delivered at least once, in any
 * order. Recording an event twice changes nothing, so a retry is safe.
 */
export interface EventQueue {
  /**
   * Queues events of one tenant, each the JSON text of an object that names it as `tenant_id`. One outcome an event, in
   * their order; trouble with one message leaves the others alone. Texts arrive as they are, but for characters that
   * the queue cannot carry: those arrive as JSON escapes. `redactions` travels with them: what redaction did to events,
   * by their position.
   */
  send(
    tenantId: TenantId,
    events: readonly string[],
    redactions?: ReadonlyMap<number, Redaction>,
  ): Promise<QueueOutcome[]>;
}
