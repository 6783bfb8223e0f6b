import * as v from "valibot";
import { closeStatistics } from "../shared/app/statistics/close-statistics.ts";
import { type Difference, recountStatistics } from "../shared/app/statistics/recount-statistics.ts";
import { AppId, TenantId } from "../shared/contract/identifiers.ts";
import { GRAIN_MS, type Span } from "../shared/domain/statistics/period.ts";
import { COUNTED_STATUSES, type Summary } from "../shared/domain/statistics/summary.ts";
import { CommandFailure } from "./command-failure.ts";
import type { CommandIo } from "./command-group.ts";
import { optionalOption, parseCommand, requiredOption, TARGET_OPTIONS } from "./command-line.ts";
import { openStores } from "./open-stores.ts";
import { openTarget } from "./open-target.ts";
import { textTable } from "./text-table.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  tenant: { type: "string" },
  app: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  write: { type: "boolean" },
} as const;

const DAY = "expected a date, such as 2026-11-22";
const Day = v.pipe(
  v.string(),
  v.isoDate(DAY),
  v.transform((text) => Date.parse(text)),
);

/** Where `--from` is left out (days). */
const USUAL_DAYS = 30;

/** How many differences are shown: the first ones tell what is wrong. */
const MOST_SHOWN = 50;

const spanOf = (from: number | undefined, to: number | undefined, now: number): Span => {
  const end = to ?? (Math.floor(now / GRAIN_MS.day) + 1) * GRAIN_MS.day;
  const begin = from ?? end - USUAL_DAYS * GRAIN_MS.day;
  if (begin >= end) throw new CommandFailure("--to: expected a date after --from");
  return { from: begin, to: end };
};

const shown = (summary: Summary | undefined): string => {
  const runs = COUNTED_STATUSES.flatMap((status) => {
    const count = summary?.runs.get(status);
    return count === undefined ? [] : [`${count} ${status}`];
  });
  if (summary === undefined || runs.length === 0) return "nothing";
  const prices = [...summary.prices].map(([currency, price]) => `${price} ${currency}`);
  const failures = [...summary.failures.values()].reduce((sum, count) => sum + count, 0);
  return [...runs, `${summary.tokens} tokens`, ...prices, ...(failures === 0 ? [] : [`${failures} failures`])].join(
    ", ",
  );
};

const rowOf = ({ of, from, counted, recounted }: Difference): string[] => [
  "runId" in of ? `run ${of.runId}` : of.grain,
  new Date(from).toISOString().slice(0, 16),
  shown(counted),
  shown(recounted),
];

/** `rebuild statistics`: recounts from ledgers and compares. */
export const rebuildStatistics = async (args: readonly string[], io: CommandIo): Promise<void> => {
  const { values } = parseCommand(args, OPTIONS);
  const app = {
    tenantId: requiredOption("tenant", TenantId, values.tenant),
    appId: requiredOption("app", AppId, values.app),
  };
  const span = spanOf(optionalOption("from", Day, values.from), optionalOption("to", Day, values.to), io.now());
  const isWriting = values.write ?? false;

  using target = await openTarget(values, io.environment);
  const stores = await openStores(target, io);
  const differences: Difference[] = [];
  const tell = (difference: Difference): void => {
    differences.push(difference);
  };
  const done = await recountStatistics(stores, { app, span, isWriting, tell });
  if (isWriting) while ((await closeStatistics(stores, app, { now: io.now() })).hasMore);

  const rows = differences.slice(0, MOST_SHOWN).map(rowOf);
  if (rows.length > 0) io.print(textTable(["OF", "FROM", "COUNTED", "RECOUNTED"], rows));
  if (differences.length > rows.length) io.print(`and ${differences.length - rows.length} more`);
  const compared = `${done.runs} runs and ${done.sums} sums of app ${app.appId} compared`;
  const kept = `; ${done.gone} runs are counted whose ledgers are gone; ${done.final} are of quarters that are final`;
  io.print(
    `${compared}: ${differences.length === 0 ? "all as the ledgers say" : `${differences.length} differ`}${kept}.`,
  );
  if (differences.length === 0) return;
  if (isWriting) io.print("What differed was put right.");
  else throw new CommandFailure("statistics differ from the ledgers: --write puts them right");
};
