import type { InputError } from "../contract/event.ts";
import type { TenantId } from "../contract/identifiers.ts";
import type { Redaction } from "../contract/redaction.ts";
import type { QuarantinePosition } from "../domain/quarantine.ts";

/** An event that came by queue and was refused, or a message body that holds no event of a known tenant. */
export interface RefusedMessage extends QuarantinePosition {
  /** Undefined: for the operator's eyes only. */
  readonly tenantId: TenantId | undefined;
  /** As the event names it; undefined where that cannot be read. */
  readonly runId: string | undefined;
  readonly code: string;
  readonly errors: readonly InputError[];
  readonly body: string;
  /** What redaction did to the event in the body; undefined: it is as it came. */
  readonly redaction?: Redaction | undefined;
}

/** A refused message in quarantine. Its body can be large, and is read when it is asked for. */
export interface QuarantinedMessage extends Omit<RefusedMessage, "body"> {
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** Undefined where the message was removed in the meantime. */
  readBody(): Promise<string | undefined>;
}

/** Which refused messages of a tenant are asked for, and in which order. */
export interface QuarantineQuery {
  /** Those sent before this time (milliseconds since 1970) are left out. */
  readonly sentSince: number;
  /** Where the page before ended; undefined: from the beginning. */
  readonly after?: QuarantinePosition | undefined;
  readonly limit: number;
  readonly isOldestFirst?: boolean;
}

/**
 * Keeps what was refused, for 14 days from its sending; readers leave out what has expired (`quarantineBegin`). Reads are
 * strongly consistent. Every write is safe to repeat. Failures of the store are thrown as StoreFault.
 */
export interface QuarantineStore {
  /** Putting the same part of the same message again changes nothing. */
  put(refused: RefusedMessage): Promise<void>;
  /** Newest first where not asked otherwise, in a total order; at most as many as asked for. */
  list(tenantId: TenantId | undefined, query: QuarantineQuery): AsyncIterable<QuarantinedMessage>;
  find(tenantId: TenantId | undefined, position: QuarantinePosition): Promise<QuarantinedMessage | undefined>;
  /** Says anew why a message is refused. False where it is not there: it is not put back. */
  replaceReasons(
    tenantId: TenantId | undefined,
    position: QuarantinePosition,
    reasons: Pick<RefusedMessage, "code" | "errors">,
  ): Promise<boolean>;
  /** Removes a message and its body. False where it was not there. */
  remove(tenantId: TenantId | undefined, position: QuarantinePosition): Promise<boolean>;
}
