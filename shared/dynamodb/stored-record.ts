import { BatchWriteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { RunKey } from "../contract/identifiers.ts";
import { NEVER, objectLifetimes } from "../domain/retention.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { RemovedRecord } from "../ports/ledger-store.ts";
import { StoreFault } from "../ports/store-fault.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import {
  allRunObjectsPrefixes,
  HELD,
  ownGraphKey,
  runObjectsPrefix,
  storedLifetime,
  uploadCopiedIn,
  uploadObjectKey,
} from "./object-keys.ts";
import { HEADER_SORT_KEY, kindOf, runPartition } from "./table.ts";

/** Items that one request can delete. */
const MOST_DELETED = 25;
const MOST_TRIES = 8;

/** Only what is still there: an item that was collected meanwhile does not come back as a shell. */
const IS_THERE = "attribute_exists(pk)";

interface Place {
  readonly table: Table;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}

/** Keys of all items of a run but its header, with what entries hold of events. */
async function* itemsOf({ table }: Place, run: RunKey) {
  const items = query(table, {
    KeyConditionExpression: "pk = :pk",
    ProjectionExpression: "sk, n, days, expires_at, #object",
    ExpressionAttributeNames: { "#object": "object" },
    ExpressionAttributeValues: { ":pk": runPartition(run) },
  });
  for await (const item of items) {
    if (item["sk"] !== HEADER_SORT_KEY) yield item as { sk: string; n?: number; days?: number; expires_at?: number };
  }
}

/** Deletes items of a run, 25 at the most. */
const deleteBatch = async (
  { table, clock }: Pick<Place, "table" | "clock">,
  run: RunKey,
  sortKeys: readonly string[],
): Promise<void> => {
  let left = sortKeys.map((sk) => ({ DeleteRequest: { Key: { pk: runPartition(run), sk } } }));
  for (let tried = 0; left.length > 0; tried++) {
    if (tried === MOST_TRIES) {
      throw new StoreFault("items of the run could not all be removed", { cause: undefined, isRetryable: true });
    }
    if (tried > 0) await clock.sleep(2 ** tried * 10);
    const command = new BatchWriteCommand({ RequestItems: { [table.name]: left } });
    const { UnprocessedItems } = await sending("BatchWriteItem", () => table.client.send(command));
    left = (UnprocessedItems?.[table.name] ?? []) as typeof left;
  }
};

const keysBelow = (blobs: BlobStore, prefixes: readonly string[]): Promise<string[][]> =>
  Promise.all(prefixes.map((prefix) => Array.fromAsync(blobs.list(prefix))));

const OBJECTS_AT_A_TIME = 16;

/** What goes with a run. */
interface Removal {
  readonly uploads: boolean;
}

/** Removes a run's objects until none is left: others may be copying them meanwhile. Gives how many there were. */
const removeObjects = async (blobs: BlobStore, run: RunKey, { uploads }: Removal): Promise<number> => {
  let removed = 0;
  for (;;) {
    const keys = (await keysBelow(blobs, allRunObjectsPrefixes(run))).flat();
    if (keys.length === 0) return removed;
    removed += keys.length;
    const waiting = keys.values();
    const work = async (): Promise<void> => {
      for (const key of waiting) {
        const uploadId = uploads ? uploadCopiedIn(key) : undefined;
        // An upload that still waits for others is the same bytes.
        if (uploadId !== undefined) await blobs.remove(uploadObjectKey(run.tenantId, uploadId));
        await blobs.remove(key);
      }
    };
    await Promise.all(Array.from({ length: OBJECTS_AT_A_TIME }, work));
  }
};

/** Deletes items of a run by their sort keys. */
export const deleteItems = async (
  place: Pick<Place, "table" | "clock">,
  run: RunKey,
  sortKeys: readonly string[],
): Promise<void> => {
  for (let from = 0; from < sortKeys.length; from += MOST_DELETED) {
    await deleteBatch(place, run, sortKeys.slice(from, from + MOST_DELETED));
  }
};

/** Removes every item of a run but its header's, and every object of it, whatever lifetime it was given. */
export const removeRecord = async (
  place: Place,
  run: RunKey,
  removal: Removal = { uploads: false },
): Promise<RemovedRecord> => {
  const found = await Array.fromAsync(itemsOf(place, run));
  // Objects first: while an entry is there, it tells that the removal is not done.
  const objects = await removeObjects(place.blobs, run, removal);
  await deleteItems(
    place,
    run,
    found.map(({ sk }) => sk),
  );
  const entries = found.filter(({ n }) => n !== undefined);
  return {
    entries: entries.length,
    events: entries.reduce((sum, { n = 0 }) => sum + n, 0),
    objects,
  };
};

/** Every object of a run under one lifetime. Writing an object anew also begins its lifetime anew. */
const moveObjects = async ({ blobs }: Place, run: RunKey, days: number): Promise<void> => {
  const target = runObjectsPrefix(run, days);
  for (const prefix of allRunObjectsPrefixes(run)) {
    // What is held already has no lifetime to begin anew.
    if (days === HELD && prefix === target) continue;
    for await (const key of blobs.list(prefix)) await blobs.copy(key, `${target}${key.slice(prefix.length)}`);
  }
};

/**
 * Keeps a run's items and objects until then at least (seconds since 1970, or NEVER), with copies of the graphs it refers
 * to. What was kept for ever is kept until then. Objects are copied before the items that name them change, and copies
 * that stay behind are collected in their time.
 */
export const keepRecord = async (
  place: Place,
  run: RunKey,
  of: { readonly expiresAt: number; readonly graphKeys: Iterable<string> },
): Promise<void> => {
  const { table, blobs, clock } = place;
  const { expiresAt } = of;
  const isKeptElse = (item: { expires_at?: number }): boolean =>
    item.expires_at === undefined ? expiresAt !== NEVER : item.expires_at < expiresAt;
  // The rows of failures follow the header.
  const kept = (await Array.fromAsync(itemsOf(place, run))).filter(({ sk }) => kindOf(sk) !== "failure");
  const changed = kept.filter(isKeptElse);
  if (changed.length === 0) return;
  const days = expiresAt === NEVER ? HELD : objectLifetimes({ receivedAt: clock.now(), expiresAt }).payloadDays;
  await moveObjects(place, run, days);
  for (const key of new Set(of.graphKeys)) await blobs.copy(key, ownGraphKey(run, days, key));
  for (const { sk } of changed) {
    const stored = storedLifetime(days);
    const values = { ":expires": expiresAt === NEVER ? undefined : expiresAt, ":days": stored };
    const set = [
      ...(expiresAt === NEVER ? [] : ["expires_at = :expires"]),
      ...(stored === undefined ? [] : ["days = :days"]),
    ];
    const removed = [...(expiresAt === NEVER ? ["expires_at"] : []), ...(stored === undefined ? ["days"] : [])];
    await sendingIf("UpdateItem", () =>
      table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: { pk: runPartition(run), sk },
          UpdateExpression: [
            set.length === 0 ? "" : `SET ${set.join(", ")}`,
            removed.length === 0 ? "" : `REMOVE ${removed.join(", ")}`,
          ].join(" "),
          ConditionExpression: IS_THERE,
          ...(set.length === 0 ? {} : { ExpressionAttributeValues: values }),
        }),
      ),
    );
  }
  if (expiresAt === NEVER) return;
  const held = runObjectsPrefix(run, HELD);
  for await (const key of blobs.list(held)) await blobs.remove(key);
};

/** A run's object, under whatever lifetime it is: it may have moved since its entry was read. */
export const findObject = async (blobs: BlobStore, run: RunKey, key: string): Promise<Uint8Array | undefined> => {
  const found = await blobs.get(key);
  if (found !== undefined) return found;
  const name = key.slice(key.indexOf("/") + 1);
  const own = runObjectsPrefix(run).slice(runObjectsPrefix(run).indexOf("/") + 1);
  for (const prefix of allRunObjectsPrefixes(run)) {
    const moved = name.startsWith(own) ? `${prefix}${name.slice(own.length)}` : `${prefix}${name}`;
    const bytes = moved === key ? undefined : await blobs.get(moved);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
};
