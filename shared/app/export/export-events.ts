import { createHash } from "node:crypto";
import { ERROR_HEAD } from "../../contract/event.ts";
import type { RunKey } from "../../contract/identifiers.ts";
import { exactInstant, instantOf, showInstant } from "../../contract/instant.ts";
import { type JsonOutput, JsonText, writeJson } from "../../contract/json-text.ts";
import { fieldMarkedBy, redactedAmong } from "../../contract/redaction.ts";
import type { LedgerEntry, LedgerEvent, StoredPayload } from "../../domain/fold/ledger.ts";
import { isSmallField } from "../../domain/fold/member.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import type { UploadStore } from "../../ports/upload-store.ts";
import { shownField } from "../read/present-payload.ts";

/** What the ledger of a run is exported from. */
export interface LedgerSource {
  readonly ledger: Pick<LedgerStore, "readTexts">;
  readonly uploads: Pick<UploadStore, "read">;
}

/** Bytes of an upload that one line holds: four megabytes of base64. */
const PIECE_BYTES = 3 * 1024 * 1024;

/** Breaks of lines stand between the tokens of JSON, never inside: a string writes them as escapes. */
const LINE_BREAKS = /[\r\n]/g;

/** JSON as one line. */
export const onOneLine = (json: string): string => json.replace(LINE_BREAKS, " ");

type Texts = ReadonlyMap<StoredPayload, string>;

const textsOf = async (source: LedgerSource, run: RunKey, payload: readonly StoredPayload[]): Promise<Texts> => {
  const elsewhere = payload.flatMap((value) => (value.text === undefined && value.place ? [{ ...value, value }] : []));
  const places = elsewhere.flatMap(({ place }) => place ?? []);
  const read = places.length === 0 ? [] : await source.ledger.readTexts(run, places);
  const texts = new Map(payload.flatMap((value) => (value.text === undefined ? [] : [[value, value.text] as const])));
  for (const [index, { value }] of elsewhere.entries()) {
    const text = read[index];
    if (text === undefined) throw new Error(`a payload value of ${value.sizeBytes} bytes is lost`);
    texts.set(value, text);
  }
  return texts;
};

/** The event as it arrived, as far as its payload is among the texts. */
const eventOf = (event: LedgerEvent, texts: Texts): string => {
  const members = new Map<string, JsonOutput>([["type", event.type]]);
  if (event.id !== undefined) members.set("id", event.id);
  members.set("run_id", event.runId);
  members.set("at", exactInstant(event.at));
  members.set("epoch", event.epoch);
  if (event.appId !== undefined) members.set("app_id", event.appId);
  for (const [name, value] of event.fields) {
    if (name !== ERROR_HEAD && fieldMarkedBy(name) === undefined) members.set(name, shownField(value));
  }
  for (const value of event.payload) {
    const { field, key } = value;
    const text = texts.get(value);
    if (text === undefined) continue;
    if (key === undefined) members.set(field, new JsonText(text));
    else members.set(field, new Map(members.get(field) as Map<string, JsonOutput>).set(key, new JsonText(text)));
  }
  return writeJson(members);
};

const eventLine = (run: RunKey, of: { entry: LedgerEntry; event: LedgerEvent; texts: Texts }): string => {
  const { entry, event, texts } = of;
  const json = eventOf(event, texts);
  const line = onOneLine(json);
  const redacted = redactedAmong(event.fields);
  const uploads = event.payload.flatMap(({ field, object }) =>
    object?.uploadId === undefined ? [] : [[field, object.uploadId] as const],
  );
  return writeJson({
    record: "event",
    run_id: run.runId,
    entry: entry.ulid,
    received_at: showInstant(instantOf(entry.receivedAt)),
    actor: entry.actor,
    source: entry.source,
    digest: event.digest,
    redacted: redacted.length === 0 ? undefined : redacted,
    uploads: uploads.length === 0 ? undefined : new Map(uploads),
    event: new JsonText(line),
    event_text: line === json ? undefined : json,
  });
};

/** The uploads that events refer to, each once, in pieces. */
export async function* uploadLines(
  source: LedgerSource,
  run: RunKey,
  entries: readonly LedgerEntry[],
): AsyncGenerator<string> {
  const values = entries.flatMap(({ events }) => events.flatMap(({ payload }) => payload));
  for (const uploadId of new Set(values.flatMap(({ object }) => object?.uploadId ?? []))) {
    const bytes = await source.uploads.read(run, uploadId);
    if (bytes === undefined) throw new Error(`the upload ${uploadId} is lost`);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
      const base64 = Buffer.from(bytes.subarray(offset, offset + PIECE_BYTES)).toString("base64");
      const piece = { upload_id: uploadId, offset, size: bytes.length, sha256, base64 };
      yield writeJson({ record: "upload", run_id: run.runId, ...piece });
    }
  }
}

/** Every delivery of the run in order of receipt; without payload where that is not to be seen. */
export async function* eventLines(
  source: LedgerSource,
  run: RunKey,
  of: { readonly entries: readonly LedgerEntry[]; readonly hasPayload: boolean },
): AsyncGenerator<string> {
  for (const entry of of.entries.toSorted((a, b) => (a.ulid < b.ulid ? -1 : 1))) {
    const shown = entry.events.flatMap(({ type, payload }) =>
      payload.filter(({ field }) => of.hasPayload || isSmallField(type, field)),
    );
    const texts = await textsOf(source, run, shown);
    for (const event of entry.events) yield eventLine(run, { entry, event, texts });
  }
}
