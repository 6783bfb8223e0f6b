import { createHash } from "node:crypto";
import { canonicalJson } from "../../contract/canonical-json.ts";
import type { ProducedEvent } from "../../contract/event.ts";
import { exactInstant } from "../../contract/instant.ts";
import { membersOf } from "../../contract/json-text.ts";
import type { IdentifiedEvent } from "./ledger.ts";

/** The first 16 bytes of a SHA-256, in hex. */
export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** Members that do not tell one event from another, or are written in one form. */
const REWRITTEN: ReadonlySet<string> = new Set(["id", "tenant_id", "at", "epoch"]);

/**
 * Gives an event its identity: the digest of its canonical JSON, `at` in UTC, `epoch` filled in, without `id` and
 * `tenant_id` (contract, section 1). `text` is the event's JSON.
 */
export const identify = (event: ProducedEvent, text: string): IdentifiedEvent => {
  const kept = membersOf(text)
    .members.filter(([name]) => !REWRITTEN.has(name))
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  const members = [...kept, `"at":"${exactInstant(event.at)}"`, `"epoch":${event.epoch}`];
  return { ...event, digest: digestOf(canonicalJson(`{${members.join(",")}}`)) };
};
