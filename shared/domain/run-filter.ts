import type { AppId, RunId } from "../contract/identifiers.ts";
import type { Instant } from "../contract/instant.ts";
import type { RunStatus } from "../contract/run-status.ts";
import { elapsedSeconds, type Header } from "./header.ts";
import { hasRowTag, ROW_TEXT_BYTES, rowText } from "./row-text.ts";

/** From when until when a run is listed: the half-open range `after <= t < before`. */
export interface TimeRange {
  readonly after: Instant | undefined;
  readonly before: Instant | undefined;
}

/** Which runs are asked for. All that is said must hold; undefined and empty say nothing. */
export interface RunFilter {
  /** One of them. */
  readonly statuses: readonly RunStatus[];
  readonly triggeredFrom: string | undefined;
  readonly workflowId: string | undefined;
  readonly workflowVersion: string | undefined;
  readonly createdBy: string | undefined;
  /** All of them. */
  readonly tags: readonly string[];
  readonly hasExceptions: boolean | undefined;
  /** Of the run's start; of the receipt of its first event while that is missing. */
  readonly created: TimeRange;
  /** Seconds. A run that has not ended has no elapsed time. */
  readonly minElapsedSeconds: number | undefined;
  readonly parentRunId: RunId | undefined;
}

/** The filter that lets every run through. */
export const ANY_RUN: RunFilter = {
  statuses: [],
  triggeredFrom: undefined,
  workflowId: undefined,
  workflowVersion: undefined,
  createdBy: undefined,
  tags: [],
  hasExceptions: undefined,
  created: { after: undefined, before: undefined },
  minElapsedSeconds: undefined,
  parentRunId: undefined,
};

const isWithin = (listedAt: Instant, { after, before }: TimeRange): boolean =>
  (after === undefined || listedAt >= after) && (before === undefined || listedAt < before);

const isAtLeast = (least: number | undefined, value: number | undefined): boolean =>
  least === undefined || (value !== undefined && value >= least);

/** Whether runs match a filter, and belong to an app where one is named: by what a row keeps, so that cut texts match too. */
export const runMatcher = (
  filter: RunFilter,
  appId: AppId | undefined,
): ((run: Pick<Header, "row" | "listedAt">) => boolean) => {
  const kept = (text: string | undefined, mostBytes?: number) =>
    text === undefined ? undefined : rowText(text, mostBytes);
  const triggeredFrom = kept(filter.triggeredFrom, ROW_TEXT_BYTES.kind);
  const workflowId = kept(filter.workflowId, ROW_TEXT_BYTES.workflowId);
  const workflowVersion = kept(filter.workflowVersion);
  const createdBy = kept(filter.createdBy);
  const statuses = new Set(filter.statuses);
  const isWanted = <T>(wanted: T | undefined, value: T | undefined): boolean =>
    wanted === undefined || wanted === value;
  return ({ row, listedAt }) =>
    isWanted(appId, row.appId) &&
    (statuses.size === 0 || statuses.has(row.status)) &&
    isWithin(listedAt, filter.created) &&
    isWanted(triggeredFrom, row.triggeredFrom) &&
    isWanted(workflowId, row.workflowId) &&
    isWanted(workflowVersion, row.workflowVersion) &&
    isWanted(createdBy, row.createdBy) &&
    isWanted(filter.parentRunId as string | undefined, row.parentRunId) &&
    isWanted(filter.hasExceptions, (row.exceptionsCount ?? 0) > 0) &&
    isAtLeast(filter.minElapsedSeconds, elapsedSeconds(row)) &&
    filter.tags.every((tag) => hasRowTag(row.tags, tag));
};
