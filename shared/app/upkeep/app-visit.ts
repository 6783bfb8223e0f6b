import type { AppKey } from "../../contract/identifiers.ts";
import type { AppSettings, RunPolicy } from "../../domain/app-settings.ts";
import type { StatisticsStore } from "../../ports/statistics-store.ts";
import type { AppUpkeep, UpkeepStore } from "../../ports/upkeep-store.ts";
import type { RecordStores } from "../record/record-arrival.ts";
import type { ExpiryStores } from "../retention/expire-run.ts";

/** The stores that upkeep works on. */
export interface UpkeepStores extends RecordStores, ExpiryStores {
  readonly statistics: StatisticsStore;
  readonly upkeep: UpkeepStore;
  /** A ULID of this time (milliseconds since 1970). */
  readonly newUlid: (time: number) => string;
}

/** A visit to an app. */
export interface AppVisit {
  readonly app: AppKey;
  /** Undefined where nothing was ever set. */
  readonly settings: AppSettings | undefined;
  /** How many parts the app's lists are read from. */
  readonly shards: number;
  readonly policy: RunPolicy;
  /** Whether there is no time to begin anything more. */
  readonly isOutOfTime: () => boolean;
}

/** What a step of a visit has done. */
export interface StepDone {
  /** What is to be remembered from now on: the same object where nothing has changed. */
  readonly upkeep: AppUpkeep;
  /** How many runs were changed. */
  readonly changed: number;
  /** Whether there is more to do at once. */
  readonly hasMore: boolean;
  /** What went wrong with single runs. */
  readonly failures: readonly unknown[];
}

/** One thing that upkeep does for an app. May throw; what it has done by then stands, and doing it again is safe. */
export type UpkeepStep = (visit: AppVisit, upkeep: AppUpkeep) => Promise<StepDone>;

/** Nothing to do. */
export const nothingDone = (upkeep: AppUpkeep): StepDone => ({ upkeep, changed: 0, hasMore: false, failures: [] });
