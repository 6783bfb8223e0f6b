import type { RunKey } from "../../contract/identifiers.ts";
import { type Header, headerOf } from "../../domain/header.ts";
import { hasExpiredEver } from "../../domain/past-expiry.ts";
import type { StoredHeader } from "../../ports/run-store.ts";
import type { RecordStores } from "./record-arrival.ts";
import { policyFor } from "./run-policy.ts";

/** A value of a header that is not what the ledger folds to. */
export interface HeaderDifference {
  readonly name: string;
  readonly header: unknown;
  readonly ledger: unknown;
}

/** A run's header, and what its ledger folds to. */
export interface RebuiltRun {
  readonly present: StoredHeader | undefined;
  readonly folded: Header;
  /** Distinct deliveries of events, and the entries that hold them. */
  readonly events: number;
  readonly entries: number;
  readonly differences: readonly HeaderDifference[];
}

/** What is shown of a run, and by what events. Shard and expiry go by the settings at the time of writing. */
const comparable = (header: Header | undefined): Readonly<Record<string, unknown>> =>
  header === undefined
    ? {}
    : {
        ...header.row,
        phase: header.phase,
        listedAt: header.listedAt,
        seen: header.seen,
        seenFinish: header.seenFinish,
      };

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Folds a run again and compares its header with that. Undefined where nothing is left of its ledger, or it has expired
 * and its header was collected.
 */
export const rebuildRun = async (stores: RecordStores, run: RunKey): Promise<RebuiltRun | undefined> => {
  const { header: present, entries } = await stores.ledger.readAll(run);
  const policy = await policyFor(stores, run.tenantId);
  if (entries.length === 0) return undefined;
  if (present === undefined && hasExpiredEver(entries, policy, stores.clock.now())) return undefined;
  const folded = headerOf(entries, policy);
  const [header, ledger] = [comparable(present), comparable(folded)];
  const names = [...new Set([...Object.keys(header), ...Object.keys(ledger)])];
  const differences = names
    // A run without a start stands where it was first heard of, as far as was known then.
    .filter((name) => !(name === "listedAt" && folded.row.startedAt === undefined))
    .filter((name) => !isSame(header[name], ledger[name]))
    .map((name) => ({ name, header: header[name], ledger: ledger[name] }));
  const events = entries.reduce((sum, entry) => sum + entry.events.length, 0);
  return { present, folded, events, entries: entries.length, differences };
};

/** Puts what the ledger folds to in the header's place; false where somebody else has written it since. */
export const writeRebuilt = (stores: RecordStores, run: RunKey, { present, folded }: RebuiltRun): Promise<boolean> =>
  present === undefined ? stores.runs.create(run, folded) : stores.runs.replace(run, folded, present);
