import type { DynamoDBRecord } from "aws-lambda";
import { type Item, toStreamRecord } from "../../local/stream-record.ts";
import type { RunKey } from "../../shared/contract/identifiers.ts";
import { headerOf } from "../../shared/domain/header.ts";
import { headerItem, NEW_HEADER } from "../../shared/dynamodb/header-item.ts";
import { headerKey } from "../../shared/dynamodb/table.ts";
import { ledger, type Sent } from "./builders.ts";

let records = 0;

/** The header item that events fold to, at a revision. */
export const headerItemOf = (run: RunKey, rev: number, ...events: readonly Sent[]): Item =>
  headerItem(run, headerOf(ledger(...events)), { ...NEW_HEADER, rev });

/** A record of the table's stream: the header of a run before and after a change. */
export const headerRecord = (run: RunKey, before: Item | undefined, after: Item): DynamoDBRecord =>
  toStreamRecord(
    { key: { ...headerKey(run) }, before, after },
    { tableName: "runstone", region: "us-east-1", position: ++records },
  );

/** A record of the same kind for an item that is gone. */
export const removalRecord = (run: RunKey, before: Item): DynamoDBRecord => {
  const { dynamodb, ...record } = headerRecord(run, before, before);
  return { ...record, eventName: "REMOVE", dynamodb: { ...dynamodb, NewImage: undefined } };
};
