import type { AppKey } from "../contract/identifiers.ts";
import type { RunStatus } from "../contract/run-status.ts";
import type { EntrySpan } from "../domain/entry-span.ts";
import type { RegistryPlace } from "./app-registry.ts";
import type { ListPosition } from "./run-store.ts";

/** A round over the runs of an app, in as many visits as it takes. */
export interface UpkeepRound {
  /** Milliseconds since 1970. */
  readonly begunAt: number;
  /** The settings that it goes by; 0 where they make no difference. */
  readonly version: number;
  /** The last run that was looked at; undefined: none yet, or the round is over. */
  readonly after: ListPosition | undefined;
  /** How many runs were looked at. */
  readonly seen: number;
  /** How many of them could not be dealt with. */
  readonly failed: number;
  readonly isOver: boolean;
}

/** What the upkeep of an app's runs remembers from one visit to the next. What is undefined was never begun. */
export interface AppUpkeep {
  /** Where the look for lost runs goes on; undefined: with the one that began first. */
  readonly lostAfter: ListPosition | undefined;
  /** The settings by which all runs are kept, and their retention in days by status. */
  readonly kept: { readonly version: number; readonly days: Readonly<Record<RunStatus, number>> } | undefined;
  /** Brings the expiry of runs to changed settings. */
  readonly retention: UpkeepRound | undefined;
  /** Lets runs beyond an app's newest expire. */
  readonly newest: UpkeepRound | undefined;
  /** Keeps what is kept of a run as long as the run. */
  readonly outliving: UpkeepRound | undefined;
  readonly span: EntrySpan | undefined;
}

/** Upkeep as stored. `rev` rises by one with each write. */
export interface StoredUpkeep {
  readonly upkeep: AppUpkeep;
  readonly rev: number;
}

/**
 * What upkeep remembers between its ticks; `AppRegistry.listAll` reads it with the apps. Losing it costs time alone:
 * everything is looked at again. Failures of the store are thrown as StoreFault; every call can be repeated safely.
 */
export interface UpkeepStore {
  /** Remembers of a registered app where what is remembered is of this rev (0: nothing yet); else false. */
  keep(app: AppKey, upkeep: AppUpkeep, rev: number): Promise<boolean>;
  /** The place after which the walk over all apps goes on; undefined: it begins anew. Strongly consistent. */
  position(): Promise<RegistryPlace | undefined>;
  /** The last to say it prevails. */
  keepPosition(position: RegistryPlace | undefined): Promise<void>;
}
