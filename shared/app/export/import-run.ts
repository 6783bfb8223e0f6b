import type { EventLine } from "../../contract/export-line.ts";
import type { AppId, RunKey } from "../../contract/identifiers.ts";
import { type JsonOutput, writeJson } from "../../contract/json-text.ts";
import { digestOf } from "../../domain/fold/identity.ts";
import { type Arrival, entryOf, type IdentifiedEvent, type LedgerEntry } from "../../domain/fold/ledger.ts";
import { refusesUploads } from "../../domain/redaction/upload-rules.ts";
import { shownField } from "../read/present-payload.ts";
import { goneAs } from "../record/gone-run.ts";
import { recordArrival, recordClaim } from "../record/record-arrival.ts";
import type { RecordDependencies } from "../record/record-events.ts";
import { redactEvent } from "../redaction/redact-event.ts";
import { redactEvents } from "../redaction/redact-events.ts";
import { tenantRedactors } from "../redaction/tenant-redactors.ts";
import { claimOf, type ExportedClaim } from "./exported-claim.ts";
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
const EXPIRED = { refused: "the run has expired here" };
const OUTCOMES = {
  recorded: "recorded",
  deleted: DELETED,
  expired: EXPIRED,
  claimed: { refused: "somebody else has continued the run here" },
} as const satisfies Record<string, ImportOutcome>;

const claimsIn = ({ events }: ExportedEntry): ExportedClaim[] =>
  events.flatMap((event) => (event.kind === "claim" ? event.claim : []));

/** The claims of an entry as they may be kept here. */
const claimsOf = async (
  { settings }: RecordDependencies,
  { key, appId }: RunToImport,
  entry: ExportedEntry,
): Promise<IdentifiedEvent[]> => {
  const claims = claimsIn(entry);
  const redactors = claims.length === 0 ? undefined : await tenantRedactors(settings, key.tenantId);
  return claims.map((claim) => claimOf(claim, redactors?.(claim.envelope.appId ?? appId)));
};

type Uploads = ReadonlyMap<string, number>;
type SentEvent = ExportedEvent & { readonly kind: "event" };

const sentIn = ({ events }: ExportedEntry): SentEvent[] =>
  events.flatMap((event) => (event.kind === "event" ? event : []));

/** An event with its uploads. `named`: their ids, by field. */
const withUploads = (event: IdentifiedEvent, named: SentEvent["uploads"], uploads: Uploads): IdentifiedEvent => ({
  ...event,
  payload: event.payload.map((value) => {
    const id = value.key === undefined ? named.get(value.field) : undefined;
    const sizeBytes = id === undefined ? undefined : uploads.get(id);
    return id === undefined || sizeBytes === undefined ? value : { ...value, upload: { id, sizeBytes } };
  }),
});

/** The claims and events of an entry as they are in the export. */
const asSent = (entry: ExportedEntry, uploads: Uploads): IdentifiedEvent[] => [
  ...claimsIn(entry).map((claim) => claimOf(claim, undefined)),
  ...sentIn(entry).flatMap(({ received, uploads: named }) => {
    const { reading } = redactEvent(received, undefined);
    return reading.status === "read" ? withUploads(reading.event, named, uploads) : [];
  }),
];

/** The events of an entry as they may be kept here, with their uploads. */
const eventsOf = async (
  stores: RecordDependencies,
  { key, appId }: RunToImport,
  of: { readonly entry: ExportedEntry; readonly uploads: Uploads },
): Promise<IdentifiedEvent[] | { readonly refused: string }> => {
  const sent = sentIn(of.entry);
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
    events.push(withUploads(event, named, of.uploads));
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
  const gone = goneAs(found, stores.clock.now());
  if (gone !== undefined) return { record: async () => OUTCOMES[gone] };
  const present = found === undefined ? [] : (await stores.ledger.readAll(run)).entries;
  const known = new Set(present.map(fingerprint));
  const claims = new Set(present.flatMap(({ events }) => events.filter(isClaim).map(({ digest }) => digest)));

  const write = async (arrival: Arrival): Promise<ImportOutcome> => {
    const claim = arrival.events.find(isClaim);
    if (claim !== undefined && claims.has(claim.digest)) return "known";
    if (claim === undefined) return OUTCOMES[await recordArrival(stores, run, arrival)];
    return OUTCOMES[await recordClaim(stores, run, { arrival, epoch: claim.epoch })];
  };

  return {
    record: async (entry, uploads) => {
      const receivedAt = stores.clock.now();
      const { actor, source } = entry;
      const arrivalOf = (events: readonly IdentifiedEvent[]): Arrival => ({
        ulid: stores.newUlid(receivedAt),
        receivedAt,
        actor,
        source,
        events,
      });
      const isKnown = (arrival: Arrival): boolean => known.size > 0 && known.has(fingerprint(entryOf(arrival)));

      // What was recorded before there were rules stays as it is.
      if (isKnown(arrivalOf(asSent(entry, uploads)))) return "known";
      const sent = await eventsOf(stores, from, { entry, uploads });
      if ("refused" in sent) return sent;
      const arrival = arrivalOf([...(await claimsOf(stores, from, entry)), ...sent]);
      return isKnown(arrival) ? "known" : write(arrival);
    },
  };
};
