import { quarantineIdOf } from "../shared/domain/quarantine.ts";
import type { QuarantinedMessage } from "../shared/ports/quarantine-store.ts";
import { textTable } from "./text-table.ts";

/** A refused message for machines, without its body. */
export const quarantinedJson = (message: QuarantinedMessage) => ({
  id: quarantineIdOf(message),
  tenant_id: message.tenantId ?? null,
  message_id: message.messageId,
  index: message.index ?? null,
  sent_at: new Date(message.sentAt).toISOString(),
  expires_at: new Date(message.expiresAt * 1000).toISOString(),
  run_id: message.runId ?? null,
  code: message.code,
  errors: message.errors,
});

const LONGEST_REASON = 60;
/** Names in a reason are a producer's: a terminal must not take them for commands. */
const CONTROL = /\p{Cc}/gu;

const reasonOf = ({ errors }: QuarantinedMessage): string => {
  const [first] = errors;
  if (first === undefined) return "-";
  const reason = (first.path === "" ? first.message : `${first.path}: ${first.message}`).replace(CONTROL, "?");
  const shown = reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON - 1)}…` : reason;
  return errors.length > 1 ? `${shown} (and ${errors.length - 1} more)` : shown;
};

/** Refused messages for people, a line each; times are UTC. */
export const quarantineTable = (messages: readonly QuarantinedMessage[]): string =>
  textTable(
    ["ID", "SENT", "RUN", "CODE", "REASON"],
    messages.map((message) => [
      quarantineIdOf(message),
      new Date(message.sentAt).toISOString(),
      message.runId?.replace(CONTROL, "?") ?? "-",
      message.code,
      reasonOf(message),
    ]),
  );
