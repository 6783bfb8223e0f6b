import type { DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import { changeFollower, type FollowStores, type Unfollowed } from "../../shared/app/follow/follow-changes.ts";
import { statusEvent } from "../../shared/app/follow/status-event.ts";
import { type HeaderChange, headerChangeFrom } from "../../shared/dynamodb/header-change.ts";
import { runPartition, TABLE } from "../../shared/dynamodb/table.ts";
import type { Log } from "../../shared/lambda/log.ts";
import type { DomainEvent, Publisher } from "../../shared/ports/publisher.ts";

/** The function behind the table's stream. Throwing means that the batch comes again, whole or in halves. */
export type StreamHandler = (batch: DynamoDBStreamEvent) => Promise<void>;

/** What the function works on. */
export interface ProjectDependencies extends FollowStores {
  readonly publisher: Publisher;
  readonly log: Log;
}

/** When the table took the change in: the same however often the record comes. Streams count whole seconds. */
const timeOf = (record: DynamoDBRecord): number | undefined => {
  const seconds = record.dynamodb?.ApproximateCreationDateTime;
  return typeof seconds === "number" ? seconds * 1000 : undefined;
};

/** A change and its record's time. */
interface TimedChange {
  readonly change: HeaderChange;
  readonly at: number | undefined;
}

const eventsOf = ({ change, at }: TimedChange): DomainEvent[] =>
  change.header.row.status === change.before?.row.status ? [] : [statusEvent(change.run, change.header, at)];

/** The key tells the run. The error is left out: it may quote the item. */
const logUnreadable = (log: Log, record: DynamoDBRecord, error: unknown): void =>
  log({
    level: "error",
    message: "header of the stream not readable",
    key: record.dynamodb?.Keys?.[TABLE.partitionKey]?.S,
    event_id: record.eventID,
    reason: error instanceof Error ? error.name : "unknown",
  });

const logUnfollowed = (log: Log, { run, error }: Unfollowed): void =>
  log({
    level: "error",
    message: "statistics and failures of a run not up to date",
    key: runPartition(run),
    reason: error instanceof Error ? error.name : "unknown",
  });

/**
 * Publishes each change of a run's status, at least once: a repeated or late record gives the same event again, and
 * its `version` tells. Then counts runs that have ended in the statistics of their apps, and lists what failed in them:
 * exactly once, however the records come. What cannot be read or followed does not hold the others of its batch up:
 * when those are done the function throws, and the event source mapping halves the batch until the bad record is alone.
 */
export const projectFunction = ({ publisher, log, ...stores }: ProjectDependencies): StreamHandler => {
  const follow = changeFollower(stores);
  return async (batch) => {
    const changes: TimedChange[] = [];
    let unreadable = 0;
    for (const record of batch.Records) {
      try {
        const change = headerChangeFrom(record.dynamodb ?? {});
        if (change !== undefined) changes.push({ change, at: timeOf(record) });
      } catch (error) {
        unreadable += 1;
        logUnreadable(log, record, error);
      }
    }
    const events = changes.flatMap(eventsOf);
    await publisher.publish(events);
    const unfollowed = await follow(changes.map(({ change }) => change));
    for (const one of unfollowed) logUnfollowed(log, one);
    const records = batch.Records.length;
    log({
      level: "info",
      message: "batch",
      records,
      published: events.length,
      unreadable,
      unfollowed: unfollowed.length,
    });
    if (unreadable > 0) throw new Error(`headers that are not readable: ${unreadable} of ${records} records`);
    if (unfollowed.length > 0)
      throw new Error(`runs that could not be followed: ${unfollowed.length}, of ${records} records`);
  };
};
