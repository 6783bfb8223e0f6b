import type { JsonOutput } from "../contract/json-text.ts";

/** Who publishes: the `source` of every domain event. */
export const EVENT_SOURCE = "runstone";

/** Something that happened to a run, told to whoever listens. */
export interface DomainEvent {
  /** What happened, such as `run.succeeded`: what listeners choose by. */
  readonly type: string;
  /** When the ledger took it in (milliseconds since 1970); undefined: the moment it is published. */
  readonly at: number | undefined;
  /** A JSON object of less than 200 KB. */
  readonly detail: JsonOutput;
}

/**
 * Tells domain events to listeners: at least once, in no order that they could rely on. When `publish` resolves, every
 * event is durable on the other side. When it throws a PublishFault, some may be published and some not; calling again
 * with all of them is safe, because what an event holds tells a listener whether it is news.
 */
export interface Publisher {
  publish(events: readonly DomainEvent[]): Promise<void>;
}
