import { createHash } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { PayloadText } from "../contract/event.ts";
import type { AppId, TenantId } from "../contract/identifiers.ts";
import { previewOf } from "../domain/ledger.ts";
import { entryExpiry } from "../domain/retention.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import { sending, type Table } from "./document-client.ts";
import type { PackedPayload } from "./packed-event.ts";
import { graphKey } from "./table.ts";

/** A shorter graph costs less inside its entry than the reference to it. */
const SHORTEST_SHARED = 1024;
/** How many graphs a process remembers having seen kept. */
const MOST_REMEMBERED = 10_000;
const MOST_GRAPH_BYTES = 64 * 1024 * 1024;

interface GraphOwner {
  readonly tenantId: TenantId;
  readonly appId: AppId;
}

/** Workflow graphs, kept once an app and month as objects: most runs send the same one again. */
export interface SharedGraphs {
  /** Keeps a graph, if it is one and long enough, and gives what the entry holds instead. */
  keep(payload: PayloadText, owner: GraphOwner, receivedAt: number): Promise<PackedPayload>;
  objectKey(owner: GraphOwner, ref: string): string;
  read(objectKey: string): Promise<string | undefined>;
}

const objectKeyOf = (owner: GraphOwner, ref: string): string => `graphs/${owner.tenantId}/${owner.appId}/${ref}`;

/** The last moment of a month (milliseconds since 1970): what was kept in it is needed as long as what came last. */
const endOfMonth = (month: string): number => Date.UTC(Number(month.slice(0, 4)), Number(month.slice(4)), 1) - 1;

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
    objectKey: objectKeyOf,

    keep: async (payload, owner, receivedAt) => {
      if (payload.field !== "graph" || payload.text.length < SHORTEST_SHARED) return payload;
      const digest = createHash("sha256").update(payload.text).digest("base64url");
      const month = new Date(receivedAt).toISOString().slice(0, 7).replace("-", "");
      const ref = `${month}/${digest}`;
      const key = graphKey({ ...owner, digest, month });
      if (!remembered.has(key.pk)) {
        if (!(await isKept(key))) {
          await blobs.put(objectKeyOf(owner, ref), zstdCompressSync(Buffer.from(payload.text)));
          const Item = { ...key, expires_at: entryExpiry(endOfMonth(month)) };
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

    read: async (objectKey) => {
      const bytes = await blobs.get(objectKey);
      return bytes && zstdDecompressSync(bytes, { maxOutputLength: MOST_GRAPH_BYTES }).toString();
    },
  };
};
