import type { DynamoDBRecord } from "aws-lambda";
import { type Item, toStreamRecord } from "../../local/stream-record.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import { headerItem, tombstoneItem } from "../../shared/dynamodb/header-item.ts";
import { headerKey } from "../../shared/dynamodb/table.ts";
import { type FoundHeader, isTombstone, type RunStore } from "../../shared/ports/run-store.ts";

/** A run store whose writes are told as the table's stream tells them. */
export interface RecordedHeaders {
  readonly runs: RunStore;
  /** The records of all writes since they were last taken, in order. */
  take(): DynamoDBRecord[];
}

const itemOf = (run: RunKey, found: FoundHeader): Item | undefined => {
  if (found === undefined) return undefined;
  return isTombstone(found)
    ? tombstoneItem(run, { ...found, expiresAt: 4_000_000_000 })
    : headerItem(run, found, found);
};

/** Records what changes in `runs`. Writes of one run must not overlap. */
export const recordedHeaders = (runs: RunStore): RecordedHeaders => {
  let records: DynamoDBRecord[] = [];
  let position = 0;
  const writing = async (run: RunKey, write: () => Promise<boolean>): Promise<boolean> => {
    const before = itemOf(run, await runs.find(run));
    const isWritten = await write();
    const after = isWritten ? itemOf(run, await runs.find(run)) : undefined;
    if (after !== undefined) {
      const images = { key: { ...headerKey(run) }, before, after };
      records.push(toStreamRecord(images, { tableName: "runstone", region: "us-east-1", position: ++position }));
    }
    return isWritten;
  };
  return {
    runs: {
      ...runs,
      create: (run, header) => writing(run, () => runs.create(run, header)),
      finish: (run, finish, now) => writing(run, () => runs.finish(run, finish, now)),
      replace: (run, header, present) => writing(run, () => runs.replace(run, header, present)),
      touch: (run) => writing(run, () => runs.touch(run)),
      bury: (run, of) => writing(run, () => runs.bury(run, of)),
    },
    take: () => {
      const taken = records;
      records = [];
      return taken;
    },
  };
};
