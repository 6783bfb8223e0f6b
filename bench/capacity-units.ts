/**
 * Request units as DynamoDB bills them.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
 */
import { isDeepStrictEqual } from "node:util";
import { type Item, itemBytes } from "./item-size.ts";

/** The keys of a table. */
export interface TableKeys {
  readonly partitionKey: string;
  readonly sortKey: string;
}

/** An index that holds keys and the attributes of its projection. */
export interface Index extends TableKeys {
  readonly name: string;
  readonly projection: readonly string[];
}

/** One write unit for each KiB begun, one at the least. */
export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1024));

/** One read unit for each 4 KiB begun, one at the least; half of it where the read is eventually consistent. */
export const readUnits = (bytes: number, isConsistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / 4096)) * (isConsistent ? 1 : 0.5);

const sizeOf = (item: Item | undefined): number => (item === undefined ? 0 : itemBytes(item));

/** The larger of an item before and after a write, in bytes: what the write is billed by, whether it takes effect or not. */
export const writtenBytes = (before: Item | undefined, after: Item | undefined): number =>
  Math.max(sizeOf(before), sizeOf(after));

/** What an index holds of an item: nothing where the item lacks one of the index's keys. */
export const indexEntryOf = (item: Item | undefined, index: Index, table: TableKeys): Item | undefined => {
  if (item?.[index.partitionKey] === undefined || item[index.sortKey] === undefined) return undefined;
  const names = [table.partitionKey, table.sortKey, index.partitionKey, index.sortKey, ...index.projection];
  return Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));
};

/**
 * What a write of an item costs in one index. Nothing where its entry stays as it is; one write where the entry comes,
 * goes, or changes under its key; two, a removal and a new entry, where its key changes.
 */
export const indexWriteUnits = (before: Item | undefined, after: Item | undefined, index: TableKeys): number => {
  if (isDeepStrictEqual(before, after)) return 0;
  if (before === undefined || after === undefined) return writeUnits(writtenBytes(before, after));
  const hasKey = (name: string): boolean => isDeepStrictEqual(before[name], after[name]);
  return hasKey(index.partitionKey) && hasKey(index.sortKey)
    ? writeUnits(writtenBytes(before, after))
    : writeUnits(itemBytes(before)) + writeUnits(itemBytes(after));
};
