import type { InputError } from "../contract/event.ts";
import type { TenantId } from "../contract/identifiers.ts";

/** An event that came by queue and was refused, or a message body that holds no event of a known tenant. */
export interface RefusedMessage {
  /** Undefined: for the operator's eyes only. */
  readonly tenantId: TenantId | undefined;
  readonly messageId: string;
  /** Position in the message; undefined for the body as a whole. */
  readonly index: number | undefined;
  /** When the message was sent (milliseconds since 1970). */
  readonly sentAt: number;
  readonly code: string;
  readonly errors: readonly InputError[];
  readonly body: string;
}

/** Keeps what was refused, for 14 days. Putting the same part of the same message again changes nothing. */
export interface QuarantineStore {
  put(refused: RefusedMessage): Promise<void>;
  /** Newest first. */
  list(tenantId: TenantId | undefined, limit: number): Promise<RefusedMessage[]>;
}
