import type { FindReport } from "./find.ts";
import { tableText } from "./report.ts";

/** What finding runs costs, as a table. */
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
    `A deep page of an app by its first: ${report.deepPage.readUnits.toFixed(2)} times the read units, ${report.deepPage.time.toFixed(2)} times the time.`,
    ...Object.entries(report.isKept).map(([promise, isKept]) => `${isKept ? "kept" : "BROKEN"}: ${promise}`),
  ].join("\n");
