import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { encodeTime } from "ulid";
import type { RunKey } from "../contract/identifiers.ts";
import type { LedgerEntry, PayloadPlace } from "../domain/fold/ledger.ts";
import { objectLifetimes } from "../domain/retention.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoredFailure } from "../ports/failure-store.ts";
import { LATEST_WRITE_MS, type LedgerStore, type NewEntry } from "../ports/ledger-store.ts";
import { type FoundHeader, isTombstone } from "../ports/run-store.ts";
import { StoreFault } from "../ports/store-fault.ts";
import { query, sending, sendingIf, type Table } from "./document-client.ts";
import { entryFrom, entryItem, readEntryItem, WHOLE_OBJECT } from "./entry-item.ts";
import { keepValues, unpackValue } from "./entry-objects.ts";
import { storedFailureFrom } from "./failure-item.ts";
import { headerFrom } from "./header-item.ts";
import { keptUploads } from "./kept-uploads.ts";
import { graphObjectKey, isGraphKey, payloadObjectKey } from "./object-keys.ts";
import type { UnpackedEvent } from "./packing/packed-event.ts";
import { packEntry, unpackEntry, unpackTexts } from "./packing/packing.ts";
import { firstExpiryOf, firstReceiptOf, lastReceiptOf } from "./run-times.ts";
import { sharedGraphs } from "./shared-graphs.ts";
import { findObject, keepRecord, removeRecord } from "./stored-record.ts";
import { CLAIM_RANGE, claimSortKey, entryRange, headerKey, kindOf, runPartition } from "./table.ts";

/** An entry is written once: a second write of the same ULID, or of the same epoch's claim, finds the first. */
const IS_ABSENT = "attribute_not_exists(pk)";

/** A put that starts this long after the receipt still ends in time: three tries of two seconds. */
const LATEST_PUT_MS = LATEST_WRITE_MS - 10_000;

/** Objects of one answer that are read at a time. */
const OBJECTS_AT_A_TIME = 16;

/** All items of a run's partition. */
const everything = (run: RunKey) => ({
  KeyConditionExpression: "pk = :pk",
  ExpressionAttributeValues: { ":pk": runPartition(run) },
});

/** The ledger in DynamoDB, large payloads as objects. Reads are strongly consistent. */
export const dynamoLedgerStore = (table: Table, blobs: BlobStore, clock: Clock): LedgerStore => {
  const graphs = sharedGraphs(table, blobs);
  const uploads = keptUploads(blobs, clock);

  const put = async (run: RunKey, entry: NewEntry, claimedEpoch: number | undefined): Promise<boolean> => {
    const { events, hasOwnObjects } = await keepValues({ blobs, graphs, uploads }, run, entry);
    const packed = packEntry(events);
    const { payloadDays } = objectLifetimes(entry);
    if (packed.kind !== "inline") await blobs.put(payloadObjectKey(run, entry.ulid, payloadDays), packed.payload);
    if (clock.now() - entry.receivedAt > LATEST_PUT_MS) {
      throw new StoreFault("the entry could not be written in time", { cause: undefined, isRetryable: true });
    }
    const Item = entryItem(run, entry, { packed, hasOwnObjects, claimedEpoch, payloadDays });
    return sendingIf("PutItem", () =>
      table.client.send(new PutCommand({ TableName: table.name, Item, ConditionExpression: IS_ABSENT })),
    );
  };

  const between = (run: RunKey, range: { from: string; to: string }) =>
    query(table, {
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ExpressionAttributeValues: { ":pk": runPartition(run), ":from": range.from, ":to": range.to },
    });

  const isDeleted = (run: RunKey): Promise<boolean> =>
    sending("GetItem", async () => {
      const get = new GetCommand({ TableName: table.name, Key: headerKey(run), ConsistentRead: true });
      const { Item } = await table.client.send(get);
      return isTombstone(Item && headerFrom(Item));
    });

  /** Undefined where the run was deleted since the item was read: objects go before items. */
  const readEntry = async (run: RunKey, stored: Record<string, unknown>): Promise<LedgerEntry | undefined> => {
    const item = readEntryItem(stored);
    const bytes = item.pack ?? (await findObject(blobs, run, payloadObjectKey(run, item.ulid, item.days)));
    if (bytes === undefined && (await isDeleted(run))) return undefined;
    if (bytes === undefined) throw new Error(`ledger entry ${item.ulid} has lost its object`);
    const graphKey = (event: UnpackedEvent, ref: string): string => {
      if (event.appId === undefined) throw new Error(`ledger entry ${item.ulid} has a graph of no app`);
      return graphObjectKey({ tenantId: run.tenantId, appId: event.appId }, ref);
    };
    return entryFrom(run, item, { events: unpackEntry(bytes), graphKey });
  };

  const claimItem = (run: RunKey, epoch: number) =>
    sending("GetItem", async () => {
      const Key = { pk: runPartition(run), sk: claimSortKey(epoch) };
      return (await table.client.send(new GetCommand({ TableName: table.name, Key, ConsistentRead: true }))).Item;
    });

  const readObject = async (run: RunKey, objectKey: string, places: readonly PayloadPlace[]) => {
    const bytes = await findObject(blobs, run, objectKey);
    if (bytes === undefined) return new Map<number, string>();
    if (places.every(({ position }) => position === WHOLE_OBJECT)) {
      const unpack = isGraphKey(objectKey) ? graphs.unpack : unpackValue;
      return new Map([[WHOLE_OBJECT, unpack(bytes)]]);
    }
    return unpackTexts(bytes);
  };

  return {
    append: async (run, entry) => {
      await put(run, entry, undefined);
    },

    claim: async (run, entry, epoch) => {
      if (await put(run, entry, epoch)) return true;
      // The SDK's second try of our own write finds our own claim.
      const present = await claimItem(run, epoch);
      return present !== undefined && readEntryItem(present).ulid === entry.ulid;
    },

    hasClaim: async (run, epoch) => (await claimItem(run, epoch)) !== undefined,

    firstReceipt: (run) => firstReceiptOf(table, run),

    lastReceipt: (run) => lastReceiptOf(table, run),

    keptUntil: (run) => firstExpiryOf(table, run),

    readAll: async (run) => {
      const entries: LedgerEntry[] = [];
      const failures: StoredFailure[] = [];
      let header: FoundHeader;
      for await (const item of query(table, everything(run))) {
        const kind = kindOf(String(item["sk"]));
        if (kind === "header") header = headerFrom(item);
        else if (kind === "failure") failures.push(storedFailureFrom(item));
        else {
          const entry = await readEntry(run, item);
          if (entry === undefined) return { header: undefined, entries: [], failures: [] };
          entries.push(entry);
        }
      }
      return { header: isTombstone(header) ? undefined : header, entries, failures };
    },

    removeAll: (run, of) => removeRecord({ table, blobs, clock }, run, of),

    keepUntil: async (run, expiresAt) => {
      const graphKeys = new Set<string>();
      for await (const item of query(table, everything(run))) {
        if (!["entry", "claim"].includes(kindOf(String(item["sk"])))) continue;
        const entry = await readEntry(run, item);
        if (entry === undefined) return;
        for (const event of entry.events) {
          for (const { place } of event.payload)
            if (place !== undefined && isGraphKey(place.objectKey)) graphKeys.add(place.objectKey);
        }
      }
      await keepRecord({ table, blobs, clock }, run, { expiresAt, graphKeys });
    },

    readFrom: async function* (run, { after }) {
      const claims: LedgerEntry[] = [];
      for await (const item of between(run, CLAIM_RANGE)) {
        const claim = await readEntry(run, item);
        if (claim === undefined) return;
        claims.push(claim);
      }
      const waiting = claims.filter((claim) => claim.receivedAt > after).sort((a, b) => (a.ulid < b.ulid ? -1 : 1));
      const first = `${encodeTime(after + 1, 10)}${"0".repeat(16)}`;
      for await (const item of between(run, entryRange(first))) {
        const entry = await readEntry(run, item);
        if (entry === undefined) return;
        while (waiting[0] !== undefined && waiting[0].ulid < entry.ulid) yield waiting.shift() as LedgerEntry;
        yield entry;
      }
      yield* waiting;
    },

    readTexts: async (run, places) => {
      const byObject = [...Map.groupBy(places, ({ objectKey }) => objectKey)].values();
      const texts = new Map<string, ReadonlyMap<number, string>>();
      const work = async (): Promise<void> => {
        for (const [objectKey, wanted] of byObject) texts.set(objectKey, await readObject(run, objectKey, wanted));
      };
      await Promise.all(Array.from({ length: OBJECTS_AT_A_TIME }, work));
      return places.map(({ objectKey, position }) => texts.get(objectKey)?.get(position));
    },
  };
};
