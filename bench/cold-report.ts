import { MOST_BUNDLE_BYTES } from "../build/bundle.ts";
import type { ColdStart } from "./cold.ts";
import { tableText } from "./report.ts";

/** How many times longer than the baseline `ingest` may take to load. */
const MOST_LOAD_RATIO = 1.3;

/** The report of cold starts as text. */
export const coldText = (starts: readonly ColdStart[]): string => {
  const of = (name: string, format: ColdStart["format"]) =>
    starts.find((start) => start.name === name && start.format === format);
  const ms = (value = Number.NaN): string => value.toFixed(1);
  const rows = starts
    .filter(({ format }) => format === "cjs")
    .map((start) => [
      start.name,
      (start.sizeBytes / 1024).toFixed(0),
      ms(start.loadMs),
      ms(of(start.name, "esm")?.loadMs),
      start.loadToBaseline.toFixed(2),
      ms(start.firstRequestMs),
    ]);
  const largest = Math.max(...starts.filter(({ format }) => format === "cjs").map(({ sizeBytes }) => sizeBytes));
  const ratio = of("ingest", "cjs")?.loadToBaseline ?? Number.NaN;
  const verdict = (isMet: boolean): string => (isMet ? "met" : "MISSED");
  return [
    "Cold starts, medians of fresh processes (ms)",
    "",
    tableText([["bundle", "KiB", "load, CommonJS", "load, ES module", "to baseline", "first request"], ...rows]),
    "",
    `Largest bundle: ${(largest / 1024).toFixed(0)} KiB of ${MOST_BUNDLE_BYTES / 1024}: ${verdict(largest <= MOST_BUNDLE_BYTES)}`,
    `Load of ingest to baseline: ${ratio.toFixed(2)} of ${MOST_LOAD_RATIO}: ${verdict(ratio <= MOST_LOAD_RATIO)}`,
  ].join("\n");
};
