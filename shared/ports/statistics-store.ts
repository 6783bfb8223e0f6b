import type { AppKey } from "../contract/identifiers.ts";
import type { Grain, Period, Span } from "../domain/statistics/period.ts";
import type { Summary } from "../domain/statistics/summary.ts";
import type { RunMoment } from "./failure-store.ts";

/** What one run adds to a quarter of an hour of its app. */
export interface Contribution {
  /** Stands for the run, and does not tell it. */
  readonly run: string;
  /** The state of the run that was counted. */
  readonly moment: RunMoment;
  /** Undefined: the run adds nothing here any more. */
  readonly summary: Summary | undefined;
  /** Seconds since 1970 after which it may be collected. */
  readonly expiresAt: number;
}

/** Says that a quarter may hold what its summary lacks. */
export interface Mark {
  readonly quarter: number;
  /** No two marks are the same. */
  readonly mark: string;
}

/** A period that was summed up. */
export interface PeriodSummary {
  readonly summary: Summary;
  /** Quarters only: when it can be corrected no more (milliseconds since 1970). */
  readonly finalAt: number | undefined;
  /**
   * Provisional sums of quarters that are open only: all that was counted until then is in it (milliseconds since 1970).
   */
  readonly asOf?: number | undefined;
}

/** As stored. `version` rises by one with each write. */
export interface StoredSummary extends PeriodSummary {
  readonly from: number;
  readonly version: number;
}

/**
 * What is counted of an app's runs. Quarters, and spans of them, are moments in milliseconds since 1970. All reads are
 * strongly consistent. Failures of the store are thrown as StoreFault; a call that threw may have taken effect, and
 * every one can be repeated safely.
 */
export interface StatisticsStore {
  /**
   * Puts what a run adds to a quarter in the place of what an earlier state of it added, or with `isRepair` the same
   * state too; false where there is anything later, or of the same.
   */
  contribute(app: AppKey, quarter: number, contribution: Contribution, isRepair?: boolean): Promise<boolean>;
  /** All that runs add to a quarter, in no order. */
  contributions(app: AppKey, quarter: number): AsyncIterable<Contribution>;
  /** Marks a quarter anew. */
  mark(app: AppKey, quarter: number): Promise<void>;
  /** The marks of quarters within a span, of any where there is none, in order or newest first; at most `limit`. */
  marks(
    app: AppKey,
    of: { readonly span?: Span | undefined; readonly limit?: number; readonly isNewestFirst?: boolean },
  ): Promise<Mark[]>;
  /** Takes a mark away; not one that was made since. */
  unmark(app: AppKey, mark: Mark): Promise<void>;
  /** Undefined where the period was never summed up. */
  find(app: AppKey, period: Period): Promise<StoredSummary | undefined>;
  /** The summaries of a grain within a span, in order. */
  list(app: AppKey, grain: Grain, span: Span): AsyncIterable<StoredSummary>;
  /** Writes a period's summary where it is of this version (0: not there yet); false where it is of another. */
  put(app: AppKey, period: Period, summary: PeriodSummary, version: number): Promise<boolean>;
}
