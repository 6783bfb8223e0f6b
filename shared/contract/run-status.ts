/** What a run reads (contract, section 1). */
export const RUN_STATUSES = [
  "scheduled",
  "running",
  "paused",
  "succeeded",
  "failed",
  "stopped",
  "partial-succeeded",
] as const;

/** What a run reads at its end. */
export const TERMINAL_STATUSES: ReadonlySet<RunStatus> = new Set([
  "succeeded",
  "failed",
  "stopped",
  "partial-succeeded",
]);

/** What a run reads. */
export type RunStatus = (typeof RUN_STATUSES)[number];
