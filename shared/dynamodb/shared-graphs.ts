import { createHash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { PayloadText } from "../contract/event.ts";
import { previewOf } from "../domain/fold/ledger.ts";
import { objectLifetimes } from "../domain/retention.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import { sending, type Table } from "./document-client.ts";
import { type GraphOwner, graphObjectKey, graphTerm } from "./object-keys.ts";
import type { PackedPayload } from "./packing/packed-event.ts";
import { graphKey } from "./table.ts";

/** A shorter graph costs less inside its entry than the reference to it. */
const SHORTEST_SHARED = 1024;
/** How many graphs a process remembers having seen kept. */
const MOST_REMEMBERED = 10_000;
const MOST_GRAPH_BYTES = 64 * 1024 * 1024;

/** The entry that a graph came with: the graph is kept as long as any entry of its month with the same lifetime. */
interface EntryTimes {
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** Workflow graphs, kept once an app and month as objects: most runs send the same one again. */
export interface SharedGraphs {
  /** Keeps a graph, if it is one and long enough, and gives what the entry holds instead. */
  keep(payload: PayloadText, owner: GraphOwner, entry: EntryTimes): Promise<PackedPayload>;
  /** The text of a graph's object. */
  unpack(bytes: Uint8Array): string;
}

/** When the month ends that this time lies in (milliseconds since 1970). */
const endOfMonth = (time: number): number => {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) - 1;
};

/** What is kept in a month is needed as long as what comes last in it (seconds since 1970). */
const expiryOf = ({ receivedAt, expiresAt }: EntryTimes): number =>
  expiresAt + Math.ceil((endOfMonth(receivedAt) - receivedAt) / 1000);

/**
 * A marker in the table says that the object is there; it is written after the object, so a crash in between only
 * writes the same object again. Each month keeps its own copy, so that it can expire by the rule of entries.
 */
export const sharedGraphs = (table: Table, blobs: BlobStore): SharedGraphs => {
  const remembered = new Set<string>();

  const isKept = (key: { pk: string; sk: string }): Promise<boolean> =>
    sending("GetItem", async () => {
      const { Item } = await table.client.send(new GetCommand({ TableName: table.name, Key: key }));
      return Item !== undefined;
    });

  return {
    keep: async (payload, owner, entry) => {
      if (payload.field !== "graph" || payload.text.length < SHORTEST_SHARED) return payload;
      const digest = createHash("sha256").update(payload.text).digest("base64url");
      const month = graphTerm(entry.receivedAt, objectLifetimes(entry).graphDays);
      const ref = `${month}/${digest}`;
      const key = graphKey({ ...owner, digest, month });
      if (!remembered.has(key.pk)) {
        if (!(await isKept(key))) {
          await blobs.put(graphObjectKey(owner, ref), zstdCompressSync(Buffer.from(payload.text)));
          const Item = { ...key, expires_at: expiryOf(entry) };
          await sending("PutItem", () => table.client.send(new PutCommand({ TableName: table.name, Item })));
        }
        if (remembered.size >= MOST_REMEMBERED) remembered.clear();
        remembered.add(key.pk);
      }
      return {
        field: payload.field,
        ref,
        sizeBytes: Buffer.byteLength(payload.text),
        preview: previewOf(payload.text),
      };
    },

    unpack: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: MOST_GRAPH_BYTES }).toString(),
  };
};
