import { closeStatistics } from "../shared/app/statistics/close-statistics.ts";
import type { AppKey } from "../shared/contract/identifiers.ts";
import { GRAIN_MS } from "../shared/domain/statistics/period.ts";
import type { MeteredService } from "./metered-service.ts";
import { billOf } from "./prices.ts";
import { putItems } from "./put-items.ts";
import { quarterOf } from "./statistics-seed.ts";

/** What summing up a quarter of an hour costs, from its first run to its end. */
export interface ClosingPrice {
  readonly runs: number;
  readonly passes: number;
  /** Of all passes, by run. */
  readonly readUnitsPerRun: number;
  readonly writeUnitsPerRun: number;
  /** Of the passes that found nothing new. */
  readonly idleWriteUnits: number;
}

const MINUTE_MS = 60_000;
/** Between one pass of the upkeep and the next. */
const EVERY_MS = 5 * MINUTE_MS;
/** After the quarter's begin: it is open for half an hour after its end, and five minutes are for clocks that differ. */
const CLOSES_AFTER_MS = 50 * MINUTE_MS;

/** Counts runs of a quarter, a part before each pass until the quarter is over, and sums up until it is closed. */
export const closingPrice = async (
  service: MeteredService,
  app: AppKey,
  of: { readonly from: number; readonly runs: number; readonly tell: (line: string) => void },
): Promise<ClosingPrice> => {
  const { from, runs, tell } = of;
  const { statistics } = service.dependencies;
  await service.bill(() => statistics.mark(app, from));
  const items = [...quarterOf(app, { from, runs })];
  const aPass = Math.ceil((runs * EVERY_MS) / GRAIN_MS.quarter);
  const bills: (ReturnType<typeof billOf> & { readonly isIdle: boolean })[] = [];
  for (let now = from + EVERY_MS; now <= from + CLOSES_AFTER_MS; now += EVERY_MS) {
    const come = items.splice(0, aPass);
    await putItems(service, come.values(), { for: "a quarter", tell });
    const charges = await service.bill(() => closeStatistics(service.dependencies, app, { now }));
    bills.push({ ...billOf(charges), isIdle: come.length === 0 && now < from + CLOSES_AFTER_MS });
  }
  if ((await statistics.marks(app, {})).length > 0) throw new Error("expected the quarter to be closed");
  await service.bill(async () => undefined);
  const sum = (units: readonly number[]): number => units.reduce((total, one) => total + one, 0);
  return {
    runs,
    passes: bills.length,
    readUnitsPerRun: sum(bills.map(({ readUnits }) => readUnits)) / runs,
    writeUnitsPerRun: sum(bills.map(({ writeUnits }) => writeUnits)) / runs,
    idleWriteUnits: sum(bills.filter(({ isIdle }) => isIdle).map(({ writeUnits }) => writeUnits)),
  };
};
