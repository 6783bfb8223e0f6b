import { promisify } from "node:util";
import { gunzipSync, gzip } from "node:zlib";
import type { RunKey } from "../contract/identifiers.ts";
import { type IdentifiedEvent, previewOf, type RecordedPayload } from "../domain/fold/ledger.ts";
import { isLargeValue } from "../domain/large-payload.ts";
import { objectLifetimes } from "../domain/retention.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { NewEntry } from "../ports/ledger-store.ts";
import type { KeptUploads } from "./kept-uploads.ts";
import { valueObjectKey } from "./object-keys.ts";
import type { PackedEvent, PackedPayload, SharedPayload } from "./packing/packed-event.ts";
import { uploadRef, VALUE_REF } from "./packing/payload-ref.ts";
import type { SharedGraphs } from "./shared-graphs.ts";

const compress = promisify(gzip);

/** More than any value that an event has room for. */
const MOST_UNPACKED_BYTES = 64 * 1024 * 1024;

/** Values of one entry that are put or copied at a time. */
const VALUES_AT_A_TIME = 16;

/** The text of an object that holds one large value. */
export const unpackValue = (bytes: Uint8Array): string =>
  gunzipSync(bytes, { maxOutputLength: MOST_UNPACKED_BYTES }).toString();

interface Place {
  readonly blobs: BlobStore;
  readonly graphs: SharedGraphs;
  readonly uploads: KeptUploads;
}

interface Value {
  readonly event: IdentifiedEvent;
  readonly value: RecordedPayload;
  /** Its ordinal in the entry. */
  readonly position: number;
}

/** The events of an entry, ready to be packed. */
export interface KeptEvents {
  readonly events: readonly PackedEvent[];
  /** Whether any value is an object that is found by the entry's lifetime. */
  readonly hasOwnObjects: boolean;
}

const valuesIn = (events: readonly IdentifiedEvent[]): Value[] => {
  const values: Value[] = [];
  for (const event of events) {
    for (const value of event.payload) values.push({ event, value, position: values.length });
  }
  return values;
};

const isOwn = ({ event, value }: Value): boolean => value.upload !== undefined || isLargeValue(event.type, value);

const isGraph = ({ event, value }: Value): boolean => value.field === "graph" && event.appId !== undefined;

/**
 * Makes objects of the payload values that do not belong into an entry: graphs, which runs share; large values; uploads,
 * of which the run gets a copy. What holds one of the run's own is found by the entry's ULID or the upload's id, so
 * keeping the same entry again changes nothing.
 */
export const keepValues = async (place: Place, run: RunKey, entry: NewEntry): Promise<KeptEvents> => {
  const { payloadDays } = objectLifetimes(entry);
  const copies = new Map<string, Promise<void>>();

  const keepUpload = async (
    value: RecordedPayload,
    upload: { id: string; sizeBytes: number },
  ): Promise<SharedPayload> => {
    const copy = copies.get(upload.id) ?? place.uploads.keep(run, upload.id, payloadDays);
    copies.set(upload.id, copy);
    await copy;
    return { field: value.field, ref: uploadRef(upload.id), sizeBytes: upload.sizeBytes, preview: "" };
  };

  const keepLarge = async ({ value: { field, text }, position }: Value): Promise<SharedPayload> => {
    const key = valueObjectKey(run, { ulid: entry.ulid, position, days: payloadDays });
    await place.blobs.put(key, await compress(text));
    return { field, ref: VALUE_REF, sizeBytes: Buffer.byteLength(text), preview: previewOf(text) };
  };

  const keep = (one: Value): Promise<PackedPayload> => {
    const { event, value } = one;
    if (value.upload !== undefined) return keepUpload(value, value.upload);
    if (isOwn(one) || event.appId === undefined) return keepLarge(one);
    return place.graphs.keep(value, { tenantId: run.tenantId, appId: event.appId }, entry);
  };

  const outside = valuesIn(entry.events).filter((value) => isOwn(value) || isGraph(value));
  const kept = new Map<RecordedPayload, PackedPayload>();
  const waiting = outside.values();
  const work = async (): Promise<void> => {
    for (const one of waiting) kept.set(one.value, await keep(one));
  };
  await Promise.all(Array.from({ length: Math.min(VALUES_AT_A_TIME, outside.length) }, work));
  const events = entry.events.map(({ runId: _, ...event }) => ({
    ...event,
    payload: event.payload.map((value) => kept.get(value) ?? value),
  }));
  return { events, hasOwnObjects: outside.some(isOwn) };
};
