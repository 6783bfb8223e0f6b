import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DynamoDBRecord } from "aws-lambda";
import { projectFunction } from "../../functions/project/project.ts";
import { readFailures } from "../../shared/app/failures/read-failures.ts";
import { closeStatistics } from "../../shared/app/statistics/close-statistics.ts";
import { readStatistics } from "../../shared/app/statistics/read-statistics.ts";
import { type Difference, recountStatistics } from "../../shared/app/statistics/recount-statistics.ts";
import type { AppKey, RunKey } from "../../shared/contract/identifiers.ts";
import { foldRun } from "../../shared/domain/fold/run-fold.ts";
import { GRAIN_MS, GRAINS, type Grain, periodOf, quarterOf, type Span } from "../../shared/domain/statistics/period.ts";
import { summaryOfRun } from "../../shared/domain/statistics/run-summary.ts";
import { type Summary, sumOf } from "../../shared/domain/statistics/summary.ts";
import { writeSummary } from "../../shared/domain/statistics/summary-text.ts";
import { fileBlobStore } from "../../shared/files/file-blob-store.ts";
import { connect } from "../../shared/lambda/connect.ts";
import { startTables } from "../contract/dynamo-tables.ts";
import { appKey } from "../contract/statistics-store.ts";
import { ZERO } from "../support/builders.ts";
import { type CrashPoints, crashPoints } from "../support/crash-points.ts";
import { type ManualClock, manualClock } from "../support/manual-clock.ts";
import { memoryPublisher } from "../support/memory-publisher.ts";
import { memoryStores, type RunStores } from "../support/memory-stores.ts";
import { RANDOM_APPS, randomNumbers, randomRuns } from "../support/random-runs.ts";
import { recordingWorld } from "../support/recording-world.ts";
import { runByRun } from "../support/run-by-run.ts";

const RUNS = Number(process.env["RUNSTONE_STATISTICS_RUNS"] ?? 10_000);
/** Runs on the emulated database, which takes a few hundred writes a second. */
const STORED_RUNS = 150;
const SEED = Number(process.env["RUNSTONE_STATISTICS_SEED"] ?? 20_261_122);
const HOURS = 30;
const BEGIN = new Date(ZERO - HOURS * GRAIN_MS.hour).toISOString();
const APPS = RANDOM_APPS.map(({ tenant, app }) => appKey(tenant, app));

/** A function over stores that can stop at each of their calls. After a crash the process may be a new one. */
const startProject = (stores: RunStores, crashes: CrashPoints, isNewProcess: () => boolean) => {
  const start = () =>
    projectFunction({
      ledger: crashes.wrap(stores.ledger),
      failures: crashes.wrap(stores.failures),
      statistics: crashes.wrap(stores.statistics),
      publisher: crashes.wrap(memoryPublisher()),
      clock: stores.clock,
      log: () => undefined,
    });
  let project = start();
  return async (Records: DynamoDBRecord[]): Promise<void> => {
    if (isNewProcess()) project = start();
    await project({ Records });
  };
};

/** Lives that each end in a crash, one call further each time, before it and after it; then one that does not. How many did. */
const walk = async (crashes: CrashPoints, live: () => Promise<unknown>): Promise<number> => {
  for (let call = 1; ; call++) {
    for (const moment of ["before", "after"] as const) {
      crashes.begin(call, moment);
      const error = await live().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!crashes.isDown && error !== undefined) throw error;
      if (!crashes.isDown) return 2 * (call - 1);
      if (error === undefined) throw new Error(`a crash ${moment} call ${call} was passed over`);
    }
  }
};

/** One life that ends in a crash somewhere, perhaps; then one that does not. */
const stumble = async (crashes: CrashPoints, live: () => Promise<unknown>, at: number): Promise<void> => {
  crashes.begin(Math.ceil(at), at % 1 < 0.5 ? "before" : "after");
  await live().catch((error: unknown) => {
    if (!crashes.isDown) throw error;
  });
  crashes.begin();
  await live();
};

/** What runs come to by quarters of an hour, from their ledgers alone. */
const recount = async (
  { ledger }: Pick<RunStores, "ledger">,
  runs: Iterable<RunKey>,
): Promise<ReadonlyMap<string, ReadonlyMap<number, Summary[]>>> => {
  const found = new Map<string, Map<number, Summary[]>>();
  for (const run of runs) {
    const { header, entries } = await ledger.readAll(run);
    const state = foldRun(entries);
    const summary = summaryOfRun(state, await readFailures(ledger, run, state));
    if (header === undefined || state.appId === undefined || summary === undefined) continue;
    const app = `${run.tenantId}#${state.appId}`;
    const quarter = quarterOf(state.startedAt ?? header.listedAt);
    const quarters = found.get(app) ?? new Map<number, Summary[]>();
    found.set(app, quarters.set(quarter, [...(quarters.get(quarter) ?? []), summary]));
  }
  return found;
};

const ofApp = (counted: Awaited<ReturnType<typeof recount>>, { tenantId, appId }: AppKey) =>
  counted.get(`${tenantId}#${appId}`) ?? new Map<number, Summary[]>();

/** Sums of a grain by their begin, as text: only those that hold a run. */
const bySums = (quarters: ReadonlyMap<number, Summary[]>, grain: Grain): Map<number, string> => {
  const begins = Map.groupBy(quarters, ([quarter]) => periodOf(grain, quarter).from);
  return new Map(
    [...begins]
      .map(([from, parts]): [number, string] => [from, writeSummary(sumOf(parts.flatMap(([, runs]) => runs)))])
      .sort(([a], [b]) => a - b),
  );
};

const EVERYTHING: Span = { from: ZERO - 30 * GRAIN_MS.day, to: ZERO + 30 * GRAIN_MS.day };
const EMPTY = writeSummary(sumOf([]));

/** The sums of a grain that are stored, as text: only those that hold a run. */
const stored = async ({ statistics }: RunStores, app: AppKey, grain: Grain): Promise<Map<number, string>> => {
  const sums = await Array.fromAsync(statistics.list(app, grain, EVERYTHING));
  return new Map(
    sums
      .map(({ from, summary }): [number, string] => [from, writeSummary(summary)])
      .filter(([, text]) => text !== EMPTY),
  );
};

const closeAll = async (stores: RunStores, now: number, mostApart: number): Promise<void> => {
  for (const app of APPS) {
    while ((await closeStatistics(stores, app, { now, mostApart })).hasMore);
  }
};

/** What a trial is of. */
interface Trial {
  readonly stores: RunStores;
  readonly clock: ManualClock;
  readonly runs: number;
  /** Of so many batches and passes one is stopped at each of its calls; the others at one of them. */
  readonly walkEach: number;
  /** Open quarters of more runs are summed up provisionally. */
  readonly mostApart: number;
}

/** Records runs while their changes are followed and statistics are summed up; all of it stops again and again. */
const tryOut = async ({ stores, clock, runs, walkEach, mostApart }: Trial) => {
  const random = randomNumbers(SEED);
  const whole = (below: number): number => Math.floor(random() * below);
  const { record } = recordingWorld(clock, stores);
  const [projecting, closing] = [crashPoints(() => whole(3)), crashPoints(() => whole(3))];
  const project = startProject(stores, projecting, () => random() < 0.2);
  const closers = { statistics: closing.wrap(stores.statistics) };
  const done = { batches: 0, passes: 0, crashes: 0, provisional: 0 };

  const follow = async (batch: DynamoDBRecord[]): Promise<void> => {
    if (++done.batches % walkEach === 0) done.crashes += await walk(projecting, () => project(batch.slice(0, 6)));
    await stumble(projecting, () => project(batch), 1 + random() * 60);
  };
  const close = async (): Promise<void> => {
    const app = APPS[whole(APPS.length)] as AppKey;
    const live = () => closeStatistics(closers, app, { now: clock.now(), mostApart });
    const { length } = await stores.statistics.marks(app, {});
    if (++done.passes % walkEach === 0 && length < 8) done.crashes += await walk(closing, live);
    else await stumble(closing, live, 1 + random() * 80);
    const lastHours = { from: clock.now() - 2 * GRAIN_MS.hour, to: clock.now() };
    const sums = await Array.fromAsync(stores.statistics.list(app, "quarter", lastHours));
    done.provisional += sums.filter(({ asOf }) => asOf === clock.now()).length;
  };

  const waiting: DynamoDBRecord[] = [];
  const deliveries = randomRuns(random, { runs, hours: HOURS });
  for (const [index, delivery] of deliveries.entries()) {
    waiting.push(...(await record(delivery)));
    if (index % 40 !== 0) continue;
    // Some records stay behind for hours, some come again.
    const batch: DynamoDBRecord[] = [];
    for (let taken = whole(80); taken > 0 && waiting.length > 0; taken--) {
      const at = whole(waiting.length);
      batch.push(waiting[at] as DynamoDBRecord);
      if (random() < 0.8) waiting.splice(at, 1);
    }
    await Promise.all([follow(batch), ...(index % 120 === 0 ? [close()] : [])]);
  }
  while (waiting.length > 0) await follow(waiting.splice(0, 100));
  return { ...done, runKeys: new Map(deliveries.map(({ run }) => [`${run.tenantId}#${run.runId}`, run])).values() };
};

const HOURS_READ: readonly Span[] = Array.from({ length: 4 * 24 }, (_, hour) => {
  const from = ZERO - 2 * GRAIN_MS.day + hour * GRAIN_MS.hour;
  return { from, to: from + GRAIN_MS.hour };
});

const EVERY_RUN = { quarters: Number.POSITIVE_INFINITY, runs: Number.POSITIVE_INFINITY };

/** What is read by hours, as text: only those that hold a run. */
const readHours = async (stores: Pick<RunStores, "statistics">, app: AppKey, now: number) => {
  const { sums, ...read } = await readStatistics(stores, app, { spans: HOURS_READ, now, most: EVERY_RUN });
  const texts = sums.map((sum, index): [number, string] => [HOURS_READ[index]?.from ?? 0, writeSummary(sum)]);
  return { ...read, hours: new Map(texts.filter(([, text]) => text !== EMPTY)) };
};

/** What `rebuild` tells of all apps. */
const differencesOf = async (stores: RunStores): Promise<Difference[]> => {
  const settings = { ofTenant: async () => ({ apps: new Map() }) };
  const differences: Difference[] = [];
  const tell = (difference: Difference) => void differences.push(difference);
  const span = { from: periodOf("day", ZERO).from - 3 * GRAIN_MS.day, to: periodOf("day", ZERO).from + GRAIN_MS.day };
  for (const app of APPS) await recountStatistics({ ...stores, settings }, { app, span, isWriting: false, tell });
  return differences;
};

/**
 * That what is read and what is stored is what the ledgers of the runs say: before all is summed up, with provisional sums
 * of the last hour's quarters, and after.
 */
const expectRecount = async ({ stores, clock, mostApart }: Trial, runKeys: Iterable<RunKey>): Promise<number> => {
  const counted = await recount(stores, runKeys);
  const hoursOf = (app: AppKey) => bySums(ofApp(counted, app), "hour");
  for (const app of APPS) {
    const read = await readHours({ statistics: runByRun(stores.statistics) }, app, 0);
    expect(read.hours).toEqual(hoursOf(app));
  }

  await closeAll(stores, ZERO, mostApart);
  const reads = await Promise.all(APPS.map((app) => readHours(stores, app, ZERO)));
  for (const [index, app] of APPS.entries()) expect(reads[index]?.hours).toEqual(hoursOf(app));
  expect(new Set(reads.map(({ isComplete, asOf }) => (isComplete ? undefined : asOf)))).toContain(ZERO);
  expect(await differencesOf(stores)).toEqual([]);

  clock.advance(GRAIN_MS.day);
  await closeAll(stores, clock.now(), mostApart);
  for (const app of APPS) {
    const quarters = ofApp(counted, app);
    expect(await stores.statistics.marks(app, {})).toEqual([]);
    for (const grain of GRAINS) expect(await stored(stores, app, grain)).toEqual(bySums(quarters, grain));
    const read = await readHours(stores, app, clock.now());
    expect(read).toEqual({ isComplete: true, asOf: undefined, hours: hoursOf(app) });
  }
  expect(await differencesOf(stores)).toEqual([]);
  return [...counted.values()].flatMap((quarters) => [...quarters.values()].flat()).length;
};

test(`statistics of ${RUNS} runs equal a recount from their ledgers, however the stream comes and whoever crashes`, async () => {
  const clock = manualClock(BEGIN);
  const trial = { stores: memoryStores(clock), clock, runs: RUNS, walkEach: 5, mostApart: Math.floor(RUNS / 1250) };
  const { runKeys, batches, crashes, provisional } = await tryOut(trial);

  expect(await expectRecount(trial, runKeys)).toBeGreaterThan(RUNS * 0.8);
  expect(crashes).toBeGreaterThan(batches);
  expect(provisional).toBeGreaterThan(RUNS / 200);
}, 300_000);

test(`so do those of ${STORED_RUNS} runs in the database`, async () => {
  const clock = manualClock(BEGIN);
  const { client, table, stop } = await startTables();
  const objects = mkdtempSync(join(tmpdir(), "runstone-statistics-"));
  const stores = connect({ dynamodb: client, tableName: table.name, blobs: fileBlobStore(objects), clock });
  const trial = { stores, clock, runs: STORED_RUNS, walkEach: 6, mostApart: 0 };
  const { runKeys, crashes } = await tryOut(trial);

  expect(await expectRecount(trial, runKeys)).toBeGreaterThan(STORED_RUNS * 0.8);
  expect(crashes).toBeGreaterThan(20);
  stop();
  rmSync(objects, { recursive: true });
}, 180_000);
