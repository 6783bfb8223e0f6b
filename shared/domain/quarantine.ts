import { QUARANTINE_DAYS } from "./retention.ts";

/** Where a refused event stands in its tenant's quarantine: in order of sending, then of message, then of index. */
export interface QuarantinePosition {
  /** When the message was sent (milliseconds since 1970). */
  readonly sentAt: number;
  readonly messageId: string;
  /** Position in the message; undefined for the body as a whole. */
  readonly index: number | undefined;
}

/** Where a refused event stands, of all that is known of it. */
export const quarantinePositionOf = ({ sentAt, messageId, index }: QuarantinePosition): QuarantinePosition => ({
  sentAt,
  messageId,
  index,
});

const KEPT_SECONDS = QUARANTINE_DAYS * 86_400;

/** When a refused event that was sent at this time (milliseconds) is gone (seconds since 1970). */
export const quarantineExpiry = (sentAt: number): number => Math.floor(sentAt / 1000) + KEPT_SECONDS;

/** What was sent before this time (milliseconds since 1970) has expired. */
export const quarantineBegin = (now: number): number => (Math.floor(now / 1000) + 1 - KEPT_SECONDS) * 1000;

const ID_CONTENT = /^(\d{1,13})#(\d{1,6}|whole)#(.{1,100})$/s;

/** The id that names a position: opaque to callers, and the same wherever it is made. It names no tenant. */
export const quarantineIdOf = ({ sentAt, messageId, index }: QuarantinePosition): string =>
  Buffer.from(`${sentAt}#${index ?? "whole"}#${messageId}`).toString("base64url");

/** The position that an id names; undefined where nothing can have this id. */
export const positionOfQuarantineId = (id: string): QuarantinePosition | undefined => {
  const match = ID_CONTENT.exec(Buffer.from(id, "base64url").toString());
  if (match === null) return undefined;
  const [, sentAt = "", index = "", messageId = ""] = match;
  const position = { sentAt: Number(sentAt), messageId, index: index === "whole" ? undefined : Number(index) };
  return quarantineIdOf(position) === id ? position : undefined;
};
