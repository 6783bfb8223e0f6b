import type { FindReport } from "./find.ts";
import { tableText } from "./report.ts";

/** What finding runs and summing up statistics costs, as tables. */
export const findText = (report: FindReport): string =>
  [
    `Finding among ${report.runs} runs of ${report.apps} apps, the largest of ${report.largestApp}; pages of 20`,
    "",
    tableText([
      ["a request", "queries", "rows", "RRU", "median ms"],
      ...report.prices.map((price) => [
        price.question,
        String(price.queries),
        String(price.rows),
        String(price.readUnits),
        price.medianMs.toFixed(1),
      ]),
    ]),
    "",
    "Summing up a quarter of an hour, in all passes of the upkeep until it is closed",
    "",
    tableText([
      ["of runs", "passes", "RRU a run", "WRU a run"],
      ...report.closing.map(({ runs, passes, readUnitsPerRun, writeUnitsPerRun }) => [
        String(runs),
        String(passes),
        readUnitsPerRun.toFixed(2),
        writeUnitsPerRun.toFixed(3),
      ]),
    ]),
    "",
    `A deep page of an app by its first: ${report.deepPage.readUnits.toFixed(2)} times the read units, ${report.deepPage.time.toFixed(2)} times the time.`,
    ...Object.entries(report.isKept).map(([promise, isKept]) => `${isKept ? "kept" : "BROKEN"}: ${promise}`),
  ].join("\n");
