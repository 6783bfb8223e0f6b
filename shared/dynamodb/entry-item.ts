import { decodeTime } from "ulid";
import * as v from "valibot";
import type { RunKey } from "../contract/identifiers.ts";
import { referenceTo } from "../contract/upload-reference.ts";
import type { Actor, LedgerEntry, LedgerEvent, Source, StoredPayload } from "../domain/fold/ledger.ts";
import type { NewEntry } from "../ports/ledger-store.ts";
import { ownUploadKey, payloadObjectKey, storedLifetime, valueObjectKey } from "./object-keys.ts";
import type { UnpackedEvent, UnpackedPayload } from "./packing/packed-event.ts";
import type { PackedEntry } from "./packing/packing.ts";
import { uploadOfRef, VALUE_REF } from "./packing/payload-ref.ts";
import { claimSortKey, entrySortKey, kindOf, runPartition, ulidOf } from "./table.ts";

const ACTORS: Readonly<Record<Actor, string>> = { engine: "E", caller: "C", service: "S" };
const SOURCES: Readonly<Record<Source, string>> = { http: "H", queue: "Q", dify: "D", runstone: "R" };

const nameOf = <T extends string>(letters: Readonly<Record<T, string>>, letter: string): T =>
  (Object.keys(letters) as T[]).find((name) => letters[name] === letter) as T;

/** The item of an entry; a claim stands under the key of the epoch it opens. */
export const entryItem = (
  run: RunKey,
  entry: NewEntry,
  of: { packed: PackedEntry; hasOwnObjects: boolean; claimedEpoch: number | undefined; payloadDays: number },
): Record<string, unknown> => {
  const { packed, hasOwnObjects, claimedEpoch, payloadDays } = of;
  return {
    pk: runPartition(run),
    sk: claimedEpoch === undefined ? entrySortKey(entry.ulid) : claimSortKey(claimedEpoch),
    ulid: claimedEpoch === undefined ? undefined : entry.ulid,
    n: entry.events.length,
    // Who spoke and which way it came: two letters.
    by: `${ACTORS[entry.actor]}${SOURCES[entry.source]}`,
    pack: packed.kind === "outside" ? undefined : packed.pack,
    object: packed.kind === "inline" ? undefined : packed.payload.length,
    days: packed.kind === "inline" && !hasOwnObjects ? undefined : storedLifetime(payloadDays),
    expires_at: entry.expiresAt,
  };
};

const EntryItem = v.object({
  sk: v.string(),
  ulid: v.optional(v.string()),
  by: v.pipe(v.string(), v.length(2)),
  pack: v.optional(v.instance(Uint8Array)),
  object: v.optional(v.number()),
  days: v.optional(v.number()),
});
/** An entry's item as read from the table. */
export type EntryItem = v.InferOutput<typeof EntryItem>;

/** An entry's item as stored. One that cannot be read is ours to mend: it throws. */
export const readEntryItem = (item: Record<string, unknown>): EntryItem & { ulid: string } => {
  const entry = v.parse(EntryItem, item);
  return { ...entry, ulid: kindOf(entry.sk) === "claim" ? (entry.ulid ?? "") : ulidOf(entry.sk) };
};

type Whereabouts = Pick<StoredPayload, "text" | "place" | "object">;

/** An entry from its item and its unpacked events. */
export const entryFrom = (
  run: RunKey,
  item: EntryItem & { ulid: string },
  unpacked: { events: readonly UnpackedEvent[]; graphKey: (event: UnpackedEvent, ref: string) => string },
): LedgerEntry => {
  const whereabouts = ({ text, ref, position }: UnpackedPayload, graphKey: (ref: string) => string): Whereabouts => {
    const { ulid, days } = item;
    if (ref === undefined) {
      const isHere = text !== undefined;
      return { text, place: isHere ? undefined : { objectKey: payloadObjectKey(run, ulid, days), position } };
    }
    const uploadId = uploadOfRef(ref);
    if (uploadId !== undefined) {
      return { text: referenceTo(uploadId), object: { objectKey: ownUploadKey(run, uploadId, days), uploadId } };
    }
    const objectKey = ref === VALUE_REF ? valueObjectKey(run, { ulid, position, days }) : graphKey(ref);
    const place = { objectKey, position: WHOLE_OBJECT };
    return ref === VALUE_REF ? { place, object: { objectKey } } : { place };
  };
  const store = (event: UnpackedEvent): StoredPayload[] =>
    event.payload.map((value) => ({
      field: value.field,
      ...(value.key === undefined ? {} : { key: value.key }),
      sizeBytes: value.sizeBytes,
      preview: value.preview,
      ...whereabouts(value, (ref) => unpacked.graphKey(event, ref)),
    }));
  return {
    ulid: item.ulid,
    receivedAt: decodeTime(item.ulid),
    actor: nameOf(ACTORS, item.by.charAt(0)),
    source: nameOf(SOURCES, item.by.charAt(1)),
    events: unpacked.events.map((event): LedgerEvent => ({ ...event, runId: run.runId, payload: store(event) })),
  };
};

/** The position of a text that is an object of its own. */
export const WHOLE_OBJECT = -1;
