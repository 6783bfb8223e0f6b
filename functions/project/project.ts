import type { DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import { statusEvent } from "../../shared/app/status-event.ts";
import { headerChangeFrom } from "../../shared/dynamodb/header-change.ts";
import { TABLE } from "../../shared/dynamodb/table.ts";
import type { Log } from "../../shared/lambda/log.ts";
import type { DomainEvent, Publisher } from "../../shared/ports/publisher.ts";

/** The function behind the table's stream. Throwing means that the batch comes again, whole or in halves. */
export type StreamHandler = (batch: DynamoDBStreamEvent) => Promise<void>;

/** What the function works on. */
export interface ProjectDependencies {
  readonly publisher: Publisher;
  readonly log: Log;
}

/** When the table took the change in: the same however often the record comes. Streams count whole seconds. */
const timeOf = (record: DynamoDBRecord): number | undefined => {
  const seconds = record.dynamodb?.ApproximateCreationDateTime;
  return typeof seconds === "number" ? seconds * 1000 : undefined;
};

const eventOf = (record: DynamoDBRecord): DomainEvent | undefined => {
  const change = headerChangeFrom(record.dynamodb ?? {});
  if (change === undefined || change.header.row.status === change.statusBefore) return undefined;
  return statusEvent(change.run, change.header, timeOf(record));
};

/** The key tells the run. The error is left out: it may quote the item. */
const logUnreadable = (log: Log, record: DynamoDBRecord, error: unknown): void =>
  log({
    level: "error",
    message: "header of the stream not readable",
    key: record.dynamodb?.Keys?.[TABLE.partitionKey]?.S,
    event_id: record.eventID,
    reason: error instanceof Error ? error.name : "unknown",
  });

/**
 * Publishes each change of a run's status, at least once: a repeated or late record gives the same event again, and
 * its `version` tells. Headers that cannot be read do not hold the others of their batch up: those are published, then
 * the function throws, and the event source mapping halves the batch until the bad record is alone.
 */
export const projectFunction =
  ({ publisher, log }: ProjectDependencies): StreamHandler =>
  async (batch) => {
    const events: DomainEvent[] = [];
    let unreadable = 0;
    for (const record of batch.Records) {
      try {
        const event = eventOf(record);
        if (event !== undefined) events.push(event);
      } catch (error) {
        unreadable += 1;
        logUnreadable(log, record, error);
      }
    }
    await publisher.publish(events);
    log({ level: "info", message: "batch", records: batch.Records.length, published: events.length, unreadable });
    if (unreadable > 0)
      throw new Error(`headers that are not readable: ${unreadable} of ${batch.Records.length} records`);
  };
