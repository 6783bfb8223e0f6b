import type { EventType } from "../../shared/contract/event-fields.ts";
import { type JsonOutput, JsonText, writeJson } from "../../shared/contract/json-text.ts";

/** When events of tests happen, unless they say otherwise. Manual clocks stand two hours later. */
export const AT = "2026-11-22T10:00:00.000Z";

/** A value given as its JSON text, which arrives as it is. */
export const json = (text: string): JsonText => new JsonText(text);

const REQUIRED: Readonly<Partial<Record<EventType, Readonly<Record<string, JsonOutput>>>>> = {
  "run.started": { app_id: "app-1" },
  "run.finished": { status: "succeeded" },
  "node.started": { node_execution_id: "node-1" },
  "node.checkpointed": { node_execution_id: "node-1" },
  "node.retried": { node_execution_id: "node-1", retry_index: 1 },
  "node.paused": { node_execution_id: "node-1" },
  "node.finished": { node_execution_id: "node-1", status: "succeeded" },
  "agent.logged": { node_execution_id: "node-1", log_id: "log-1" },
};

/**
 * The JSON text of an event with all that its type requires. `members` add to it and replace; undefined leaves out.
 * They come as entries where a name is one that an object literal cannot hold.
 */
export const eventText = (
  type: EventType,
  members: Readonly<Record<string, JsonOutput>> | readonly (readonly [string, JsonOutput])[] = {},
): string => {
  const given = Array.isArray(members) ? members : Object.entries(members);
  const standard = { type, run_id: "run-1", at: AT, ...REQUIRED[type] };
  return writeJson(new Map<string, JsonOutput>([...Object.entries(standard), ...given]));
};

/** The same event as the queue takes it: it names its tenant. */
export const ofTenant = (tenantId: string, event: string): string =>
  `{"tenant_id":${JSON.stringify(tenantId)},${event.slice(event.indexOf("{") + 1)}`;
