import * as v from "valibot";
import {
  type EventReading,
  type FieldValue,
  type InputError,
  type ProducedEvent,
  readEvent,
} from "../../contract/event.ts";
import { Id, type TenantId } from "../../contract/identifiers.ts";
import { afterSpace, membersOf } from "../../contract/json-text.ts";
import { MARKED, type Redaction, redactionMark } from "../../contract/redaction.ts";
import { identify } from "../../domain/fold/identity.ts";
import type { IdentifiedEvent } from "../../domain/fold/ledger.ts";
import { keyedDigest } from "../../domain/redaction/payload-digest.ts";
import { REDACTED_JSON } from "../../domain/redaction/redact-value.ts";
import type { FailedEvent, ReceivedEvent } from "../record/received-event.ts";
import type { AppRedactor } from "./tenant-redactors.ts";

/** An event in which nothing is left that must not be kept: to be recorded, queued, or kept with its reasons. */
export interface RedactedEvent {
  readonly tenantId: TenantId;
  /** Its JSON, as it may be kept. */
  readonly text: string;
  /** Undefined where it is as it came. */
  readonly redaction: Redaction | undefined;
  readonly reading: { readonly status: "read"; readonly event: IdentifiedEvent } | FailedEvent;
}

type Refused = EventReading & { readonly ok: false };
type Kept = Pick<RedactedEvent, "text" | "redaction">;

/** Whether a text that is JSON holds an object. */
export const isObjectText = (text: string): boolean => text.charAt(afterSpace(text, 0)) === "{";

/** Reads a text that is known to hold an object, whatever the time. */
const readObject = (text: string): EventReading => {
  const isFromQueue = membersOf(text).members.some(([name]) => name === "tenant_id");
  return readEvent({ text, value: {} }, { now: Number.POSITIVE_INFINITY, isFromQueue });
};

/**
 * What may be kept of an event. Its identity is that of what came, and the same whatever its app turns out to be: `digest`
 * makes it anew of a text of which nothing is missing; of one that was redacted before it cannot be, and is keyed already.
 */
export const keptOf = (
  { text, redaction: before }: Pick<ReceivedEvent, "text" | "redaction">,
  of: { readonly redactor: AppRedactor | undefined; digest(): string },
): Kept => {
  const { redactor } = of;
  if (redactor === undefined) return { text, redaction: before };
  const { text: left, fields: touched, isAnyones } = redactor.event(text);
  if (!isAnyones) return { text, redaction: before };
  const fields = new Set([...(before?.fields ?? []), ...touched]);
  const isWhole = before === undefined || before.fields.length === 0;
  const digest = isWhole ? keyedDigest(of.digest(), redactor.secret) : before.digest;
  return { text: left, redaction: { digest, fields: [...fields] } };
};

/** Small fields that say of others that they are not as they came. */
export const marksOf = (fields: readonly string[]): [string, typeof MARKED][] =>
  fields.map((name) => [redactionMark(name), MARKED]);

const marked = (event: ProducedEvent, { digest, fields }: Redaction): IdentifiedEvent => ({
  ...event,
  fields: new Map<string, FieldValue>([...event.fields, ...marksOf(fields)]),
  digest,
});

const redactRead = (
  received: ReceivedEvent,
  event: ProducedEvent,
  redactor: AppRedactor | undefined,
): RedactedEvent => {
  const kept = keptOf(received, { redactor, digest: () => identify(event, received.text).digest });
  const again = kept.text === received.text ? ({ ok: true, event } as const) : readObject(kept.text);
  if (!again.ok) throw new Error(`expected an event after redaction, came ${again.code}`);
  const { redaction } = kept;
  const identified = redaction === undefined ? identify(event, received.text) : marked(again.event, redaction);
  return { tenantId: received.tenantId, ...kept, reading: { status: "read", event: identified } };
};

/** What may be kept of an event that is refused. One that is only early has an identity already. */
const keptOfRefused = (received: ReceivedEvent, { code }: Refused, redactor: AppRedactor): Kept => {
  const { text } = received;
  if (code === "NOT_JSON" || code === "EVENT_TOO_LARGE" || !isObjectText(text)) {
    return { text: REDACTED_JSON, redaction: undefined };
  }
  const reading = readObject(text);
  if (reading.ok) return keptOf(received, { redactor, digest: () => identify(reading.event, text).digest });
  return { text: redactor.event(text).text, redaction: received.redaction };
};

/** What stands in the place of an id may be anything. */
const idOrNone = (text: string | undefined): string | undefined => (v.is(Id, text) ? text : undefined);

const redactRefused = (received: ReceivedEvent, reading: Refused, redactor: AppRedactor | undefined): RedactedEvent => {
  const { tenantId, text, redaction } = received;
  const { id, runId, code, errors } = reading;
  if (redactor === undefined) {
    return { tenantId, text, redaction, reading: { status: "rejected", id, runId, code, errors } };
  }
  const inWords = ({ path, message }: InputError): InputError => ({
    path: redactor.words(path),
    message: redactor.words(message),
  });
  const rejected = { status: "rejected", id: idOrNone(id), runId: idOrNone(runId), code } as const;
  return {
    tenantId,
    ...keptOfRefused(received, reading, redactor),
    reading: { ...rejected, errors: errors.map(inWords) },
  };
};

/** Redacts one event by the rules of its app; undefined where its tenant has none. */
export const redactEvent = (received: ReceivedEvent, redactor: AppRedactor | undefined): RedactedEvent =>
  received.reading.ok
    ? redactRead(received, received.reading.event, redactor)
    : redactRefused(received, received.reading, redactor);
