import type { MeteredService, Query } from "./metered-service.ts";
import { billOf } from "./prices.ts";

/** What finding runs costs, a request. */
export interface FindPrice {
  readonly question: string;
  readonly queries: number;
  /** Rows that were read. */
  readonly rows: number;
  readonly readUnits: number;
  /** Median of several requests, without the meter. */
  readonly medianMs: number;
}

/** Two services over one table. */
export interface Bench {
  readonly metered: MeteredService;
  /** For times. */
  readonly plain: MeteredService;
}

/** A question and how it is asked. */
export interface Asked {
  readonly question: string;
  readonly query: Query;
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** Requests take turns, so that what else the machine does falls on all alike. */
const timesOf = async ({ plain }: Bench, asked: readonly Asked[], repetitions: number): Promise<number[]> => {
  const times = asked.map((): number[] => []);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const [index, { query }] of asked.entries()) {
      const before = performance.now();
      await plain.get(query);
      times[index]?.push(performance.now() - before);
    }
  }
  return times.map(median);
};

const priceOf = async ({ metered }: Bench, { question, query }: Asked, medianMs: number): Promise<FindPrice> => {
  // A process reads a tenant's settings every few seconds, not with each request.
  await metered.get(query);
  const { charges } = await metered.get(query);
  const rows = charges.reduce((sum, { of }) => sum + Number(/^(\d+) items$/.exec(of)?.[1] ?? 0), 0);
  return { question, queries: charges.length, rows, readUnits: billOf(charges).readUnits, medianMs };
};

/** What each of these requests costs. */
export const pricesOf = async (bench: Bench, asked: readonly Asked[], repetitions: number): Promise<FindPrice[]> => {
  const times = await timesOf(bench, asked, repetitions);
  const prices: FindPrice[] = [];
  for (const [index, one] of asked.entries()) prices.push(await priceOf(bench, one, times[index] ?? 0));
  return prices;
};
