import * as v from "valibot";
import { readRedactionPath } from "./redaction-path.ts";
import type { RUN_STATUSES } from "./run-status.ts";

/** No run can be kept longer (days): the longest that objects are collected by. */
export const LONGEST_RETENTION_DAYS = 3650;

/** What redaction can look for in texts, by name. */
export const DETECTORS = ["api_keys", "tokens", "emails"] as const;
/** One thing that redaction can look for. */
export type DetectorName = (typeof DETECTORS)[number];

/** How payload is kept: as it came, or only its size and a digest. */
export const PAYLOAD_MODES = ["full", "metadata_only"] as const;
/** How payload is kept. */
export type PayloadMode = (typeof PAYLOAD_MODES)[number];

const wholeNumber = (least: number, most: number) => {
  const message = `expected a whole number from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};

const days = v.optional(wholeNumber(1, LONGEST_RETENTION_DAYS));

const redactionPath = v.pipe(
  v.string("expected a JSON path"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const reading = readRedactionPath(dataset.value);
    if (!reading.ok) addIssue({ message: reading.message });
  }),
);

/** Settings of an app as callers write them (contract, section 3.3). What is left out has its default. */
export const AppSettingsBody = v.strictObject({
  /** How long runs are kept after the receipt of the event that decides their status (days), by that status. */
  retention_days: v.optional(
    v.strictObject({
      scheduled: days,
      running: days,
      paused: days,
      succeeded: days,
      failed: days,
      stopped: days,
      "partial-succeeded": days,
    } satisfies Record<(typeof RUN_STATUSES)[number], unknown>),
    {},
  ),
  /** At most so many of the app's newest runs are kept, whatever their age. */
  keep_last: v.optional(v.nullable(wholeNumber(1, 1_000_000)), null),
  /** A run without a sign of life for so long is closed as lost (seconds), where its start does not say otherwise. */
  idle_timeout: v.optional(wholeNumber(60, 30 * 86_400), 1800),
  redact: v.optional(
    v.strictObject({
      /** Where values become `"***"`, in the form of {@link readRedactionPath}. */
      paths: v.optional(v.pipe(v.array(redactionPath), v.maxLength(100, "expected at most 100 paths")), []),
      detectors: v.optional(v.array(v.picklist(DETECTORS, `expected one of ${DETECTORS.join(", ")}`)), []),
    }),
    {},
  ),
  payload_mode: v.optional(v.picklist(PAYLOAD_MODES, `expected one of ${PAYLOAD_MODES.join(", ")}`), "full"),
  /** In how many parts the app's lists are written: one takes some hundred runs a second. */
  write_shards: v.optional(wholeNumber(1, 64), 1),
});
/** Settings of an app with every default filled in. */
export type AppSettingsBody = v.InferOutput<typeof AppSettingsBody>;
