import { createHash } from "node:crypto";
import { canonicalJson } from "../contract/canonical-json.ts";
import type { ProducedEvent } from "../contract/event.ts";
import { exactInstant } from "../contract/instant.ts";
import { JsonText } from "../contract/json-text.ts";
import type { IdentifiedEvent } from "./ledger.ts";

const isBeyondDouble = (value: unknown): boolean => {
  if (typeof value === "number") return !Number.isFinite(value);
  if (typeof value !== "object" || value === null) return false;
  return (Array.isArray(value) ? value : Object.values(value)).some(isBeyondDouble);
};

type SourceReviver = (this: unknown, key: string, value: unknown, context: { source: string }) => unknown;

const keepDigits: SourceReviver = (_key, value, context) =>
  typeof value === "number" && !Number.isFinite(value) ? new JsonText(context.source) : value;

/**
 * The first 16 bytes of a SHA-256, in hex.
 */
export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/**
 * Gives an event its identity: the digest of its canonical JSON, `at` in UTC, `epoch` filled in, without `id` and
 * `tenant_id` (contract, section 1).
 */
export const identify = (
  event: ProducedEvent,
  json: { readonly text: string; readonly value: Readonly<Record<string, unknown>> },
): IdentifiedEvent => {
  const value = isBeyondDouble(json.value)
    ? (JSON.parse(json.text, keepDigits as Parameters<typeof JSON.parse>[1]) as Record<string, unknown>)
    : json.value;
  const { id: _id, tenant_id: _tenant, ...members } = value;
  const canonical = canonicalJson({ ...members, at: exactInstant(event.at), epoch: event.epoch });
  return { ...event, digest: digestOf(canonical) };
};
