import {
  ConditionalCheckFailedException,
  type DeleteItemCommandInput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { type IndexName, TABLE } from "../shared/dynamodb/table.ts";
import type { BlobStore } from "../shared/ports/blob-store.ts";
import { indexEntryOf, indexWriteUnits, readUnits, writeUnits, writtenBytes } from "./capacity-units.ts";
import { type Item, itemBytes } from "./item-size.ts";

/** What is billed apart: the table, each index, the objects. */
export type Place = "table" | IndexName | "objects";

/** One line of the bill. */
export interface Charge {
  readonly kind: "write" | "read";
  readonly place: Place;
  /** The sort key of an item, the partition of a query, or an object's key. */
  readonly of: string;
  readonly bytes: number;
  /** Write units, read units, or requests of the object store. */
  readonly units: number;
}

/** Writes down what AWS would bill. */
export interface CostMeter {
  /** Counts every command that the client sends from now on, once, whatever the SDK's retries. */
  attachTo(client: DynamoDBClient): void;
  /** The same objects, counted. Removals are free. */
  countObjects(blobs: BlobStore): BlobStore;
  /** All charges since the last call. */
  take(): readonly Charge[];
}

type Write =
  | { readonly name: "PutItemCommand"; readonly input: PutItemCommandInput }
  | { readonly name: "UpdateItemCommand"; readonly input: UpdateItemCommandInput }
  | { readonly name: "DeleteItemCommand"; readonly input: DeleteItemCommandInput };

const FREE_COMMANDS: ReadonlySet<string> = new Set([
  "CreateTableCommand",
  "DescribeTableCommand",
  "DeleteTableCommand",
]);

const keyOf = (write: Write): Item => {
  const { [TABLE.partitionKey]: partition, [TABLE.sortKey]: sort } =
    write.name === "PutItemCommand" ? (write.input.Item ?? {}) : (write.input.Key ?? {});
  if (partition === undefined || sort === undefined) throw new TypeError(`expected a key in ${write.name}`);
  return { [TABLE.partitionKey]: partition, [TABLE.sortKey]: sort };
};

/** The same query without its projection, and without the names that only that uses. */
const wholeItems = ({ ProjectionExpression: projection, ...input }: QueryCommandInput): QueryCommandInput => {
  if (projection === undefined) return input;
  const names = Object.entries(input.ExpressionAttributeNames ?? {}).filter(([name]) =>
    input.KeyConditionExpression?.includes(name),
  );
  const { ExpressionAttributeNames: _, ...whole } = input;
  return names.length === 0 ? whole : { ...whole, ExpressionAttributeNames: Object.fromEntries(names) };
};

/** A queue of one: what is read beside a write must not see another write. */
const oneAtATime = (): (<T>(work: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const current = last.then(work);
    last = current.catch(() => undefined);
    return current;
  };
};

/**
 * A meter for commands on the project's table. It computes units from the items themselves, because no emulator bills
 * indexes: through `aside`, a client that is not counted, it looks at an item before and after each write, and at what
 * a read answers. A command that it does not know throws.
 */
export const costMeter = (aside: DynamoDBClient): CostMeter => {
  let charges: Charge[] = [];
  const exclusively = oneAtATime();

  const readAside = async (tableName: string | undefined, key: Item): Promise<Item | undefined> => {
    const command = new GetItemCommand({ TableName: tableName, Key: { ...key }, ConsistentRead: true });
    return (await aside.send(command)).Item;
  };

  const chargeWrite = (key: Item, before: Item | undefined, after: Item | undefined): void => {
    const of = key[TABLE.sortKey]?.S ?? "";
    const bytes = writtenBytes(before, after);
    charges.push({ kind: "write", place: "table", of, bytes, units: writeUnits(bytes) });
    for (const index of TABLE.indexes) {
      const [old, present] = [before, after].map((item) => indexEntryOf(item, index, TABLE));
      const units = indexWriteUnits(old, present, index);
      if (units > 0) charges.push({ kind: "write", place: index.name, of, bytes: writtenBytes(old, present), units });
    }
  };

  /**
   * A write whose condition fails costs what it would have cost, indexes excepted. An update is then counted by the
   * item that is there: what it would have become is not known here.
   */
  const chargeFailedWrite = (write: Write, before: Item | undefined): void => {
    const bytes = writtenBytes(before, write.name === "PutItemCommand" ? write.input.Item : undefined);
    const of = keyOf(write)[TABLE.sortKey]?.S ?? "";
    charges.push({ kind: "write", place: "table", of, bytes, units: writeUnits(bytes) });
  };

  const countWrite = <T>(write: Write, send: () => Promise<T>): Promise<T> =>
    exclusively(async () => {
      const key = keyOf(write);
      const before = await readAside(write.input.TableName, key);
      try {
        const result = await send();
        chargeWrite(key, before, await readAside(write.input.TableName, key));
        return result;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) chargeFailedWrite(write, before);
        throw error;
      }
    });

  const countGet = async (input: GetItemCommandInput): Promise<void> => {
    if (input.ProjectionExpression !== undefined) throw new Error("the meter does not count a GetItem of a part");
    const { Item: item } = await aside.send(new GetItemCommand(input));
    const bytes = item === undefined ? 0 : itemBytes(item);
    const units = readUnits(bytes, input.ConsistentRead === true);
    charges.push({ kind: "read", place: "table", of: input.Key?.[TABLE.sortKey]?.S ?? "", bytes, units });
  };

  /** A page of a query: sizes are added up, then rounded. What a projection leaves out was read all the same. */
  const countQuery = async (input: QueryCommandInput): Promise<void> => {
    if (input.FilterExpression !== undefined || input.Select !== undefined) {
      throw new Error("the meter does not count a query that answers fewer items than it reads");
    }
    const { Items: found = [] } = await aside.send(new QueryCommand(wholeItems(input)));
    const index = TABLE.indexes.find(({ name }) => name === input.IndexName);
    const items = index === undefined ? found : found.map((item) => indexEntryOf(item, index, TABLE) ?? {});
    const bytes = items.reduce((sum, item) => sum + itemBytes(item), 0);
    const units = readUnits(bytes, input.ConsistentRead === true);
    charges.push({ kind: "read", place: index?.name ?? "table", of: `${items.length} items`, bytes, units });
  };

  return {
    attachTo: (client) => {
      // After serialization, where items are attribute values already; before the retries, which are not counted.
      client.middlewareStack.add(
        (next, context) => async (args) => {
          const name = context.commandName ?? "";
          if (name === "PutItemCommand" || name === "UpdateItemCommand" || name === "DeleteItemCommand") {
            return countWrite({ name, input: args.input } as Write, () => next(args));
          }
          if (name === "GetItemCommand") await countGet(args.input as GetItemCommandInput);
          else if (name === "QueryCommand") await countQuery(args.input as QueryCommandInput);
          else if (!FREE_COMMANDS.has(name)) throw new Error(`the meter does not count ${name}`);
          return next(args);
        },
        { step: "build", name: "costMeter" },
      );
    },

    countObjects: (blobs) => {
      const charge = (kind: Charge["kind"], of: string, bytes: number): void => {
        charges.push({ kind, place: "objects", of, bytes, units: 1 });
      };
      return {
        put: async (key, bytes) => {
          charge("write", key, bytes.length);
          await blobs.put(key, bytes);
        },
        get: async (key) => {
          const bytes = await blobs.get(key);
          charge("read", key, bytes?.length ?? 0);
          return bytes;
        },
        sizeOf: async (key) => {
          const size = await blobs.sizeOf(key);
          charge("read", key, 0);
          return size;
        },
        copy: async (from, to) => {
          const isCopied = await blobs.copy(from, to);
          charge("write", to, 0);
          return isCopied;
        },
        list: (prefix) => blobs.list(prefix),
        remove: (key) => blobs.remove(key),
      };
    },

    take: () => {
      const taken = charges;
      charges = [];
      return taken;
    },
  };
};
