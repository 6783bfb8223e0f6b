/**
 * Repairs of single index rows through the DynamoDB API. dynalite rewrites an item's rows whenever it writes the item,
 * and removes the rows of the state before; a repair makes it do so. Each can be cut short at any point: a check that
 * follows finds what is left and finishes it.
 */
import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { TABLE } from "../shared/dynamodb/table.ts";

type Item = Record<string, AttributeValue>;

/** The table under repair. */
export interface Table {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

const INDEX_KEYS = [...new Set(TABLE.indexes.flatMap((index) => [index.partitionKey, index.sortKey]))];

/** On an item that stands under a stray row's keys for a moment: its own index keys, or that it does not exist. */
export const MOVED_FROM = "moved_from";
const THERE_WAS_NO_ITEM: AttributeValue = { NULL: true };

/** Writes the item as it is, and thereby every row of it. */
export async function rewriteRows(table: Table, item: Item): Promise<void> {
  await table.client.send(
    new UpdateItemCommand({
      TableName: table.tableName,
      Key: keyOf(item),
      ConditionExpression: "attribute_exists(#key)",
      ExpressionAttributeNames: { "#key": TABLE.partitionKey },
    }),
  );
}

/** Moves the item (or, where there is none, a new one) under the row's keys and back, so that dynalite removes the row. */
export async function removeStrayRow(table: Table, row: Item): Promise<void> {
  const { client, tableName } = table;
  const key = keyOf(row);
  const { Item: item } = await client.send(
    new GetItemCommand({ TableName: tableName, Key: key, ConsistentRead: true }),
  );
  const target = Object.fromEntries(INDEX_KEYS.map((name) => [name, row[name]]));
  const origin = item === undefined ? THERE_WAS_NO_ITEM : { M: indexKeysOf(item) };
  await setAttributes(table, key, { ...target, [MOVED_FROM]: origin });
  await moveBack(table, key, origin);
}

/** The item as it is when nothing is under way: back under its own keys, if a repair that was cut short has left it moved. */
export async function finishMove(table: Table, item: Item): Promise<Item | undefined> {
  const { [MOVED_FROM]: origin, ...rest } = item;
  if (origin === undefined) return item;
  await moveBack(table, keyOf(item), origin);
  if (origin.M === undefined) return undefined;
  const others = Object.entries(rest).filter(([name]) => !INDEX_KEYS.includes(name as (typeof INDEX_KEYS)[number]));
  return { ...Object.fromEntries(others), ...origin.M };
}

async function moveBack(table: Table, key: Item, origin: AttributeValue): Promise<void> {
  if (origin.M === undefined) {
    await table.client.send(new DeleteItemCommand({ TableName: table.tableName, Key: key }));
    return;
  }
  const own = origin.M;
  await setAttributes(table, key, {
    ...Object.fromEntries(INDEX_KEYS.map((name) => [name, own[name]])),
    [MOVED_FROM]: undefined,
  });
}

/** Sets the attributes that have a value and removes those that have none, in one write. */
async function setAttributes(table: Table, key: Item, attributes: Record<string, AttributeValue | undefined>) {
  const sets: string[] = [];
  const removes: string[] = [];
  const names: Record<string, string> = {};
  const values: Item = {};
  for (const [position, [name, value]] of Object.entries(attributes).entries()) {
    names[`#n${position}`] = name;
    if (value === undefined) removes.push(`#n${position}`);
    else {
      sets.push(`#n${position} = :v${position}`);
      values[`:v${position}`] = value;
    }
  }
  const clauses = [sets.length > 0 && `SET ${sets.join(", ")}`, removes.length > 0 && `REMOVE ${removes.join(", ")}`];
  await table.client.send(
    new UpdateItemCommand({
      TableName: table.tableName,
      Key: key,
      UpdateExpression: clauses.filter(Boolean).join(" "),
      ExpressionAttributeNames: names,
      ...(sets.length > 0 ? { ExpressionAttributeValues: values } : {}),
    }),
  );
}

const keyOf = (item: Item): Item =>
  Object.fromEntries([TABLE.partitionKey, TABLE.sortKey].map((name) => [name, item[name] as AttributeValue]));

const indexKeysOf = (item: Item): Item =>
  Object.fromEntries(INDEX_KEYS.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));
