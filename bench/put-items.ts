import { BatchWriteCommand } from "@aws-sdk/lib-dynamodb";
import { tableOf } from "../shared/dynamodb/document-client.ts";
import type { MeteredService } from "./metered-service.ts";

const ITEMS_A_BATCH = 25;
const BATCHES_AT_A_TIME = 4;
/** Between one line of progress and the next (items). */
const PROGRESS = 5_000;

/** Puts items into the table past the meter. `tell` is told how many there are `for` what. */
export const putItems = async (
  service: MeteredService,
  items: Iterator<Record<string, unknown>>,
  of: { readonly for: string; readonly tell: (line: string) => void },
): Promise<void> => {
  const table = tableOf(service.aside, service.tableName);
  let seeded = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      const batch: Record<string, unknown>[] = [];
      for (let item = items.next(); !item.done; item = items.next()) {
        if (batch.push(item.value) === ITEMS_A_BATCH) break;
      }
      if (batch.length === 0) return;
      const requests = batch.map((Item) => ({ PutRequest: { Item } }));
      await table.client.send(new BatchWriteCommand({ RequestItems: { [table.name]: requests } }));
      const before = seeded;
      seeded += batch.length;
      if (Math.floor(seeded / PROGRESS) > Math.floor(before / PROGRESS))
        of.tell(`seeded ${seeded} items for ${of.for}`);
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_A_TIME }, work));
};
