import * as v from "valibot";
import { presentInterval, presentTotal } from "../../shared/app/statistics/present-statistics.ts";
import { readStatistics, sumsToRead } from "../../shared/app/statistics/read-statistics.ts";
import { instantOf, showInstant } from "../../shared/contract/instant.ts";
import {
  INTERVALS,
  type Interval,
  intervalsIn,
  type LocalClock,
  localClock,
} from "../../shared/domain/statistics/local-time.ts";
import type { Span } from "../../shared/domain/statistics/period.ts";
import { sumOf } from "../../shared/domain/statistics/summary.ts";
import { jsonAnswer, type Refusal, refuse } from "../../shared/lambda/answer.ts";
import type { Dependencies } from "../../shared/lambda/dependencies.ts";
import type { RouteHandler } from "../../shared/lambda/http-function.ts";
import { readQuery } from "../../shared/lambda/query-parameters.ts";
import { appIdOf, tenantOf } from "../../shared/lambda/request.ts";
import { requestedSpan, SPAN_PARAMETERS } from "./requested-span.ts";

/** An answer has no more rows. */
const MOST_ROWS = 1000;

/** The intervals of a query are made of no more sums: it can read some more, where quarters are marked. */
const MOST_SUMS = 2500;

const parameters = {
  ...SPAN_PARAMETERS,
  interval: v.optional(v.picklist(INTERVALS, `expected one of ${INTERVALS.join(", ")}`), "day"),
};

const refuseQuery = (path: string, message: string): Refusal =>
  refuse("INVALID_REQUEST", "the query is not valid", { errors: [{ path, message }] });

const rowsOf = (span: Span, clock: LocalClock, interval: Interval): readonly Span[] | Refusal => {
  if (span.from >= span.to) return refuseQuery("to", "expected a moment after from");
  const rows = intervalsIn(span, { clock, interval, most: MOST_ROWS });
  if (rows === undefined) {
    return refuseQuery("interval", `expected at most ${MOST_ROWS} intervals between from and to`);
  }
  const sums = sumsToRead(rows);
  if (sums <= MOST_SUMS) return rows;
  const instead = "ask for a shorter span, a larger interval, or UTC, whose days and hours are one sum each";
  return refuseQuery("interval", `expected intervals made of at most ${MOST_SUMS} sums, not ${sums}: ${instead}`);
};

/**
 * `GET /v1/apps/{app_id}/statistics`: what runs that have ended come to, by intervals in which they began. Where something
 * is not counted in yet, `complete` is false, and `as_of` says up to when all is, if that is known.
 */
export const getStatistics =
  (dependencies: Dependencies): RouteHandler =>
  async (request) => {
    const read = readQuery(request, parameters);
    if ("code" in read) return read;
    const appId = appIdOf(request);
    if (appId === undefined) return refuse("NOT_FOUND", "there is no app of this id");
    const { time_zone: timeZone, interval } = read.query;
    const clock = localClock(timeZone) as LocalClock;
    const span = requestedSpan(read.query, clock, dependencies.clock.now());
    const rows = rowsOf(span, clock, interval);
    if ("code" in rows) return rows;
    const { sums, isComplete, asOf } = await readStatistics(
      dependencies,
      { tenantId: tenantOf(request), appId },
      { spans: rows, now: dependencies.clock.now() },
    );
    return jsonAnswer({
      app_id: appId,
      interval,
      time_zone: timeZone,
      from: showInstant(instantOf(span.from)),
      to: showInstant(instantOf(span.to)),
      complete: isComplete,
      ...(asOf === undefined ? {} : { as_of: showInstant(instantOf(asOf)) }),
      total: presentTotal(span, sumOf(sums)),
      data: rows.map((row, index) => presentInterval(row, sums[index] ?? sumOf([]))),
    });
  };
