/**
 * Index rows that belong to no state of their item, and how to put them right.
 *
 * dynalite writes a change as single puts: rows that go, rows that come, then the item. A kill between them leaves rows
 * of a state that never was, or takes rows away from one that is. (DynamoDB itself derives rows from the item, so this
 * is for dynalite only.) The item is the truth: a repair leaves every item as it was.
 */
import { type AttributeValue, type DynamoDBClient, ScanCommand, type ScanCommandInput } from "@aws-sdk/client-dynamodb";
import { TABLE } from "../shared/dynamodb/table.ts";
import { finishMove, MOVED_FROM, removeStrayRow, rewriteRows, type Table } from "./index-repair.ts";

type Item = Record<string, AttributeValue>;
type Index = (typeof TABLE.indexes)[number];

interface ExpectedRow {
  readonly itemKey: Item;
  readonly content: string;
}

/** The table must not be written by anybody else meanwhile. Resolves to the number of rows that were put right. */
export async function checkIndexes(client: DynamoDBClient, tableName: string): Promise<number> {
  const table = { client, tableName };

  // What is left here after every row has been seen is missing.
  const expected = await expectedRows(table);
  const strays: Item[] = [];
  const stale: Item[] = [];
  for (const index of TABLE.indexes) {
    for await (const row of scan(table, { IndexName: index.name })) {
      const key = rowKey(index, row);
      const shouldBe = expected.get(key);
      if (shouldBe === undefined) strays.push(pick(row, rowKeyAttributes(index)));
      else if (canonical(row) !== shouldBe.content) stale.push(shouldBe.itemKey);
      expected.delete(key);
    }
  }
  const missing = [...expected.values()].map((row) => row.itemKey);

  for (const row of strays) await removeStrayRow(table, row);
  for (const item of [...stale, ...missing]) await rewriteRows(table, item);
  return strays.length + stale.length + missing.length;
}

/** Every row that there should be, by its key. */
async function expectedRows(table: Table): Promise<Map<string, ExpectedRow>> {
  const shown = new Set([...tableKey, ...TABLE.indexes.flatMap(rowAttributes), MOVED_FROM]);
  const names = Object.fromEntries([...shown].map((name, position) => [`#a${position}`, name]));
  const onlyShown = { ProjectionExpression: Object.keys(names).join(", "), ExpressionAttributeNames: names };

  const expected = new Map<string, ExpectedRow>();
  for await (const found of scan(table, { ConsistentRead: true, ...onlyShown })) {
    const item = await finishMove(table, found);
    if (item === undefined) continue;
    for (const index of TABLE.indexes) {
      // Indexes are sparse: an item without one of the keys has no row there.
      if (rowKeyAttributes(index).some((name) => item[name] === undefined)) continue;
      const content = canonical(pick(item, rowAttributes(index)));
      expected.set(rowKey(index, item), { itemKey: pick(item, tableKey), content });
    }
  }
  return expected;
}

/** All of the table or an index, page by page. */
async function* scan(table: Table, input: Omit<ScanCommandInput, "TableName">): AsyncGenerator<Item, void> {
  let from: Item | undefined;
  do {
    const command = new ScanCommand({ ...input, TableName: table.tableName, ExclusiveStartKey: from });
    const page = await table.client.send(command);
    yield* page.Items ?? [];
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}

const tableKey: readonly string[] = [TABLE.partitionKey, TABLE.sortKey];

const rowKeyAttributes = (index: Index): string[] => [index.partitionKey, index.sortKey, ...tableKey];

const rowAttributes = (index: Index): string[] => [...rowKeyAttributes(index), ...index.projection];

const rowKey = (index: Index, row: Item): string =>
  JSON.stringify([index.name, ...rowKeyAttributes(index).map((name) => row[name]?.S)]);

const pick = (item: Item, names: readonly string[]): Item =>
  Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));

/** Equal for equal attributes, in whatever order they come. */
const canonical = (item: Item): string =>
  JSON.stringify(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)));
