import { decodeTime } from "ulid";
import * as v from "valibot";
import type { RunKey } from "../contract/identifiers.ts";
import type { Actor, LedgerEntry, LedgerEvent, Source, StoredPayload } from "../domain/ledger.ts";
import type { NewEntry } from "../ports/ledger-store.ts";
import { payloadObjectKey, storedLifetime } from "./object-keys.ts";
import type { UnpackedEvent } from "./packed-event.ts";
import type { PackedEntry } from "./packing.ts";
import { claimSortKey, entrySortKey, kindOf, runPartition, ulidOf } from "./table.ts";

const ACTORS: Readonly<Record<Actor, string>> = { engine: "E", caller: "C", service: "S" };
const SOURCES: Readonly<Record<Source, string>> = { http: "H", queue: "Q", dify: "D", runstone: "R" };

const nameOf = <T extends string>(letters: Readonly<Record<T, string>>, letter: string): T =>
  (Object.keys(letters) as T[]).find((name) => letters[name] === letter) as T;

/** The item of an entry; a claim stands under the key of the epoch it opens. */
export const entryItem = (
  run: RunKey,
  entry: NewEntry,
  of: { packed: PackedEntry; claimedEpoch: number | undefined; payloadDays: number },
): Record<string, unknown> => {
  const { packed, claimedEpoch, payloadDays } = of;
  return {
    pk: runPartition(run),
    sk: claimedEpoch === undefined ? entrySortKey(entry.ulid) : claimSortKey(claimedEpoch),
    ulid: claimedEpoch === undefined ? undefined : entry.ulid,
    n: entry.events.length,
    // Who spoke and which way it came: two letters.
    by: `${ACTORS[entry.actor]}${SOURCES[entry.source]}`,
    pack: packed.kind === "outside" ? undefined : packed.pack,
    object: packed.kind === "inline" ? undefined : packed.payload.length,
    days: packed.kind === "inline" ? undefined : storedLifetime(payloadDays),
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

/** An entry from its item and its unpacked events. */
export const entryFrom = (
  run: RunKey,
  item: EntryItem & { ulid: string },
  unpacked: { events: readonly UnpackedEvent[]; graphKey: (event: UnpackedEvent, ref: string) => string },
): LedgerEntry => {
  const store = (event: UnpackedEvent): StoredPayload[] =>
    event.payload.map(({ field, key, position, sizeBytes, preview, text, ref }) => ({
      field,
      ...(key === undefined ? {} : { key }),
      sizeBytes,
      preview,
      text,
      place:
        text !== undefined
          ? undefined
          : ref === undefined
            ? { objectKey: payloadObjectKey(run, item.ulid, item.days), position }
            : { objectKey: unpacked.graphKey(event, ref), position: WHOLE_OBJECT },
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
