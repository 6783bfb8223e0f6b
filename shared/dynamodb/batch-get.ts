import { BatchGetCommand } from "@aws-sdk/lib-dynamodb";
import { sending, type Table } from "./document-client.ts";
import type { ItemKey } from "./table.ts";

type Item = Record<string, unknown>;

/** As many as DynamoDB takes in one request. */
const MOST_KEYS = 100;

const nameOf = (of: Item): string => `${of["pk"]}\n${of["sk"]}`;

/** The items under these keys, each once, strongly consistent and in their order; keys without an item are left out. */
export const batchGet = async (table: Table, keys: readonly ItemKey[]): Promise<Item[]> => {
  const wanted = new Map<string, Item>(keys.map((key) => [nameOf({ ...key }), { ...key }]));
  const found = new Map<string, Item>();
  let left = [...wanted.values()];
  while (left.length > 0) {
    const RequestItems = { [table.name]: { Keys: left.slice(0, MOST_KEYS), ConsistentRead: true } };
    const answer = await sending("BatchGetItem", () => table.client.send(new BatchGetCommand({ RequestItems })));
    for (const item of answer.Responses?.[table.name] ?? []) found.set(nameOf(item), item);
    // An answer ends at 16 MB and where the table is short of capacity: what was left out is asked for again.
    left = [...(answer.UnprocessedKeys?.[table.name]?.Keys ?? []), ...left.slice(MOST_KEYS)];
  }
  return [...wanted.keys()].flatMap((name) => {
    const item = found.get(name);
    return item === undefined ? [] : [item];
  });
};
