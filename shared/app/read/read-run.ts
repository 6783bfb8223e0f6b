import type { RunKey } from "../../contract/identifiers.ts";
import { JsonText } from "../../contract/json-text.ts";
import type { LedgerEntry } from "../../domain/fold/ledger.ts";
import { compareSize, type MemberPayload } from "../../domain/fold/member.ts";
import { foldRun, type RunState } from "../../domain/fold/run-fold.ts";
import { hasExpired } from "../../domain/retention.ts";
import type { Clock } from "../../ports/clock.ts";
import type { StoredFailure } from "../../ports/failure-store.ts";
import type { LedgerStore } from "../../ports/ledger-store.ts";
import { isTombstone, type RunStore, type StoredHeader } from "../../ports/run-store.ts";

/** The stores that reading a run needs. */
export interface ReadStores {
  readonly ledger: LedgerStore;
  readonly clock: Clock;
}

/** A run as it is now: its header and what its ledger folds to. */
export interface ReadRun {
  readonly header: StoredHeader;
  readonly entries: readonly LedgerEntry[];
  /** The rows of its failures that were there. */
  readonly failures: readonly StoredFailure[];
  readonly state: RunState;
}

/** Reads and folds a run. Undefined where there is none, or none any more. */
export const readRun = async (stores: ReadStores, run: RunKey): Promise<ReadRun | undefined> => {
  const { header, entries, failures } = await stores.ledger.readAll(run);
  if (header === undefined || hasExpired(header.expiresAt, stores.clock.now())) return undefined;
  return { header, entries, failures, state: foldRun(entries) };
};

/** The texts of payload values. A value whose text is gone is left out. */
export type PayloadTexts = ReadonlyMap<MemberPayload, JsonText>;

/**
 * Reads the texts of payload values: from the entries at hand where they hold them, else from the store. Of equal
 * copies it takes the smallest text.
 */
export const readTexts = async (
  ledger: LedgerStore,
  run: RunKey,
  payload: readonly MemberPayload[],
): Promise<PayloadTexts> => {
  const copies = payload.flatMap((value) => value.copies.map((copy) => ({ value, copy })));
  const elsewhere = copies.flatMap(({ value, copy }) =>
    copy.place === undefined ? [] : [{ value, place: copy.place }],
  );
  const places = elsewhere.map(({ place }) => place);
  const read = places.length === 0 ? [] : await ledger.readTexts(run, places);
  const found = [
    ...copies.map(({ value, copy }) => ({ value, text: copy.text })),
    ...elsewhere.map(({ value }, index) => ({ value, text: read[index] })),
  ];
  const texts = new Map<MemberPayload, JsonText>();
  for (const { value, text } of found) {
    const present = texts.get(value);
    if (text === undefined || (present !== undefined && compareSize(present.text, text) <= 0)) continue;
    texts.set(value, new JsonText(text));
  }
  return texts;
};

/** As {@link readTexts}; undefined where texts are gone since somebody has deleted the run meanwhile. */
export const readTextsUnlessDeleted = async (
  { ledger, runs }: { readonly ledger: LedgerStore; readonly runs: Pick<RunStore, "find"> },
  run: RunKey,
  payload: readonly MemberPayload[],
): Promise<PayloadTexts | undefined> => {
  const texts = await readTexts(ledger, run, payload);
  const isWhole = payload.every((value) => texts.has(value));
  return isWhole || !isTombstone(await runs.find(run)) ? texts : undefined;
};
