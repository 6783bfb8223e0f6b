import { EVENT_FIELDS, type EventType } from "../../contract/event-fields.ts";
import { REDACTABLE_INSIDE, REDACTABLE_TEXTS } from "../../contract/redaction-path.ts";

/**
 * What redaction may do to a field of an event. `fixed`: nothing. `word`: what detectors find. `text`: anything.
 * `inside`: anything but replace it whole. `payload`: anything, and of some apps only its size and digest are kept.
 */
export type Treatment = "fixed" | "word" | "text" | "inside" | "payload";

const ENVELOPE: ReadonlySet<string> = new Set(["type", "run_id", "at", "id", "app_id", "epoch", "tenant_id"]);

/** Short texts that lists and traces go by. */
const WORDS: ReadonlySet<string> = new Set([
  "status",
  "node_type",
  "workflow_type",
  "workflow_version",
  "triggered_from",
  "source_handle",
]);

/** What ids, times and numbers look like. */
const FIXED_FORM = /^(?:true|false|-?\d[\d.eE+-]*|"[A-Za-z0-9._:+-]{1,128}")$/;

/** What a claim says for all to see: who holds the run, how long, and why. */
const CLAIM_FIELDS = { holder: undefined, lease_seconds: undefined, reason: undefined };
const HOLDER = "holder";

/** The fields that events of this type know; of a type that nobody knows, none. */
const fieldsOf = (type: string | undefined): object => {
  if (type === "run.claimed") return CLAIM_FIELDS;
  return type !== undefined && Object.hasOwn(EVENT_FIELDS, type) ? EVENT_FIELDS[type as EventType] : {};
};

/**
 * How a field is treated, by the event's type and the JSON of its value, a string of it without needless escapes. What
 * stands in the place of an id or a number and is none is payload: that event is refused, and nothing relies on it.
 */
export const treatmentOf = (type: string | undefined, name: string, value: string): Treatment => {
  if (!Object.hasOwn(fieldsOf(type), name) && !ENVELOPE.has(name)) return "payload";
  const isString = value.startsWith('"');
  const isObject = value.startsWith("{");
  if (REDACTABLE_TEXTS.has(name) || name === HOLDER)
    return isString || (isObject && name === "error") ? "text" : "payload";
  if (REDACTABLE_INSIDE.has(name)) return isObject || value.startsWith("[") ? "inside" : "payload";
  if (WORDS.has(name) && isString) return "word";
  return FIXED_FORM.test(value) ? "fixed" : "payload";
};
