import type { AppId, RunKey } from "../contract/identifiers.ts";
import type { Arrival, LedgerEntry, PayloadPlace } from "../domain/fold/ledger.ts";
import type { StoredFailure } from "./failure-store.ts";
import type { StoredHeader } from "./run-store.ts";

/** Events of one run to be written as one entry. */
export interface NewEntry extends Arrival {
  /** Who owns the run, where the events say so: its graphs are kept under this app. */
  readonly appId: AppId | undefined;
  /** Seconds since 1970 after which the entry may be collected. */
  readonly expiresAt: number;
}

/** An entry is durable this long after its receipt at the latest (milliseconds), or never. */
export const LATEST_WRITE_MS = 20_000;

/** All that is kept of a run. The header may be of a moment after the entries. */
export interface RunRecord {
  readonly header: StoredHeader | undefined;
  readonly entries: LedgerEntry[];
  /** The rows of its failures, in order of node execution id. */
  readonly failures: StoredFailure[];
}

/** What was removed of a run. */
export interface RemovedRecord {
  /** Ledger entries and claims. */
  readonly entries: number;
  readonly events: number;
  readonly objects: number;
}

/** A place in a run's ledger in the order of receipt. */
export interface LedgerPosition {
  /** Entries received up to this time (milliseconds) are left out. */
  readonly after: number;
}

/**
 * The truth: entries of runs, written once and never changed. Reads are strongly consistent: they see every entry whose
 * write was acknowledged. Failures of the store are thrown as StoreFault; a call that threw may have taken effect, and
 * can be repeated safely.
 */
export interface LedgerStore {
  /**
   * Makes an entry durable, its payload objects before it, with a copy of each upload that it refers to. An entry that
   * could not be written within {@link LATEST_WRITE_MS} of its receipt is refused with a retryable fault, for readers
   * that follow a ledger rely on it; so is one whose upload has gone meanwhile.
   */
  append(run: RunKey, entry: NewEntry): Promise<void>;
  /** Opens an epoch: false where somebody else has opened it. Holds one `run.claimed` event of that epoch. */
  claim(run: RunKey, entry: NewEntry, epoch: number): Promise<boolean>;
  /** Whether a claim opened this epoch. */
  hasClaim(run: RunKey, epoch: number): Promise<boolean>;
  /** When the first entry of the run was received (milliseconds since 1970); undefined where there is none. */
  firstReceipt(run: RunKey): Promise<number | undefined>;
  /** When the run's newest entry or claim was received (milliseconds since 1970), its last sign of life; undefined: none. */
  lastReceipt(run: RunKey): Promise<number | undefined>;
  /**
   * When the first of the run's entries and claims may be collected (seconds since 1970; NEVER: none of them);
   * undefined: there is none.
   */
  keptUntil(run: RunKey): Promise<number | undefined>;
  /** Every entry of the run in order of keys, its header, and the rows of its failures; empty for an unknown run. */
  readAll(run: RunKey): Promise<RunRecord>;
  /** Entries received after a moment, and every claim, in order of receipt. */
  readFrom(run: RunKey, position: LedgerPosition): AsyncIterable<LedgerEntry>;
  /**
   * Removes whatever there is of the run but what stands under its header's key: entries, claims, failures, and its
   * objects, those of entries that were never written among them. Repeating it removes what has come since. With
   * `uploads` the uploads that it has copies of go too: others can refer to them no more.
   */
  removeAll(run: RunKey, of?: { readonly uploads: boolean }): Promise<RemovedRecord>;
  /**
   * Keeps all that there is of the run until then at least (seconds since 1970); for ever where it is NEVER. What was
   * kept for ever is kept until then from now on. Objects stay readable all the while. Safe to repeat.
   */
  keepUntil(run: RunKey, expiresAt: number): Promise<void>;
  /** The texts at these places, in their order. A place whose text is gone gives undefined. */
  readTexts(run: RunKey, places: readonly PayloadPlace[]): Promise<(string | undefined)[]>;
}
