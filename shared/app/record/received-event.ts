import type { EventReading, InputError } from "../../contract/event.ts";
import type { TenantId } from "../../contract/identifiers.ts";
import type { Redaction } from "../../contract/redaction.ts";
import type { StoreFault } from "../../ports/store-fault.ts";

/** An event of a request or a queue batch, as it was read. */
export interface ReceivedEvent {
  /** Its tenant: from the credential, or from the event itself where it came by queue. */
  readonly tenantId: TenantId;
  readonly text: string;
  readonly reading: EventReading;
  /** What redaction did to it before it came here. */
  readonly redaction?: Redaction | undefined;
}

/** An event that is not recorded: for a reason that stays, or because a store did not do its part. */
export type FailedEvent =
  | {
      readonly status: "rejected";
      readonly id: string | undefined;
      readonly runId: string | undefined;
      readonly code: string;
      readonly errors: readonly InputError[];
    }
  | {
      readonly status: "unavailable";
      readonly id: string | undefined;
      readonly runId: string | undefined;
      readonly fault: StoreFault;
    };

/** What became of one event. */
export type EventResult = { readonly status: "accepted"; readonly id: string; readonly runId: string } | FailedEvent;
