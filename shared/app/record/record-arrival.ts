import type { RunKey, TenantId } from "../../contract/identifiers.ts";
import { TERMINAL_STATUSES } from "../../contract/run-status.ts";
import { policyOf, type RunPolicy } from "../../domain/app-settings.ts";
import { type Arrival, entryOf, type LedgerEntry } from "../../domain/fold/ledger.ts";
import { compareText } from "../../domain/fold/member.ts";
import { isRunLevel, smallestApp } from "../../domain/fold/run-fold.ts";
import { finishOf, type Header, headerOf, isSameHeader, standsFor } from "../../domain/header.ts";
import { entryExpiry, hasExpired, NEVER } from "../../domain/retention.ts";
import type { AppRegistry } from "../../ports/app-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import { isTombstone, type RunStore, type StoredHeader } from "../../ports/run-store.ts";
import type { SettingsStore } from "../../ports/settings-store.ts";
import { keepRun } from "../deletion/keep-run.ts";
import { untilWritten } from "./until-written.ts";

/** The stores that recording writes to. */
export interface RecordStores {
  readonly ledger: LedgerStore;
  readonly runs: RunStore;
  readonly apps: AppRegistry;
  readonly settings: SettingsStore;
  readonly clock: Clock;
  /** How long runs are kept where no setting says otherwise (days). */
  readonly retentionDays: number;
}

/** The policy for a tenant's runs as its settings are now. */
export const policyFor = async (
  stores: Pick<RecordStores, "settings" | "retentionDays">,
  tenantId: TenantId,
): Promise<RunPolicy> => policyOf(await stores.settings.ofTenant(tenantId), stores.retentionDays);

/** An arrival of one run, and how it is kept. */
interface Recording {
  readonly run: RunKey;
  readonly entry: LedgerEntry;
  readonly policy: RunPolicy;
}

/** What an arrival found: a run that is kept as any, one on hold, or one that was deleted. */
type Finding = "kept" | "held" | "deleted";

const findingOf = ({ hold }: Pick<StoredHeader, "hold">): Finding => (hold === undefined ? "kept" : "held");

/** What follows an ended run (its statistics, its failures) is told that there may be more of it. */
const tellOfMore = async (stores: RecordStores, { run, entry }: Recording, present: StoredHeader): Promise<Finding> => {
  const hasMore = entry.events.some(({ type }) => !type.startsWith("run."));
  if (hasMore && TERMINAL_STATUSES.has(present.row.status)) await stores.runs.touch(run);
  return findingOf(present);
};

/**
 * Folds the ledger into the header. The header is read before the ledger: a writer that adds to the ledger after our
 * look also changes the header after it, and then our write does not take effect and we look again.
 */
const refold = (stores: RecordStores, recording: Recording): Promise<Finding> =>
  untilWritten<Finding>(stores.clock, async () => {
    const { run, entry, policy } = recording;
    const present = await stores.runs.find(run);
    if (isTombstone(present)) return "deleted";
    if (present !== undefined && standsFor(present, entry)) return tellOfMore(stores, recording, present);
    const { entries } = await stores.ledger.readAll(run);
    const header = stillLapsed(stores, recording, { present, entries, header: headerOf(entries, policy) });
    if (present !== undefined && isSameHeader(present, header)) return tellOfMore(stores, recording, present);
    const isWritten =
      present === undefined ? await stores.runs.create(run, header) : await stores.runs.replace(run, header, present);
    if (!isWritten) return undefined;
    return present === undefined ? "kept" : findingOf(present);
  });

/**
 * A run that has expired does not come back with what comes late for it: its header keeps the expiry that has passed. Where
 * that header was collected already, what is left of the run tells that it had expired.
 */
const stillLapsed = (
  { clock }: RecordStores,
  { entry, policy }: Recording,
  of: { present: StoredHeader | undefined; entries: readonly LedgerEntry[]; header: Header },
): Header => {
  const { present, entries, header } = of;
  if (present?.hold !== undefined) return header;
  const earlier = entries.filter(({ ulid }) => ulid !== entry.ulid);
  const before = present ?? (earlier.length === 0 ? undefined : headerOf(earlier, policy));
  if (before === undefined || !hasExpired(before.expiresAt, clock.now())) return header;
  return { ...header, expiresAt: before.expiresAt, keptDays: before.keptDays };
};

/** Whether an arrival of node events could tell the app of a run whose own events have not. The fold has the last word. */
const mayTellApp = (header: StoredHeader, entry: LedgerEntry): boolean => {
  const app = smallestApp(entry.events);
  if (header.phase !== "folded" || app === undefined) return false;
  return header.row.appId === undefined || compareText(app, header.row.appId) < 0;
};

/** Brings the header up to date. The plain path, a start or a finish of a run, is one write and no read. */
const updateHeader = async (stores: RecordStores, recording: Recording): Promise<Finding> => {
  const { run, entry, policy } = recording;
  if (!entry.events.some(isRunLevel)) {
    const present = await stores.runs.find(run);
    if (isTombstone(present)) return "deleted";
    if (present === undefined || mayTellApp(present, entry)) return refold(stores, recording);
    return tellOfMore(stores, recording, present);
  }
  const finish = finishOf(entry, policy);
  if (finish !== undefined) {
    if (await stores.runs.finish(run, finish)) return "kept";
  } else {
    const header = headerOf([entry], policy);
    if (header.phase !== "folded" && (await stores.runs.create(run, header))) return "kept";
  }
  return refold(stores, recording);
};

/** A run that was deleted takes nothing in, not even what came while it was being deleted. */
const settle = async (stores: RecordStores, run: RunKey, finding: Finding): Promise<boolean> => {
  if (finding === "deleted") await stores.ledger.removeAll(run);
  if (finding === "held") await keepRun(stores, run, NEVER);
  return finding !== "deleted";
};

/**
 * Opens an epoch by the claim that the arrival holds: false where somebody else has opened it, or the run was deleted.
 * Throws StoreFault; after that the claim may stand, and trying again tells.
 */
export const recordClaim = async (
  stores: RecordStores,
  run: RunKey,
  claim: { arrival: Arrival; epoch: number },
): Promise<boolean> => {
  const { arrival, epoch } = claim;
  const policy = await policyFor(stores, run.tenantId);
  const expiresAt = entryExpiry(arrival.receivedAt, policy.longestRetentionDays(undefined));
  if (!(await stores.ledger.claim(run, { ...arrival, appId: undefined, expiresAt }, epoch))) return false;
  return settle(stores, run, await updateHeader(stores, { run, entry: entryOf(arrival), policy }));
};

/**
 * Makes an arrival durable and visible: one ledger entry, then the header. It is accepted only after both. False where
 * the run was deleted: then nothing of it is left. Throws StoreFault; repeating the same events then is safe.
 */
export const recordArrival = async (stores: RecordStores, run: RunKey, arrival: Arrival): Promise<boolean> => {
  const policy = await policyFor(stores, run.tenantId);
  const appId = arrival.events.find(isRunLevel)?.appId ?? smallestApp(arrival.events);
  const registration =
    appId === undefined ? undefined : stores.apps.register(run.tenantId, { appId, registeredAt: arrival.receivedAt });
  const expiresAt = entryExpiry(arrival.receivedAt, policy.longestRetentionDays(appId));
  await Promise.all([stores.ledger.append(run, { ...arrival, appId, expiresAt }), registration]);
  return settle(stores, run, await updateHeader(stores, { run, entry: entryOf(arrival), policy }));
};
