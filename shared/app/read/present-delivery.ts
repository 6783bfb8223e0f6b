import { ERROR_HEAD } from "../../contract/event.ts";
import { instantOf, showInstant } from "../../contract/instant.ts";
import type { JsonOutput } from "../../contract/json-text.ts";
import { fieldMarkedBy, redactedAmong } from "../../contract/redaction.ts";
import type { MemberPayload } from "../../domain/fold/member.ts";
import type { Delivery } from "./follow-ledger.ts";
import { addPayload, type Members, type PayloadView, setRedacted, shownField } from "./present-payload.ts";

/** What the service says of a delivery. A sent field of the same name is shown under `sent`. */
const SAID_BY_SERVICE = ["digest", "received_at", "actor", "source", "redacted", "sent"] as const;

/** One delivery as `GET /v1/runs/{run_id}/events` lists it: the event as sent, and how it came. */
export const presentDelivery = (
  { event, entry }: Delivery,
  payload: readonly MemberPayload[],
  view: PayloadView,
): Members => {
  const members: Members = new Map<string, JsonOutput>([
    ["type", event.type],
    ["id", event.id ?? event.digest],
    ["run_id", event.runId],
    ["at", showInstant(event.at)],
    ["epoch", event.epoch],
    ["app_id", event.appId ?? null],
  ]);
  for (const [name, value] of event.fields) {
    if (name !== ERROR_HEAD && fieldMarkedBy(name) === undefined) members.set(name, shownField(value));
  }
  addPayload(members, payload, { view, known: [] });
  const sent = new Map(SAID_BY_SERVICE.filter((name) => members.has(name)).map((name) => [name, members.get(name)]));
  members.set("digest", event.digest);
  members.set("received_at", showInstant(instantOf(entry.receivedAt)));
  members.set("actor", entry.actor);
  members.set("source", entry.source);
  setRedacted(members, redactedAmong(event.fields));
  members.delete("sent");
  if (sent.size > 0) members.set("sent", sent);
  return members;
};
