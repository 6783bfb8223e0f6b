import { statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { DeleteItemCommand, ScanCommand, type ScanCommandInput } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { TABLE } from "../../shared/dynamodb/table.ts";
import type { ManualClock } from "./manual-clock.ts";
import type { Service } from "./service.ts";
import { objectsOf } from "./stored.ts";

const DAY_MS = 86_400_000;

/** Lets time pass for a service, and collects what AWS would: items by their expiry, objects by their lifetime. */
export interface Collector {
  /** Lets so many milliseconds pass. What was stored until then is as old. */
  pass(milliseconds: number): void;
  /** Deletes every item whose time is over, and every object whose age has passed what its key says. */
  collect(): Promise<void>;
  /** All items, as text, and the keys of all objects. */
  left(): Promise<{ items: string[]; objects: string[] }>;
}

type Item = Record<string, unknown>;

const itemsOf = async ({ dynamodb, tableName }: Service): Promise<Item[]> => {
  const items: Item[] = [];
  let start: ScanCommandInput["ExclusiveStartKey"];
  do {
    const command = new ScanCommand({ TableName: tableName, ConsistentRead: true, ExclusiveStartKey: start });
    const page = await dynamodb.send(command);
    items.push(...(page.Items ?? []).map((item) => unmarshall(item)));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return items;
};

/** The lifetime that an object's key says, in milliseconds; of those that are kept for ever none. */
const lifetimeOf = (key: string): number => Number(/^(\d+)d\//.exec(key)?.[1] ?? Number.POSITIVE_INFINITY) * DAY_MS;

/** Files know the time of this machine, not that of the clock: when each came to be is noted before time passes. */
export const collectorFor = (service: Service, clock: ManualClock): Collector => {
  const known = new Map<string, { readonly mtimeMs: number; readonly writtenAt: number }>();
  const note = (): void => {
    for (const key of objectsOf(service)) {
      const { mtimeMs } = statSync(join(service.objects, key));
      if (known.get(key)?.mtimeMs !== mtimeMs) known.set(key, { mtimeMs, writtenAt: clock.now() });
    }
  };
  return {
    pass: (milliseconds) => {
      note();
      clock.advance(milliseconds);
    },
    collect: async () => {
      note();
      for (const key of objectsOf(service)) {
        const age = clock.now() - (known.get(key)?.writtenAt ?? clock.now());
        if (age >= lifetimeOf(key)) unlinkSync(join(service.objects, key));
      }
      for (const item of await itemsOf(service)) {
        const expiry = item[TABLE.expiryAttribute];
        if (typeof expiry !== "number" || expiry * 1000 > clock.now()) continue;
        const Key = {
          [TABLE.partitionKey]: { S: String(item[TABLE.partitionKey]) },
          [TABLE.sortKey]: { S: String(item[TABLE.sortKey]) },
        };
        await service.dynamodb.send(new DeleteItemCommand({ TableName: service.tableName, Key }));
      }
    },
    left: async () => ({
      items: (await itemsOf(service)).map((item) => JSON.stringify(item)),
      objects: objectsOf(service),
    }),
  };
};
