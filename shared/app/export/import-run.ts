import type { FieldValue } from "../../contract/event.ts";
import type { EventLine } from "../../contract/export-line.ts";
import type { AppId, RunKey } from "../../contract/identifiers.ts";
import { type JsonOutput, JsonText, writeJson } from "../../contract/json-text.ts";
import { digestOf } from "../../domain/fold/identity.ts";
import { type Arrival, entryOf, type IdentifiedEvent, type LedgerEntry } from "../../domain/fold/ledger.ts";
import { REDACTED_JSON } from "../../domain/redaction/redact-value.ts";
import { refusesUploads } from "../../domain/redaction/upload-rules.ts";
import { isTombstone } from "../../ports/run-store.ts";
import { shownField } from "../read/present-payload.ts";
import { recordArrival, recordClaim } from "../record/record-arrival.ts";
import type { RecordDependencies } from "../record/record-events.ts";
import { redactEvents } from "../redaction/redact-events.ts";
import { tenantRedactors } from "../redaction/tenant-redactors.ts";
import type { ExportedEvent } from "./exported-event.ts";

/** Deliveries that arrived together, as an export has them. */
export interface ExportedEntry extends Pick<EventLine, "actor" | "source"> {
  readonly events: readonly ExportedEvent[];
}

/** What became of an entry. `known`: the ledger has the same already. `refused`: nothing more of the run can be recorded. */
export type ImportOutcome = "recorded" | "known" | { readonly refused: string };

/** A run that is to be imported. */
export interface RunToImport {
  readonly key: RunKey;
  /** Undefined where the export did not know it. */
  readonly appId: AppId | undefined;
}

/** A run that is being imported, entry after entry. */
export interface ImportedRun {
  /** `uploads`: sizes of uploads that wait for the events, by their ids. Throws StoreFault; repeating it then is safe. */
  record(entry: ExportedEntry, uploads: ReadonlyMap<string, number>): Promise<ImportOutcome>;
}

/** An export writes the members of an event in an order of its own. */
const inOrder = (values: readonly JsonOutput[]): string[] => values.map(writeJson).sort();

/** The same for entries that hold the same deliveries, spelled alike. */
const fingerprint = ({ actor, source, events }: LedgerEntry): string =>
  digestOf(
    writeJson([
      actor,
      source,
      ...events.map(({ type, id, digest, fields, payload }) => [
        type,
        id ?? digest,
        digest,
        ...inOrder([...fields].map(([name, value]) => [name, shownField(value)])),
        ...inOrder(payload.map(({ field, key, sizeBytes, preview }) => [field, key ?? null, sizeBytes, preview])),
      ]),
    ]),
  );

const isClaim = ({ type }: { readonly type: string }): boolean => type === "run.claimed";

const DELETED = { refused: "the run was deleted here" };
const CLAIMED = { refused: "somebody else has continued the run here" };

/** What a claim says in words, as it may be kept here. */
const claimsOf = async (
  { settings }: RecordDependencies,
  { key, appId }: RunToImport,
  entry: ExportedEntry,
): Promise<IdentifiedEvent[]> => {
  const claims = entry.events.flatMap((event) => (event.kind === "claim" ? event.event : []));
  const redactors = claims.length === 0 ? undefined : await tenantRedactors(settings, key.tenantId);
  if (redactors === undefined) return claims;
  const { words } = redactors(appId);
  const kept = (value: FieldValue): FieldValue => {
    if (typeof value === "string") return words(value);
    if (value instanceof JsonText && words(value.text) !== value.text) return new JsonText(REDACTED_JSON);
    return value;
  };
  return claims.map((claim) => ({
    ...claim,
    fields: new Map([...claim.fields].map(([name, value]) => [name, kept(value)])),
  }));
};

/** The events of an entry as they may be kept here, with their uploads. */
const eventsOf = async (
  stores: RecordDependencies,
  { key, appId }: RunToImport,
  of: { readonly entry: ExportedEntry; readonly uploads: ReadonlyMap<string, number> },
): Promise<IdentifiedEvent[] | { readonly refused: string }> => {
  const { entry, uploads } = of;
  const sent = entry.events.flatMap((event) => (event.kind === "event" ? event : []));
  const tenant = await stores.settings.ofTenant(key.tenantId);
  const redacted = await redactEvents(
    stores,
    sent.map(({ received }) => received),
  );
  const events: IdentifiedEvent[] = [];
  for (const [index, { reading }] of redacted.entries()) {
    const named = sent[index]?.uploads ?? new Map<string, string>();
    if (reading.status === "unavailable") throw reading.fault;
    if (reading.status === "rejected") return { refused: `an event is refused: ${reading.code}` };
    const { event } = reading;
    if (named.size > 0 && refusesUploads(tenant, event.appId ?? appId))
      return { refused: "its app takes no uploads here" };
    const payload = event.payload.map((value) => {
      const id = value.key === undefined ? named.get(value.field) : undefined;
      const sizeBytes = id === undefined ? undefined : uploads.get(id);
      return id === undefined || sizeBytes === undefined ? value : { ...value, upload: { id, sizeBytes } };
    });
    events.push({ ...event, payload });
  }
  return events;
};

/**
 * Begins to import a run. Entries are recorded as they are, by whoever spoke then, with a receipt of now: readers who
 * follow a ledger rely on that, and what is counted from the receipt is counted from the import. The rules of this
 * tenant's apps for what must not be kept hold. An entry that is there already is not recorded again.
 */
export const importRun = async (stores: RecordDependencies, from: RunToImport): Promise<ImportedRun> => {
  const { key: run } = from;
  const found = await stores.runs.find(run);
  if (isTombstone(found)) return { record: async () => DELETED };
  const present = found === undefined ? [] : (await stores.ledger.readAll(run)).entries;
  const known = new Set(present.map(fingerprint));
  const claims = new Set(present.flatMap(({ events }) => events.filter(isClaim).map(({ digest }) => digest)));

  const write = async (arrival: Arrival): Promise<ImportOutcome> => {
    const claim = arrival.events.find(isClaim);
    if (claim !== undefined && claims.has(claim.digest)) return "known";
    if (claim === undefined) return (await recordArrival(stores, run, arrival)) ? "recorded" : DELETED;
    if (await recordClaim(stores, run, { arrival, epoch: claim.epoch })) return "recorded";
    return isTombstone(await stores.runs.find(run)) ? DELETED : CLAIMED;
  };

  return {
    record: async (entry, uploads) => {
      const sent = await eventsOf(stores, from, { entry, uploads });
      if ("refused" in sent) return sent;
      const claimed = await claimsOf(stores, from, entry);
      const receivedAt = stores.clock.now();
      const { actor, source } = entry;
      const arrival = { ulid: stores.newUlid(receivedAt), receivedAt, actor, source, events: [...claimed, ...sent] };
      return known.has(fingerprint(entryOf(arrival))) ? "known" : write(arrival);
    },
  };
};
