import { type ProjectDependencies, projectFunction } from "../functions/project/project.ts";
import { readFailedBatch } from "../shared/lambda/failed-batch.ts";
import type { Log } from "../shared/lambda/log.ts";
import { PublishFault } from "../shared/ports/publish-fault.ts";
import type { Publisher } from "../shared/ports/publisher.ts";
import { CommandFailure } from "./command-failure.ts";
import { failureLine } from "./failure-line.ts";
import type { FailuresBucket } from "./failures-bucket.ts";

/** What a replay works on. */
export interface ReplayTools {
  readonly bucket: FailuresBucket;
  readonly publisher: Publisher;
  /** What follows from the changes of a batch beside its domain events is brought up to date there. */
  readonly stores: Omit<ProjectDependencies, "publisher" | "log">;
  /** Takes a line of progress. */
  print(line: string): void;
}

/** How many batches were published and removed, and how many are kept because they cannot be read. */
export interface ReplayCount {
  published: number;
  kept: number;
}

const becauseOf = (error: PublishFault): string => failureLine(error.cause) ?? error.message;

/** Only what is wrong, and by key: lines of the function hold nothing of what is stored. */
const logTo =
  (print: (line: string) => void): Log =>
  ({ level, message, ...named }) => {
    if (level !== "info") print(`        ${message}: ${named["key"]}`);
  };

/**
 * Follows batches again, one after the other, and removes each whose events were published. One that cannot be read, or holds a
 * header that cannot, is kept. Throws CommandFailure where the bus does not take events: that batch and those after it
 * stay, and the same command goes on from there.
 */
export const replayFailures = async (
  { bucket, publisher, stores, print }: ReplayTools,
  keys: AsyncIterable<string> | Iterable<string>,
): Promise<ReplayCount> => {
  const project = projectFunction({ ...stores, publisher, log: logTo(print) });
  const count: ReplayCount = { published: 0, kept: 0 };

  const keep = (key: string, reason: string): void => {
    count.kept += 1;
    print(`kept       ${key}: ${reason}`);
  };

  for await (const key of keys) {
    const text = await bucket.read(key);
    if (text === undefined) throw new CommandFailure(`there is no object ${key} in the failures bucket`);
    const reading = readFailedBatch(text);
    if (!reading.ok) {
      keep(key, reading.reason);
      continue;
    }
    try {
      await project(reading.event);
    } catch (error) {
      if (error instanceof PublishFault) {
        throw new CommandFailure(`${key} and what follows could not be published: ${becauseOf(error)}`);
      }
      keep(key, error instanceof Error ? error.message : "unknown");
      continue;
    }
    await bucket.remove(key);
    count.published += 1;
    print(`published  ${key} (records: ${reading.event.Records.length})`);
  }
  return count;
};
