import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from "@aws-sdk/client-eventbridge";
import { writeJson } from "../contract/json-text.ts";
import type { Clock } from "../ports/clock.ts";
import { PublishFault } from "../ports/publish-fault.ts";
import { type DomainEvent, EVENT_SOURCE, type Publisher } from "../ports/publisher.ts";

/** As many as one PutEvents takes. */
const MOST_ENTRIES = 10;

/** How long to wait before each further try of the entries that were not taken (milliseconds). */
const PAUSES_MS = [100, 400, 1600];

const entryOf = (busName: string, event: DomainEvent): PutEventsRequestEntry => ({
  EventBusName: busName,
  Source: EVENT_SOURCE,
  DetailType: event.type,
  Detail: writeJson(event.detail),
  ...(event.at === undefined ? {} : { Time: new Date(event.at) }),
});

/** An entry that was taken has an id. */
const isTaken = (result: PutEventsResultEntry | undefined): boolean => result?.EventId !== undefined;

/** What a round of requests left over, and why. */
interface Round {
  readonly left: readonly PutEventsRequestEntry[];
  readonly codes: ReadonlySet<string>;
}

/** One request after the other, so that events of one run set out in their order. */
const putAll = async (client: EventBridgeClient, entries: readonly PutEventsRequestEntry[]): Promise<Round> => {
  const left: PutEventsRequestEntry[] = [];
  const codes = new Set<string>();
  for (let from = 0; from < entries.length; from += MOST_ENTRIES) {
    const some = entries.slice(from, from + MOST_ENTRIES);
    const { Entries: results = [] } = await client.send(new PutEventsCommand({ Entries: some }));
    for (const [position, entry] of some.entries()) {
      if (isTaken(results[position])) continue;
      left.push(entry);
      codes.add(results[position]?.ErrorCode ?? "no answer");
    }
  }
  return { left, codes };
};

/**
 * Domain events on an EventBridge bus. Entries that the bus did not take are sent again, alone, three times at growing
 * distance; a request that fails as a whole has the SDK's own retries behind it and ends the call.
 */
export const eventBridgePublisher = (client: EventBridgeClient, busName: string, clock: Clock): Publisher => ({
  publish: async (events) => {
    const put = (entries: readonly PutEventsRequestEntry[]): Promise<Round> =>
      putAll(client, entries).catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.name : "unknown";
        throw new PublishFault(`EventBridge PutEvents failed: ${reason}`, { cause });
      });

    let round = await put(events.map((event) => entryOf(busName, event)));
    for (const pause of PAUSES_MS) {
      if (round.left.length === 0) return;
      await clock.sleep(pause);
      round = await put(round.left);
    }
    if (round.left.length === 0) return;
    const codes = [...round.codes].join(", ");
    throw new PublishFault(`EventBridge did not take ${round.left.length} of ${events.length} events: ${codes}`);
  },
});
