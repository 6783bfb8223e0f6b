import { randomUUID } from "node:crypto";
import type { Charge } from "./cost-meter.ts";
import { startMeteredService } from "./metered-service.ts";
import { type Bill, billOf, queuePrice } from "./prices.ts";
import { copyOf, DELIVERIES, type Delivery, type SampleRun, type Workload } from "./workloads.ts";

/** What recording one run of a workload costs, on average. */
export interface WritePrice {
  readonly workload: string;
  readonly delivery: Delivery;
  readonly runs: number;
  readonly requestsPerRun: number;
  readonly bill: Bill;
  /** US dollars per million runs; undefined where the design names none. */
  readonly target: number | undefined;
  /** US dollars for the messages of a million runs, were the same requests queue messages. */
  readonly queueDollars: number;
  /** What a function that knows neither app nor graph pays once, before its first run. */
  readonly coldBill: Bill;
  readonly charges: readonly { readonly runId: string; readonly charges: readonly Charge[] }[];
}

/** On the queue each event names its tenant. */
const TENANT_MEMBER_BYTES = Buffer.byteLength(`"tenant_id":"${randomUUID()}",`);
const LIST_BYTES = Buffer.byteLength('{"events":[]}');

const messageBytes = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text) + TENANT_MEMBER_BYTES + 1, LIST_BYTES);

const average = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** What is in the first bill and not in the second. */
const billOfMore = (charges: readonly Charge[], than: readonly Charge[]): Bill =>
  billOf([...charges, ...than.map((charge) => ({ ...charge, units: -charge.units }))]);

const priceOf = async (endpoint: string, workload: Workload, delivery: Delivery): Promise<WritePrice> => {
  const service = await startMeteredService(endpoint, { startsAt: workload.endsAt });
  try {
    const [first] = workload.runs as [SampleRun, ...SampleRun[]];
    const cold = await service.record(copyOf(first, randomUUID()), delivery);
    const charges: { runId: string; charges: readonly Charge[] }[] = [];
    for (const run of workload.runs) charges.push({ runId: run.runId, charges: await service.record(run, delivery) });
    return {
      workload: workload.name,
      delivery,
      runs: workload.runs.length,
      requestsPerRun: average(workload.runs.map(({ requests }) => requests[delivery].length)),
      bill: billOf(
        charges.flatMap((of) => of.charges),
        workload.runs.length,
      ),
      target: workload.targets?.[delivery],
      queueDollars: average(
        workload.runs.map(({ requests }) =>
          requests[delivery].reduce((sum, texts) => sum + queuePrice(messageBytes(texts)), 0),
        ),
      ),
      coldBill: billOfMore(cold, charges[0]?.charges ?? []),
      charges,
    };
  } finally {
    service.stop();
  }
};

/**
 * Records every run of the workloads, in one request and in arrivals. A copy of the first run goes before, so that the
 * app and its workflow's graph are known, as they are to a warm function.
 */
export const writePrices = async (endpoint: string, workloads: readonly Workload[]): Promise<WritePrice[]> => {
  const prices: WritePrice[] = [];
  for (const workload of workloads) {
    for (const delivery of DELIVERIES) prices.push(await priceOf(endpoint, workload, delivery));
  }
  return prices;
};
