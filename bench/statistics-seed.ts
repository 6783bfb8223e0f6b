import * as v from "valibot";
import { countedName } from "../shared/app/statistics/contribute.ts";
import { type AppKey, RunId } from "../shared/contract/identifiers.ts";
import { contributionExpiry } from "../shared/domain/statistics/finality.ts";
import { latencyOf } from "../shared/domain/statistics/latency-sketch.ts";
import { GRAIN_MS } from "../shared/domain/statistics/period.ts";
import { failureName, type Summary, sumOf } from "../shared/domain/statistics/summary.ts";
import { userOf } from "../shared/domain/statistics/user-sketch.ts";
import { contributionItem, kindOfGrain, statisticsKey, summaryItem } from "../shared/dynamodb/statistics-item.ts";
import { idOf, randomFrom } from "./find-seed.ts";

type Item = Record<string, unknown>;

/** So many runs an hour of the history is of. */
const RUNS_AN_HOUR = 100;
const USERS = 1_000;
const FAILED_PART = 0.05;

/** What a run of an app adds. */
const summaryOf = (random: () => number): Summary => {
  const hasFailed = random() < FAILED_PART;
  return {
    runs: new Map([[hasFailed ? "failed" : "succeeded", 1]]),
    tokens: BigInt(Math.floor(random() * 3_000)),
    prices: new Map([["USD", (random() / 100).toFixed(7)]]),
    latency: latencyOf(Math.floor(500 * 100 ** random())),
    users: userOf(idOf("user", Math.floor(random() * USERS))),
    triggers: new Map([["app-run", 1]]),
    versions: new Map([["2026-11-01 09:30:00.000000", 1]]),
    failures: new Map(hasFailed ? [[failureName("1732007415808", "0".repeat(12)), 1]] : []),
  };
};

const sumItem = (app: AppKey, grain: "hour" | "day", of: { from: number; summary: Summary }): Item => ({
  ...statisticsKey(app, kindOfGrain(grain), of.from),
  ...summaryItem({ summary: of.summary, finalAt: undefined }, 1),
});

/** The sums of so many days before the one of `until`, and of its hours; every day is like the others. */
export function* historyOf(app: AppKey, of: { readonly days: number; readonly until: number }): Generator<Item> {
  const random = randomFrom(11);
  const hours = Array.from({ length: 24 }, () => sumOf(Array.from({ length: RUNS_AN_HOUR }, () => summaryOf(random))));
  const day = sumOf(hours);
  const today = Math.floor(of.until / GRAIN_MS.day) * GRAIN_MS.day;
  for (let from = today - of.days * GRAIN_MS.day; from < of.until; from += GRAIN_MS.day) {
    yield sumItem(app, "day", { from, summary: day });
    for (const [hour, summary] of hours.entries()) {
      const at = from + hour * GRAIN_MS.hour;
      if (at < of.until) yield sumItem(app, "hour", { from: at, summary });
    }
  }
}

/** What so many runs add to a quarter of an hour. */
export function* quarterOf(app: AppKey, of: { readonly from: number; readonly runs: number }): Generator<Item> {
  const random = randomFrom(13);
  for (let number = 0; number < of.runs; number++) {
    yield contributionItem(app, of.from, {
      run: countedName(v.parse(RunId, idOf("counted", number))),
      moment: { rev: 3, touches: 0 },
      summary: summaryOf(random),
      expiresAt: contributionExpiry(of.from),
    });
  }
}
