import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { writeJson } from "../contract/json-text.ts";
import { PublishFault } from "../ports/publish-fault.ts";
import { type DomainEvent, EVENT_SOURCE, type Publisher } from "../ports/publisher.ts";

/** EventBridge tells the time to the second. */
const showTime = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** An event as EventBridge hands it to a rule's target. */
const lineOf = (event: DomainEvent, region: string): string =>
  `${writeJson({
    version: "0",
    id: randomUUID(),
    "detail-type": event.type,
    source: EVENT_SOURCE,
    account: "000000000000",
    time: showTime(event.at ?? Date.now()),
    region,
    resources: [],
    detail: event.detail,
  })}\n`;

/**
 * Domain events as lines at the end of a file, for the embedded stack. The file is opened anew each time: it may be
 * moved away or removed at any moment.
 */
export const filePublisher = (file: string, region: string): Publisher => ({
  publish: async (events) => {
    if (events.length === 0) return;
    try {
      await appendFile(file, events.map((event) => lineOf(event, region)).join(""));
    } catch (cause) {
      const { code } = cause as { readonly code?: unknown };
      throw new PublishFault(`appending to the file of domain events failed: ${String(code)}`, { cause });
    }
  },
});
