import type { InputError } from "../../contract/event.ts";
import type { RunKey } from "../../contract/identifiers.ts";
import { uploadNamedBy } from "../../contract/upload-reference.ts";
import type { IdentifiedEvent, RecordedPayload } from "../../domain/fold/ledger.ts";
import { isSmallField } from "../../domain/fold/member.ts";
import { refusesUploads } from "../../domain/redaction/upload-rules.ts";
import type { RunStore } from "../../ports/run-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import type { UploadStore } from "../../ports/upload-store.ts";
import { appOfRun } from "../record/app-of-run.ts";
import { sideBySide } from "../side-by-side.ts";

/** The stores that tell what an event may refer to. */
export interface UploadStores {
  readonly uploads: UploadStore;
  readonly settings: SettingsStore;
  readonly runs: RunStore;
}

/** An event with the uploads that it refers to, or why it is refused. */
export type UploadFinding =
  | { readonly ok: true; readonly event: IdentifiedEvent }
  | {
      readonly ok: false;
      readonly code: "UPLOAD_NOT_FOUND" | "UPLOADS_REFUSED";
      readonly errors: readonly InputError[];
    };

/** Uploads that are looked for at a time. */
const LOOKS_AT_A_TIME = 16;

/** The upload that a payload value refers to. The long form of a small field is no payload to callers. */
const uploadOf = (event: IdentifiedEvent, { field, key, text }: RecordedPayload): string | undefined =>
  key === undefined && !isSmallField(event.type, field) ? uploadNamedBy(text) : undefined;

/** Events whose app takes no uploads: what cannot be looked into cannot be redacted. */
const refusedAmong = async (
  stores: UploadStores,
  run: RunKey,
  of: { readonly events: readonly IdentifiedEvent[]; readonly referring: readonly IdentifiedEvent[] },
): Promise<Set<IdentifiedEvent>> => {
  const tenant = await stores.settings.ofTenant(run.tenantId);
  if (!refusesUploads(tenant, undefined)) return new Set();
  const appId = await appOfRun(stores.runs, run, of.events);
  return new Set(of.referring.filter((event) => refusesUploads(tenant, event.appId ?? appId)));
};

const sizesOf = async (stores: UploadStores, run: RunKey, ids: ReadonlySet<string>): Promise<Map<string, number>> => {
  const sizes = new Map<string, number>();
  await sideBySide(ids, LOOKS_AT_A_TIME, async (id) => {
    const size = await stores.uploads.find(run, id);
    if (size !== undefined) sizes.set(id, size);
  });
  return sizes;
};

const refused = (
  code: "UPLOAD_NOT_FOUND" | "UPLOADS_REFUSED",
  fields: readonly string[],
  message: string,
): UploadFinding => ({ ok: false, code, errors: fields.map((path) => ({ path, message })) });

const REFUSED = "the app redacts payload or keeps none, so its events cannot refer to uploads";
const NOT_FOUND = "expected a reference to an upload of this tenant that is still there; upload it first";

/**
 * Looks up what events of one run refer to. Only events that refer to an upload are in the answer; the plain path asks
 * no store. Throws StoreFault.
 */
export const findUploads = async (
  stores: UploadStores,
  run: RunKey,
  events: readonly IdentifiedEvent[],
): Promise<ReadonlyMap<IdentifiedEvent, UploadFinding>> => {
  const references = new Map<IdentifiedEvent, Map<RecordedPayload, string>>();
  for (const event of events) {
    const named = event.payload.flatMap((value) => {
      const id = uploadOf(event, value);
      return id === undefined ? [] : [[value, id] as const];
    });
    if (named.length > 0) references.set(event, new Map(named));
  }
  if (references.size === 0) return new Map();

  const isRefused = await refusedAmong(stores, run, { events, referring: [...references.keys()] });
  const wanted = [...references].flatMap(([event, named]) => (isRefused.has(event) ? [] : [...named.values()]));
  const sizes = await sizesOf(stores, run, new Set(wanted));

  const findingOf = (event: IdentifiedEvent, named: ReadonlyMap<RecordedPayload, string>): UploadFinding => {
    const fields = (values: Iterable<RecordedPayload>): string[] => Array.from(values, ({ field }) => field);
    if (isRefused.has(event)) return refused("UPLOADS_REFUSED", fields(named.keys()), REFUSED);
    const missing = [...named].filter(([, id]) => !sizes.has(id)).map(([value]) => value);
    if (missing.length > 0) return refused("UPLOAD_NOT_FOUND", fields(missing), NOT_FOUND);
    const payload = event.payload.map((value) => {
      const id = named.get(value);
      const sizeBytes = id === undefined ? undefined : sizes.get(id);
      return id === undefined || sizeBytes === undefined ? value : { ...value, upload: { id, sizeBytes } };
    });
    return { ok: true, event: { ...event, payload } };
  };
  return new Map([...references].map(([event, named]) => [event, findingOf(event, named)]));
};
